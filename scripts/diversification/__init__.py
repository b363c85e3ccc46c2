"""The stages of scripts/diversify: their definition (recipe), their duration (speed, report), and how to run them
(runner)."""
