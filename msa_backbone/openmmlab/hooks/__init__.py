"""Hooks that configs name, one a file."""
