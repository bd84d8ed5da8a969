"""What the tools share: their arguments and how they end when their input is at fault."""
