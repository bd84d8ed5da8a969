"""The error that the user's data raise, and how many errors are told in one line."""

from collections.abc import Sequence


class DataError(ValueError):
    """A defect of the user's data; the message is one line: what, which file, how to mend it."""


def first_and_count(errors: Sequence[object], others: str = "more errors") -> str:
    """The first error, and how many `others` there are.

    >>> first_and_count(["a.png: no such image; add it", "b.png: no such image; add it"])
    'a.png: no such image; add it; 1 more errors'
    """
    return f"{errors[0]}; {len(errors) - 1} {others}" if len(errors) > 1 else str(errors[0])
