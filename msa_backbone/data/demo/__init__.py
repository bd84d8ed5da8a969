"""Data generated for the demo."""
