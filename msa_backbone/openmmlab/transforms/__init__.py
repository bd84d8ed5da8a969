"""Steps of a data pipeline, found by name through `../lazy_builders.py`."""
