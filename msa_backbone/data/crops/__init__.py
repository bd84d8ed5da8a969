"""Classification data cut out of detection and segmentation data."""
