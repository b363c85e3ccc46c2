"""The stages of scripts/diversify: what they are (recipe), how long they take (speed, report), and how they are run
(runner)."""
