"""What happens to text between a user and the tokenizer: functions from text to text, and what leads back."""
