"""The commands: a file for each, and what they share. Errors that a user can cause end in one line and exit code 2."""
