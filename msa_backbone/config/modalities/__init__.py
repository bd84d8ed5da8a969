"""Configs that load several modalities: the user's data, and cameras switched off."""
