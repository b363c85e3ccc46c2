"""Several runs: their settings (overrides.py), their results side by side (outcomes.py), and a search over settings
(space.py, study.py)."""
