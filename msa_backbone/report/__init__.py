"""A training's report as one HTML file."""
