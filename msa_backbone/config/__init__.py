"""OpenMMLab configs: read, changed by the tools' options and data, rehearsed before a run."""
