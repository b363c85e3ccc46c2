"""A small model, hostile lines, mutations and an audit hook, for stress_stream.py, fuzz*.py and kill_*.py."""
