"""What a config can name: hooks, heads, metrics, datasets and operators for OpenMMLab."""
