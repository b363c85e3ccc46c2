"""What every part needs: files, processes, signals, lines in and out, and what is told of long work."""
