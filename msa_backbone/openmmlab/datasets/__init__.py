"""Data sets of pictures with questions or captions, and the order in which they are seen."""
