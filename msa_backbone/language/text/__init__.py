"""Sentences as numbers: vocabularies, tokens, embeddings."""
