"""Integration with OpenMMLab."""
