"""Sentences about pictures: a transformer that writes, the search for the best sentence."""
