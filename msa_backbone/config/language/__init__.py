"""Configs of models that read or write: their data and their words."""
