"""Find questions with answers, or captions, in a folder: jsons of any names beside the images."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ...errors import DataError
from ...files.text import read_bytes
from ..folders import user_folder
from ..found_files import paths_below
from ..splits import SPLIT_WORDS, choose_val
from .pictures import PictureFiles, split_in, with_files
from .read_captions import read_captions
from .read_questions import most_given, number_key, ranked, read_questions, same_image
from .records import Captions, Question, read_json

QUESTION_LAYOUTS = """\
VQA v2's pair of jsons (questions, annotations), or one list of {image, question, answers}"""
CAPTION_LAYOUTS = """\
COCO's captions json, or one list of {image, captions}"""


@dataclass(frozen=True)
class LanguageData:
    """Questions or captions in the folder `root`.

    The splits have the names train, val and perhaps test. The `image` of a record is a file below
    `root`.
    """

    root: Path
    splits: dict[str, tuple[Question, ...] | tuple[Captions, ...]]
    notes: tuple[str, ...]  # what the user should know: what was decided and why
    classes: tuple[str, ...] = ()  # there are none

    @property
    def asks(self) -> bool:
        """Whether these are questions."""
        return isinstance(self.splits["train"][0], Question)

    def texts(self) -> list[str]:
        """What a vocabulary is learned from: the sentences of the training data."""
        return [text for record in self.splits["train"] for text in record.texts]

    def answers(self, most: int | None = None) -> list[str]:
        """What training questions were answered, at most so many, the most frequent first."""
        return ranked((most_given(question) for question in self.splits["train"]), most)


def find_questions(root: str | os.PathLike, classes: Sequence[str] | None = None) -> LanguageData:
    """Find questions with their answers; nothing is written.

    A file's split is the last of train, val and test in its path, also by another name, as dev or
    testA, or what its records say. A split without answers, as VQA's test, is left aside. Without a
    val split, a seeded tenth of the training pictures becomes one, with all their questions.

    Raises:
        DataError: if there is no such data, or what is wrong with it.
    """
    root = _folder_without_classes(root, classes)
    asking, answering = [], []
    for path in _jsons(root, b'"question'):
        kind = _kind(path)
        if kind in ("questions", "both"):
            asking.append((path, kind))
        elif kind == "answers":
            answering.append(path)
    if not asking:
        raise DataError(f"{root}: there are no questions; expected {QUESTION_LAYOUTS}")
    images = {path: _images(path, "annotations") for path in answering}
    records: dict[str, list[tuple[Path, Question]]] = {}
    aside = []
    for path, kind in asking:
        answers = None if kind == "both" else _answers_of(path, root, images)
        questions = read_questions(path, answers)
        if not any(question.answers for question in questions):
            aside.append((path, f"{len(questions)} questions without answers"))
            continue
        _sort_by_split(questions, path, root, records)
    if not records:
        raise DataError(f"{aside[0][0]}: {aside[0][1]}; add the annotations with the answers")
    return _data(root, records, aside, "questions")


def find_captions(root: str | os.PathLike, classes: Sequence[str] | None = None) -> LanguageData:
    """Find captions; otherwise as `find_questions`."""
    root = _folder_without_classes(root, classes)
    records: dict[str, list[tuple[Path, Captions]]] = {}
    for path in _jsons(root, b'"caption'):
        if _kind(path) == "captions":
            _sort_by_split(read_captions(path), path, root, records)
    if not records:
        raise DataError(f"{root}: there are no captions; expected {CAPTION_LAYOUTS}")
    return _data(root, records, [], "captioned pictures")


def _folder_without_classes(root: str | os.PathLike, classes: Sequence[str] | None) -> Path:
    if classes is not None:
        raise DataError("questions and captions have no classes: leave --classes out")
    return user_folder(root)


def _jsons(root: Path, word: bytes) -> list[Path]:
    """The jsons below a folder that have this in them; large ones of other tasks are not parsed."""
    return [file for file in paths_below(root, (".json",)) if word in read_bytes(file)]


