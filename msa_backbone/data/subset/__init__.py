"""A smaller data set that represents the whole."""
