"""Measurement code shared by scripts/bench_*.py."""