def _kind(path: Path) -> str | None:
    """What a json holds: 'questions', 'answers', 'both', 'captions', or None for something else."""
    content = read_json(path)
    if isinstance(content, list):
        first = _first(content)
        if "question" in first:
            return "both"
        return "captions" if {"caption", "captions"} & first.keys() else None
    if "question" in _first(content.get("questions")) or content.get("questions") == []:
        return "questions"
    annotation = _first(content.get("annotations"))
    if "caption" in annotation:
        return "captions"
    return "answers" if "question_id" in annotation else None


def _first(records: object) -> dict:
    first = records[0] if isinstance(records, list) and records else {}
    return first if isinstance(first, dict) else {}


def _images(path: Path, name: str) -> dict[str, int | str | None]:
    """The image of every question, by the question's number."""
    rows = [row for row in read_json(path)[name] if isinstance(row, dict)]
    return {number_key(row.get("question_id")): row.get("image_id") for row in rows}


def _answers_of(path: Path, root: Path, images: dict[Path, dict]) -> Path | None:
    """The file that answers most of a file's questions; of equal ones that of the same split.

    Raises:
        DataError: if two files do.
    """
    asked, split = _images(path, "questions"), split_in(path.relative_to(root))
    fits = {}
    for other, known in images.items():
        shared = [key for key in asked.keys() & known.keys() if same_image(asked[key], known[key])]
        if shared:
            fits[other] = len(shared), split_in(other.relative_to(root)) == split
    best = [other for other, fit in fits.items() if fit == max(fits.values())]
    if len(best) > 1:
        raise DataError(f"{path}: both {best[0]} and {best[1]} answer it; move one away")
    return best[0] if best else None


def _sort_by_split(found: Iterable, path: Path, root: Path, records: dict[str, list]) -> None:
    """Put what a file says into its splits."""
    of_file = split_in(path.relative_to(root)) or "train"
    for record in found:
        split = split_in(str(record.split)) if record.split else of_file
        if split is None:
            raise DataError(f"{path}: split={record.split!r} is unknown: write train, val or test")
        records.setdefault(split, []).append((path, record))


def _data(root: Path, records: dict, aside: list[tuple[Path, str]], what: str) -> LanguageData:
    """The splits with the files of their pictures, and a val split."""
    if "train" not in records:
        there = ", ".join(sorted(records))
        raise DataError(f"{root}: there are {what} of {there} alone; add those to train on")
    pictures, splits = PictureFiles(root), {}
    for split in [name for name in SPLIT_WORDS if name in records]:
        by_file: dict[Path, list] = {}
        for path, record in records[split]:
            by_file.setdefault(path, []).append(record)
        by_file = {path: with_files(told, pictures, split, path) for path, told in by_file.items()}
        splits[split] = tuple(record for told in by_file.values() for record in told)
        if what == "questions":
            _refuse_copies(by_file)
            continue
        twice = Counter(record.image for record in splits[split])
        if max(twice.values()) > 1:
            image = twice.most_common(1)[0][0]
            raise DataError(f"{root / image}: is listed twice in {split}; keep one of the two")
    notes = [f"left aside: {path.relative_to(root)}, {why}" for path, why in aside]
    if "val" not in splits:
        chosen = choose_val(root, {record.image for record in splits["train"]})
        val = tuple(record for record in splits["train"] if record.image in chosen)
        splits["train"] = tuple(r for r in splits["train"] if r.image not in chosen)
        splits["val"] = val
        notes.append(f"val is {len(chosen)} of the training pictures, a tenth (seed 0)")
    for split, told in splits.items():
        count = len({record.image for record in told})
        notes.append(f"{split}: {len(told)} {what}" + (f", {count} pictures" * (len(told) > count)))
    return LanguageData(root, splits, tuple(notes))


def _refuse_copies(by_file: dict[Path, list[Question]]) -> None:
    """A file of a split that asks mostly what another asks: each such question would count twice.

    Raises:
        DataError: naming both files.
    """
    asked = {path: {(q.image, q.text) for q in questions} for path, questions in by_file.items()}
    for one, other in combinations(asked, 2):
        shared = len(asked[one] & asked[other])
        if 2 * shared > min(len(asked[one]), len(asked[other])):
            raise DataError(
                f"{one} and {other} ask the same {shared} questions: move one of the files away, "
                "or join their answers in one"
            )
