"""From a config to a training or a test that can start."""
