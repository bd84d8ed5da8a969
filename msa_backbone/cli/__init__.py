"""What the tools share: arguments, progress, and how they end when their input is at fault."""
