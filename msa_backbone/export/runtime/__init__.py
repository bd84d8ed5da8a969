"""Exported files at work, without torch or OpenMMLab: numpy and the program that runs the file."""
