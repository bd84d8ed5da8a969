"""Annotation formats: COCO, VOC and mask files, read and written."""
