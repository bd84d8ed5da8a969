"""Masks: data found, checked, indexed."""
