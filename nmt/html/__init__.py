"""HTML: what is text in it, and the same document with other texts."""
