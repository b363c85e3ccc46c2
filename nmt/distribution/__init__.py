"""Work that is handed out in parts, here or on many machines, and is done exactly once whatever dies meanwhile."""
