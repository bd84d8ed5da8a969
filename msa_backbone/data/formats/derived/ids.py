"""Ids as whole numbers.

Exports use text and fractions as ids too. But pycocotools keeps the ids of matched objects in
arrays of float64: text ends in a traceback, numbers beyond 2**53 are rounded, and an annotation 0
would never count as found, since 0 stands for "no match".
"""

from collections.abc import Sequence
from pathlib import Path

_TOO_LARGE = 2**53
_LOWEST = {"images": 0, "categories": 0, "annotations": 1}
_REFERENCES = {"images": "image_id", "categories": "category_id"}


def with_whole_ids(content: dict, source: Path) -> tuple[dict, list[str]]:
    """The content with whole numbers as ids, and notes.

    Numbers keep their value, also those written as text ("7") or fraction (7.0). If that leaves an
    id of a kind of record that is no whole number, too large or too small, all of that kind are
    counted from 1. Two records of one id still share one afterwards. Renumbered records say in
    `found_at` which id the file has.
    """
    notes: list[str] = []
    for kind, lowest in _LOWEST.items():
        records = content[kind]
        old = [record.get("id") for record in records]
        reference = _REFERENCES.get(kind)
        old_references = [r[reference] for r in content["annotations"]] if reference else []
        if _are_whole(old, lowest) and _are_whole(old_references, None):
            continue
        new = [_whole(id_) for id_ in old]
        references = [_whole(id_) for id_ in old_references]
        if not _are_whole(new, lowest):
            numbers = _numbers(new)
            new = [numbers.get(id_, place) for place, id_ in enumerate(new, len(numbers) + 1)]
            references = [numbers.get(id_, str(id_)) for id_ in references]
        records = [
            record if _same(before, after) else _renumbered(record, kind, before, after, source)
            for record, before, after in zip(records, old, new, strict=True)
        ]
        content = {**content, kind: records}
        if reference:
            content["annotations"] = [
                {**record, reference: number}
                for record, number in zip(content["annotations"], references, strict=True)
            ]
        notes += _note(kind, old, new) or _note(
            f"{kind} in annotations", old_references, references
        )
    return content, notes


def _are_whole(ids: Sequence[object], lowest: int | None) -> bool:
    """Whether all are whole numbers; with `lowest`, whether pycocotools can keep them too."""
    if not all(type(id_) is int for id_ in ids):
        return False
    return lowest is None or not ids or (min(ids) >= lowest and max(ids) < _TOO_LARGE)


def _whole(id_: object) -> object:
    """The whole number that an id is or spells, else the id."""
    if isinstance(id_, float) and id_.is_integer():
        return int(id_)
    if isinstance(id_, str) and len(id_) < 20:
        text = id_.strip()
        if text.removeprefix("-").isdecimal() and str(int(text)) == text:
            return int(text)
    return id_


def _numbers(ids: Sequence[object]) -> dict[object, int]:
    """A number from 1 on for every different id, in their order."""
    unique = [id_ for id_ in dict.fromkeys(ids) if id_ is not None]
    return {id_: number for number, id_ in enumerate(unique, 1)}


def _same(before: object, after: int) -> bool:
    return type(before) is int and before == after


def _renumbered(record: dict, kind: str, old: object, new: int, source: Path) -> dict:
    record = {**record, "id": new}
    if kind == "images":
        record["found_at"] = f"{source}: image {old!r}"
    if kind == "annotations":
        record["found_at"] = f"{source}: annotation {old!r} {record.get('bbox')}"
    return record


def _note(kind: str, old: Sequence[object], new: Sequence[object]) -> list[str]:
    pairs = zip(old, new, strict=True)
    changed = [(before, after) for before, after in pairs if not _same(before, after)]
    if not changed:
        return []
    before, after = changed[0]
    return [f"ids of {kind} made whole numbers: {len(changed)}, first {before!r} is {after}"]
