"""Reading Label Studio's own JSON: a list of tasks, an image each, or its short form, JSON-MIN.

Numbers are percents of the image's width and height. Rectangles may be turned around their left top
corner: such a one becomes a polygon. Painted masks (brushes) are not read.
"""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ....errors import DataError
from ....files.images import IMAGE_SUFFIXES
from ....files.text import read_bytes
from .paths import ImageFinder, visible_files
from .records import FoundBoxes, Records, size_or_none

LABEL_STUDIO_LAYOUT = """\
Label Studio  its JSON or JSON-MIN in ROOT, the images anywhere in ROOT; all for training"""

_LABELS = ("rectanglelabels", "polygonlabels")


def find_label_studio(root: Path) -> FoundBoxes | None:
    """The data, if a json of `root` is Label Studio's; DataError for one that is not understood."""
    found = {
        path: tasks for path in visible_files(root.glob("*.json"), root) if (tasks := _tasks(path))
    }
    if not found:
        return None
    if len(found) > 1:
        first, second, *_ = found
        raise DataError(f"{second}: a second export beside {first}; move one away")
    (path, tasks) = next(iter(found.items()))
    finder, left, records = ImageFinder(root), Counter(), Records()
    taken: dict[str, str] = {}
    undone = 0
    for number, task in enumerate(tasks):
        place = f"{path}: task {task.get('id', number)!r}"
        with records.reading():
            image, results = _image_and_results(task, place)
            if results is None:
                undone += 1
                continue
            name = finder.find(image, root)
            if taken.setdefault(name, place) != place:
                raise DataError(
                    f"{place}: a second task of {name} beside {taken[name]}; remove one"
                )
            size = size_or_none(root / name)
            image_id = records.add_image(name, *size, place)
            for index, result in enumerate(results):
                where = f"{place}: result {index}"
                kind = next((kind for kind in _LABELS if _values(result).get(kind)), None)
                if kind is None:
                    left[repr(result.get("type", "unknown"))] += 1
                elif size != (None, None):
                    with records.reading():
                        _add(records, image_id, kind, result, size, where)
    names = tuple(sorted(set(records.labels)))
    notes = [f"format label-studio: found {path.name}", *finder.notes()]
    notes += [f"left out: {count} results of type {kind}" for kind, count in left.items()]
    if undone:
        notes.append(f"left aside: {undone} tasks without an annotation, or skipped")
    if undone == len(tasks):
        raise DataError(f"{path}: no task has been annotated; annotate some, and export them again")
    if not names and not records.unread:
        raise DataError(
            f"{path}: Label Studio's JSON without rectangles or polygons ({', '.join(left)}); "
            "export the data as COCO or as YOLO"
        )
    splits = {"train": records.split(names, root, path)}
    return FoundBoxes("label-studio", names, "in sorted order", splits, tuple(notes))


def _tasks(path: Path) -> list[dict] | None:
    """The tasks of an export; None for another json."""
    try:
        content = msgspec.json.decode(read_bytes(path))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(content, list) or not all(isinstance(task, dict) for task in content):
        return None
    whole = all("data" in task and {"annotations", "completions"} & task.keys() for task in content)
    short = all("image" in task and "annotator" in task for task in content)
    return content if whole or short else None


def _image_and_results(task: dict, place: str) -> tuple[str, list[dict] | None]:
    """The image of a task as written, and what was drawn on it; None if it is not done."""
    if "image" in task:
        image, results = task["image"], task.get("label") or []
    else:
        data, done = task["data"], task.get("annotations") or task.get("completions") or []
        image = _image_of(data) if isinstance(data, dict) else None
        done = done if isinstance(done, list) else []
        kept = [a for a in done if isinstance(a, dict) and not a.get("was_cancelled")]
        if len(kept) > 1:
            raise DataError(f"{place}: has {len(kept)} annotations; keep one for each image")
        if not kept and isinstance(image, str):
            return image, None
        results = kept[0].get("result") if kept else []
    if not isinstance(image, str) or not isinstance(results, list):
        raise DataError(f"{place}: has no 'image' or no list of results; export it again")
    if not all(isinstance(result, dict) for result in results):
        raise DataError(f"{place}: a result is no record; export it again")
    return image, results


def _image_of(data: dict) -> object:
    """The image of a task: by the usual keys, else the only text that ends as an image's name."""
    names = [v for v in data.values() if isinstance(v, str) and v.lower().endswith(IMAGE_SUFFIXES)]
    return data.get("image", data.get("img", names[0] if len(names) == 1 else None))


def _values(result: dict) -> dict:
    value = result.get("value", result)  # JSON-MIN has them in the result itself
    return value if isinstance(value, dict) else {}


def _add(
    records: Records, image_id: int, kind: str, result: dict, size: tuple[int, int], place: str
) -> None:
    value = _values(result)
    labels = value[kind]
    if not isinstance(labels, list) or len(labels) != 1 or not isinstance(labels[0], str):
        raise DataError(f"{place}: has not one label but {labels!r}; correct it")
    try:
        corners = list(_corners(value, kind, size))
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{place}: its numbers are no shape; correct or remove it") from None
    if kind == "rectanglelabels" and not value.get("rotation"):
        (left, top), (right, bottom) = corners[0], corners[2]
        records.add_object(image_id, labels[0], place, [left, top, right - left, bottom - top])
    else:
        polygon = [number for corner in corners for number in corner]
        records.add_object(image_id, labels[0], place, polygons=[polygon])


def _corners(value: dict, kind: str, size: tuple[int, int]) -> Iterator[tuple[float, float]]:
    """The corners of a rectangle or polygon in pixels."""
    x_unit, y_unit = size[0] / 100, size[1] / 100
    if kind == "polygonlabels":
        if len(value["points"]) < 3:
            raise ValueError("a polygon has three points or more")
        for x, y in value["points"]:
            yield x * x_unit, y * y_unit
        return
    left, top = value["x"] * x_unit, value["y"] * y_unit
    width, height = value["width"] * x_unit, value["height"] * y_unit
    turn = math.radians(value.get("rotation") or 0)
    for x, y in ((0, 0), (width, 0), (width, height), (0, height)):
        yield (
            left + x * math.cos(turn) - y * math.sin(turn),
            top + x * math.sin(turn) + y * math.cos(turn),
        )
