"""How a config reads the user's data and judges by them: one file a task."""
