"""The table of what the kernels reach of the memory's bandwidth."""

from msa_backbone.costs import gpu_bandwidth


def test_bandwidth_is_bytes_over_time_and_sums_over_the_maps():
    passes = [
        gpu_bandwidth.Pass("read", (1, 64, 8, 8), 2e-6, 1_000_000),
        gpu_bandwidth.Pass("read", (1, 128, 4, 4), 2e-6, 3_000_000),
    ]
    lines = gpu_bandwidth.bandwidth_table(passes, copy=2e12).splitlines()
    assert lines[0] == "copy: 2.00 TB/s read and written"
    assert lines[4:] == [
        "| read | 1x64x8x8 | 2.0 us | 25% |",
        "| read | 1x128x4x4 | 2.0 us | 75% |",
        "| read | all | 4.0 us | 50% |",
    ]
