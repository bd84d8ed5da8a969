"""Write a data set into a folder of its own, as COCO or VOC, complete or not at all."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from .annotations import DataError, with_categories
from .checks import require_segmentations
from .files import place_file
from .layouts import DetectionData, Split
from .masks import draw_masks
from .splits import require_outside
from .voc_files import add_masks, write_voc_image

STAMP = "subset.json"
IMAGE_MODES = ("link", "copy", "list")


def stamp(data: DetectionData, options: dict) -> bytes:
    """What a subset is made of: the options and the state of the files that were read."""
    states = {str(split.source): split.source.stat() for split in data.splits.values()}
    files = {name: (state.st_size, state.st_mtime_ns) for name, state in states.items()}
    return msgspec.json.encode({"version": 1, "options": options, "files": files})


def is_made(out: Path, mark: bytes, root: Path) -> bool:
    """Whether `out` was made with the same `stamp`.

    Raises:
        DataError: if it is something else, or inside the data `root`.
    """
    require_outside(out, root)
    if not out.exists():
        return False
    path = out / STAMP
    if path.is_file() and path.read_bytes() == mark:
        return True
    raise DataError(
        f"{out}: is there already, of other data or made with other options; remove it or choose "
        "another folder"
    )


def write_coco_data(
    data: DetectionData,
    folder: Path,
    images: str = "link",
    reindex: bool = False,
    semantic: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write annotations/instances_SPLIT.json and images/SPLIT/; VOC's object masks become RLEs.

    Args:
        data: splits whose images exist.
        folder: where; it has to be empty.
        images: 'link' (hard links, copies where the file system has none), 'copy', or 'list': the
            json names the images where they are, by absolute path.
        reindex: number the categories from 1 on; they keep their ids otherwise.
        semantic: also masks/SPLIT/, index PNGs drawn from the instances, and classes.txt.
        progress: called after every image with the number of images done and of all.

    Raises:
        DataError: if an image is missing, or a segmentation that `semantic` needs.
    """
    step, data = _Steps(data, progress), _with_masks(data)
    if semantic:
        require_segmentations(data)
        (folder / "classes.txt").write_text("\n".join(("background", *data.classes)) + "\n")
    for name, split in data.splits.items():
        content = with_categories(split.content, data.classes) if reindex else split.content
        records = []
        for image in content["images"]:
            source = _existing(split, image)
            record = _own_fields(image)
            if images == "list":
                record["file_name"] = str(source)
            else:
                place_file(
                    source, folder / "images" / name / _inner(split, image), images == "link"
                )
            records.append(record)
            step()
        annotations = [_own_fields(record) for record in content["annotations"]]
        path = folder / "annotations" / f"instances_{name}.json"
        path.parent.mkdir(exist_ok=True)
        whole = {**content, "images": records, "annotations": annotations}
        path.write_bytes(msgspec.json.encode(whole))
        if semantic:
            drawn = replace(split, content=content)
            draw_masks(drawn, ("background", *data.classes), folder / "masks" / name)


def write_voc_data(
    data: DetectionData,
    folder: Path,
    images: str = "link",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write JPEGImages/, Annotations/, ImageSets/ and, where there are masks, Segmentation*/.

    Boxes keep fractions of a pixel; mmdet cuts these off, this package reads them. Crowds become
    `difficult`. Images in subfolders get their folder into their name.

    Args:
        data, folder, progress: as in `write_coco_data`.
        images: 'link' or 'copy'.

    Raises:
        DataError: if an image is missing or two get the same name.
    """
    if images == "list":
        raise ValueError("VOC has its images in JPEGImages/: choose link or copy")
    step, data, taken = _Steps(data, progress), _with_masks(data), {}
    for name, split in data.splits.items():
        content = split.content
        labels = {category["id"]: category["name"] for category in content["categories"]}
        records: dict[object, list[dict]] = {}
        for record in content["annotations"]:
            records.setdefault(record["image_id"], []).append(record)
        listed, masked = [], []
        for image in content["images"]:
            source = _existing(split, image)
            stem, suffix = os.path.splitext(_inner(split, image).replace("/", "_"))
            if taken.setdefault(stem, source) != source:
                raise DataError(f"{source}: would get the name of {taken[stem]}; rename it")
            place_file(source, folder / "JPEGImages" / f"{stem}{suffix}", images == "link")
            own = [(labels[r["category_id"]], r) for r in records.get(image["id"], ())]
            listed.append(stem)
            if write_voc_image(folder, f"{stem}{suffix}", image, own, data.classes):
                masked.append(stem)
            step()
        for task, stems in (("Main", listed), ("Segmentation", masked)):
            if stems:
                path = folder / "ImageSets" / task / f"{name}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")
    if (folder / "SegmentationClass").is_dir():
        (folder / "classes.txt").write_text("\n".join(("background", *data.classes)) + "\n")


class _Steps:
    """Counts the images of all splits."""

    def __init__(self, data: DetectionData, progress: Callable[[int, int], None] | None) -> None:
        self.done = 0
        self.total = sum(len(split.content["images"]) for split in data.splits.values())
        self.progress = progress

    def __call__(self) -> None:
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total)


def _with_masks(data: DetectionData) -> DetectionData:
    """The data; VOC's with the masks that there are."""
    if data.format != "voc":
        return data
    splits = {
        name: replace(split, content=add_masks(split.content, split.image_dir))
        for name, split in data.splits.items()
    }
    return replace(data, splits=splits)


def _own_fields(record: dict) -> dict:
    """The record without what `read_voc` adds to it."""
    return {key: value for key, value in record.items() if not key.startswith("voc_")}


def _existing(split: Split, image: dict) -> Path:
    path = split.image_dir / image["file_name"]
    if not path.is_file():
        raise DataError(f"{path}: no such image, but {split.source} lists it; add or unlist it")
    return path.absolute()


def _inner(split: Split, image: dict) -> str:
    """The image's name inside a folder of images, wherever it is now."""
    path = Path(image["file_name"])
    if path.is_absolute() or ".." in path.parts:
        raise DataError(
            f"{split.source}: file_name {image['file_name']!r} leads out of the image folder; "
            "write the name relative to the images"
        )
    return path.as_posix()
