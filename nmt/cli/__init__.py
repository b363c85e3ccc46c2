"""The commands: a file for each, and shared code. A user's error gives one line on stderr and exit code 2."""
