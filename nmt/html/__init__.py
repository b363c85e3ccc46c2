"""HTML: extract the texts of a document, and put other texts in their place."""
