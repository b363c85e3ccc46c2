"""Shared basics: files, processes, signals, line input and output, and progress bars."""
