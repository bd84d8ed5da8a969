"""The arithmetic of Multi-Scale Attention, apart from the modules that use it."""
