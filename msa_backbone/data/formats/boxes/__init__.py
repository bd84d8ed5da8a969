"""Formats of boxes and polygons beside COCO and VOC: YOLO, labelme, Label Studio, CSV tables."""
