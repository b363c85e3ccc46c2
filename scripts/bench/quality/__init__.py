"""Systems that train for the same time on the same text and pieces, for scripts/bench_quality.py."""
