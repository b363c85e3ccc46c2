"""Work in parts, on one machine or many: each part is done exactly once, whichever processes die."""
