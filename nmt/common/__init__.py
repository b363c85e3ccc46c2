"""What every part needs: files, processes, signals, lines in and out, and progress bars."""
