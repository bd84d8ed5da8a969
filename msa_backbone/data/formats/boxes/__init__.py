"""Formats of boxes and polygons beside COCO and VOC: CVAT, labelme, Label Studio, CSV tables."""
