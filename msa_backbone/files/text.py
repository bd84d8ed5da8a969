"""The user's text files, read in one way: whatever is wrong with one is an error that names it."""

import codecs
from pathlib import Path

from ..errors import DataError

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_bytes(path: Path) -> bytes:
    """The content of a file, without UTF-8's byte order mark; DataError for a folder, for one.

    Reading a named pipe would wait for ever for somebody to write into it.
    """
    try:
        if not path.is_file() and not path.is_dir() and path.exists():
            raise OSError(None, "a pipe or a device")
        return path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); it has to be a file that you may read"
        ) from None


def read_text(path: Path, errors: str = "strict") -> str:
    """The text of a file in UTF-8, with or without a byte order mark, or in UTF-16 with one.

    Args:
        errors: "replace" for a first look at what may be no text at all.

    Raises:
        DataError: for another encoding, as what its letters are would be a guess.
    """
    content = read_bytes(path)
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8"
    try:
        return content.decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: is no text in UTF-8 (byte {error.start}); save it in UTF-8"
        ) from None
