"""How a tool shows that it is getting on."""

import time
from collections.abc import Iterable

from ..progress import Step


def print_steps(steps: Iterable[Step]) -> list[str]:
    """Print a line for every step as it comes; return the lines of those that failed."""
    start, failed = time.time(), []
    for step in steps:
        print(step.describe(time.time() - start), flush=True)
        if step.failed:
            failed.append(step.line)
    return failed
