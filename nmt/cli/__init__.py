"""The commands. Each is one short file; errors that a user can cause end in one line and exit code 2."""
