"""What scripts/bench_*.py measure with."""
