"""YOLO: folders described and found, labels read and written."""
