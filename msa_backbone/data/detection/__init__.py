"""Boxes: data found, checked, repaired, indexed."""
