"""The commands: a file for each, and what they share. A user's error ends in one line and exit code 2."""
