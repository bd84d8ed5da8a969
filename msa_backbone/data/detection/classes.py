"""What is said of detection data of every format: the classes, the splits, how many of what."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...errors import DataError
from ..formats.detection_annotations import DetectionData, Split


def require_train(files: dict[str, Path], expected: Path) -> Path:
    if "train" not in files:
        found = ", ".join(map(str, files.values()))
        raise DataError(f"{expected}: there is no train split beside {found}; add this file")
    return files["train"]


def require_unique(names: Sequence[object], source: Path) -> None:
    """Raise DataError for a name that is no text or stands twice."""
    for name, count in Counter(names).items():
        if count > 1 or not isinstance(name, str):
            raise DataError(f"{source}: class {name!r} is listed twice or not text; rename it")


def choose_classes(
    names: Sequence[str], classes: Sequence[str] | None, source: Path
) -> Sequence[str]:
    """`classes`, or all `names` of `source` if None; raises DataError for a bad name."""
    require_unique(names, source)
    for name, count in Counter(classes).items():
        if name not in names:
            raise DataError(f"{source}: has no class {name!r}; choose among {', '.join(names)}")
        if count > 1:
            raise DataError(f"{source}: class {name!r} is chosen twice; name it once")
    return names if classes is None else classes


def require_read(data: DetectionData) -> DetectionData:
    """The data; raises DataError where a record could not be read, with how many more."""
    for split in data.splits.values():
        if split.unread:
            others = sum(len(other.unread) for other in data.splits.values()) - 1
            more = f"; {others} more like it" if others else ""
            raise DataError(f"{split.unread[0]}{more}")
    return data


def class_notes(classes: tuple[str, ...], order: str, train: dict) -> list[str]:
    """What to know of the classes, given the train split."""
    counts = Counter(_object_names(train))
    notes = [f"{len(classes)} classes, {order}: {', '.join(classes)}"]
    if absent := [name for name in classes if not counts[name]]:
        notes.append(f"classes without a training object: {', '.join(absent)}")
    if dropped := sum(count for name, count in counts.items() if name not in classes):
        notes.append(f"dropped: {dropped} training objects of other classes")
    return notes


def count_notes(splits: dict[str, Split], classes: tuple[str, ...]) -> list[str]:
    """A line a split: how many images and how many objects of `classes`."""
    lines, chosen = [], set(classes)
    for name, split in splits.items():
        content = split.content
        labels = _object_names(content)
        pairs = zip(content["annotations"], labels, strict=True)
        used = [record["image_id"] for record, label in pairs if label in chosen]
        empty = len({image["id"] for image in content["images"]} - set(used))
        without = f", {empty} images without one" if empty else ""
        lines.append(f"{name}: {len(content['images'])} images, {len(used)} objects{without}")
    return lines


def _object_names(content: dict) -> list[str | None]:
    names = {category["id"]: category["name"] for category in content["categories"]}
    return [names.get(record["category_id"]) for record in content["annotations"]]
