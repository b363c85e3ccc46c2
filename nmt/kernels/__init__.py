"""Kernels made from the cells: traced once, written for a machine, and called in the loop of training."""
