"""Detection data: found, read, checked, split, and generated for the demo."""
