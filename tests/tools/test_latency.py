"""tools/latency.py in a process of its own: its runtimes start threads that outlive a session."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mmdet")


@pytest.mark.slow
def test_in_a_process_of_its_own():
    tests = Path(__file__).with_name("latency_in_a_process.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "passed" in done.stdout and "skipped" not in done.stdout
