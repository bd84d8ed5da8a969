"""Categories of two files that mean the same: matched by their names.

Loaders give a category its label by its place in the list of its own file. So a val json in another
order than train's is scored in the wrong classes, without an error.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ....errors import DataError


def with_categories_of(
    train: dict, content: dict, classes: Sequence[str] | None, train_file: Path, file: Path
) -> tuple[dict, list[str]]:
    """The content with the categories of `train`, in their order and with their ids, and notes.

    Categories that train lacks go if they have no object, or if `classes` are chosen.

    Args:
        train, content: of the files, the latter of another split; in each, names differ.
        classes: the names that the user has chosen; None for all.

    Raises:
        DataError: for objects of a class that train lacks.
    """
    wanted = {category["name"]: category["id"] for category in train["categories"]}
    listed = [category["name"] for category in content["categories"]]
    if listed == list(wanted):
        return content, []
    spelled = {unicodedata.normalize("NFC", name): name for name in wanted}
    listed = [spelled.get(unicodedata.normalize("NFC", name), name) for name in listed]
    ids = [category["id"] for category in content["categories"]]
    names = dict(zip(ids, listed, strict=True))
    if len(names) < len(listed):
        return content, []  # the check says that an id is used twice
    objects = Counter(names.get(record["category_id"]) for record in content["annotations"])
    extra = [name for name in listed if name not in wanted]
    lost = [name for name in extra if objects[name] and classes is None]
    if lost:
        raise DataError(
            f"{file}: has {objects[lost[0]]} objects of {lost[0]!r}, which {train_file.name} does "
            f"not list{_like(lost[0], wanted)}; list it there or choose classes (--classes)"
        )
    new_ids = {id_: wanted.get(name) for id_, name in names.items()}
    annotations = []
    for record in content["annotations"]:
        old = record["category_id"]
        new = new_ids.get(old, str(old))  # what is unknown is unknown to train too, as text
        if new is not None:
            annotations.append({**record, "category_id": new})
    what = "another order" if set(listed) == set(wanted) else "other categories"
    if listed == list(wanted):
        what = "accents written otherwise"
    notes = [f"categories matched to {train_file.name}'s by name ({what})"]
    if extra:
        notes.append(f"categories that {train_file.name} lacks left aside: {', '.join(extra)}")
    categories = train["categories"]
    return {**content, "categories": categories, "annotations": annotations}, notes


def _like(name: str, names: Sequence[str]) -> str:
    """In brackets, a name that differs from `name` in case or spaces only."""
    alike = [other for other in names if squeezed(other) == squeezed(name)]
    return f" (it has {alike[0]!r})" if alike else ""


def squeezed(name: str) -> str:
    """A name without spaces, hyphens and underscores, in lower case."""
    return "".join(name.split()).replace("-", "").replace("_", "").casefold()


def alike(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of names that differ in case, spaces, hyphens or underscores only."""
    first: dict[str, str] = {}
    return [
        (first[key], name)
        for name in names
        if first.setdefault(key := squeezed(name), name) != name
    ]
