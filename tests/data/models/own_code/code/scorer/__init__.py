"""The model's own loader."""
