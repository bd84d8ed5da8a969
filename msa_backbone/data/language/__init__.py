"""Questions and captions about pictures: found, checked, indexed."""
