"""Steps of a data pipeline, found by name through `../names.py`."""
