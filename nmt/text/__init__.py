"""Text processing between a user and the tokenizer: functions from text to text, and their inverses."""
