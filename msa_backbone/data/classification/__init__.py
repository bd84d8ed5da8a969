"""Images by class: found, checked, listed."""
