"""Heads that configs name; each needs its toolbox."""
