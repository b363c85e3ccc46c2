"""A small model, hostile lines, mutations and a watch: for stress_stream.py, fuzz*.py and kill_*.py."""
