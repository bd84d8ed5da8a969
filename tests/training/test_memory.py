"""Freed memory is kept: no page is asked of the system twice."""

import platform
import subprocess
import sys

import pytest

PAGE_FAULTS = """
import resource, sys
import torch
from msa_backbone.training.memory import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(3):
    torch.ones(16, 2**20)  # 64 MiB
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(16, 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's way of giving memory back")
def test_tensors_after_the_first_cost_no_page():
    def faults(mode: str) -> int:
        command = [sys.executable, "-c", PAGE_FAULTS, mode]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert faults("keep") < 100
    assert faults("leave") > 1000  # else the system keeps it anyway, and the module is not needed
