"""Training data: found, read, checked, split, written, and generated for the demo."""
