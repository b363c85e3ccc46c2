"""Kernels generated from the cells: traced once, written for a machine, and called in the training loop."""
