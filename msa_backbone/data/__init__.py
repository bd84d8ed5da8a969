"""Data sets for trying the backbone out."""
