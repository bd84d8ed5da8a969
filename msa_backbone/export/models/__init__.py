"""Trained models of the toolboxes as plain functions from tensors to tensors."""
