"""Multi-Scale Attention's arithmetic as Triton kernels."""
