"""What attention costs: time, memory, operations and parameters."""
