"""Several runs: what came of each, side by side (outcomes.py), and a search over settings (space.py, study.py)."""
