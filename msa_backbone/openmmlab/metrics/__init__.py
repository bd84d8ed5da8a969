"""Metrics that configs name; each needs its toolbox."""
