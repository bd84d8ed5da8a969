"""Several cameras in the user's folder: where each one's pictures lie, and whether they fit."""
