"""Multi-Scale Attention's arithmetic on CPUs."""
