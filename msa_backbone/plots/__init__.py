"""Curves and pictures as PNG files."""
