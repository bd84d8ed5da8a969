"""Semantic masks in a folder: the mask of every image, the names of the values, colours."""
