"""XML that is not quite XML: of another encoding, with blanks in front, with a bare `&`."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from ....errors import DataError
from ....files.text import read_bytes

_ERRORS = (ParseError, ValueError, LookupError)
_DECLARED = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)[\"']")
_UNKNOWN = "an unknown encoding"
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")


def read_xml(path: Path) -> Element:
    """The root of an xml file, as `mended_xml` reads it."""
    return mended_xml(path)[0]


def mended_xml(path: Path) -> tuple[Element, str | None]:
    """The root of an xml file, and what was not quite XML about it, in words.

    Bytes that fit neither the declared encoding nor UTF-8 are no matter where the classes' names
    are ASCII: nothing else of the text is needed.

    Raises:
        DataError: for what cannot be read with certainty, also for entities, which can grow without
            end.
    """
    data = read_bytes(path)
    try:
        return ElementTree.fromstring(data), None
    except _ERRORS as error:
        first = error
    if not isinstance(first, DefusedXmlException):
        for text, encoding in _texts(data):
            for mended, what in _readings(text, encoding):
                try:
                    root = ElementTree.fromstring(mended)
                except _ERRORS:
                    continue
                if encoding == _UNKNOWN and not _has_ascii_names(root):
                    raise DataError(
                        f"{path}: is not in the encoding that it declares, or in UTF-8 without a "
                        "declaration; save it as UTF-8"
                    )
                return root, what
    raise DataError(f"{path}: not valid XML ({first}); export it again") from None


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    """The text in every encoding that it can have, the likeliest first."""
    match = _DECLARED.match(data)
    declared = match[1].decode().lower() if match else "utf-8"
    if declared in ("gb2312", "gbk"):
        declared = "gb18030"  # holds both, and what is often called by their names
    for encoding in dict.fromkeys((declared, "utf-8", "utf-16")):
        try:
            yield data.decode(encoding), encoding
        except LookupError:
            return
        except UnicodeError:
            continue
    yield data.decode("latin-1"), _UNKNOWN


def _readings(text: str, encoding: str) -> Iterator[tuple[str, str]]:
    """The text with as little mended as may be, and what is mended, in words."""
    stripped = text.lstrip("\ufeff \t\r\n")
    yield stripped, f"read as {encoding}" if stripped == text else "with blanks in front"
    yield _BARE_AMPERSAND.sub("&amp;", stripped), "with an & that should be &amp;"


def _has_ascii_names(root: Element) -> bool:
    return all((item.findtext("name") or "").isascii() for item in root.iter("object"))
