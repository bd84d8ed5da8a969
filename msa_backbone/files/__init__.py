"""Files read and written: checkpoints, images, logs, and whole files or none."""
