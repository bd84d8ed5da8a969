"""Questions and captions as their files tell them, and what is wrong with such files.

A picture is named by its number, as in VQA v2 and COCO, or by its file.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError
from ...files.text import read_text


@dataclass(frozen=True)
class Question:
    """A question about a picture.

    Attributes:
        image: the picture's number or file.
        text: the question.
        answers: what people answered, the same answer once for each of them; empty if unknown.
        number: the question's.
        question_type: such as 'how many'; by default the question's first word.
        answer_type: VQA v2's 'yes/no', 'number' or 'other'; may be empty.
        split: where the file says it, 'train', 'val' or 'test'.
        boxes: where the things are that the question names, (x, y, width, height) in pixels; empty
            if unknown.
    """

    image: int | str
    text: str
    answers: tuple[str, ...]
    number: int | str
    question_type: str
    answer_type: str = ""
    split: str | None = None
    boxes: tuple[tuple[float, ...], ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """What a vocabulary is learned from."""
        return (self.text,)


@dataclass(frozen=True)
class Captions:
    """A picture with what people said about it; `image` and `split` are as in `Question`."""

    image: int | str
    texts: tuple[str, ...]
    split: str | None = None


def read_json(path: Path) -> dict | list:
    """The content of a json.

    Raises:
        DataError: if it is none.
    """
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: is no JSON ({error}); export it again") from None
    if not isinstance(content, dict | list):
        raise DataError(f"{path}: holds neither a list nor records; export it again")
    return content


def records_of(content: dict | list, name: str, path: Path) -> list[dict]:
    """The list `name` of a json, or the json itself where it is a list.

    Raises:
        DataError: if there is none, or it holds something else than records.
    """
    found = content.get(name) if isinstance(content, dict) else content
    if not isinstance(found, list):
        raise DataError(f"{path}: has no list '{name}'; export it as VQA v2 or COCO does")
    for place, record in enumerate(found):
        if not isinstance(record, dict):
            raise DataError(f"{path}: {name}[{place}] is no record; export it again")
    return found


def field(record: dict, names: Iterable[str], kinds: type | tuple, what: str, path: Path) -> object:
    """The first of these fields that a record has.

    Raises:
        DataError: if it has none, or its value is of another kind or empty.
    """
    names = tuple(names)
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            value = value.strip()
        if not isinstance(value, kinds) or isinstance(value, bool) or value in ("", []):
            raise DataError(f"{path}: {what} has {name}={value!r}; correct it")
        return value
    raise DataError(f"{path}: {what} has no {' or '.join(names)}; add it")
