"""Judges of predictions: what a report says of boxes, masks, pixels and classes."""
