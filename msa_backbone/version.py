"""The version, apart so that building a wheel does not import torch."""

__version__ = "0.1.0"
