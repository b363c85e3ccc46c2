"""From parallel text to batches of ids."""
