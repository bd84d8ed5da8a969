"""The error that the user's data raise, and how many errors are told in one line."""

import re
from collections.abc import Sequence


class DataError(ValueError):
    """A defect of the user's data; the message is one line: what, which file, how to mend it."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str) -> str:
    r"""The text in one line that can be printed.

    Names of files may hold line breaks, and bytes that are no UTF-8.

    >>> print(printable("a\nb\udce9"))
    a\nb\udce9
    """
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", lambda odd: repr(odd[0])[1:-1], text)


def first_and_count(errors: Sequence[object], others: str = "more errors") -> str:
    """The first error, and how many `others` there are.

    >>> first_and_count(["a.png: no such image; add it", "b.png: no such image; add it"])
    'a.png: no such image; add it; 1 more errors'
    """
    return f"{errors[0]}; {len(errors) - 1} {others}" if len(errors) > 1 else str(errors[0])
