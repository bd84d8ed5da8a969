"""How a tool ends when its input is at fault: one line, no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Inside the block, a ValueError or OSError ends the program: its message is the one line."""
    try:
        yield
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
