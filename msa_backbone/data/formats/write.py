"""Write a data set into a folder of its own, as COCO or VOC."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from ...errors import DataError
from ...files.images import IMAGE_SUFFIXES
from ...files.whole_files import place_file
from ..detection.find import DetectionData, Split
from ..segmentation.find import masks_of_instances, semantic_classes
from ..segmentation.index import draw_masks
from .coco import segmentation_of
from .index_masks import IGNORE_INDEX, IGNORED_NAMES
from .instance_masks import require_segmentations, require_sound_mask
from .voc_files import CLASS_MASKS, write_voc_image

IMAGE_MODES = ("link", "copy", "list")


def write_coco_data(
    data: DetectionData,
    folder: Path,
    images: str = "link",
    reindex: bool = False,
    semantic: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write annotations/instances_SPLIT.json and images/SPLIT/.

    Args:
        data: splits whose images exist.
        folder: where; it has to be empty.
        images: 'link' (hard links, copies where the file system has none), 'copy', or 'list': the
            json names the images where they are, by absolute path.
        reindex: number the categories from 1 on; they keep their ids otherwise.
        semantic: also masks/SPLIT/, index PNGs drawn from the instances, and classes.txt.
        progress: called after every image with the number of images done and of all.

    Raises:
        DataError: if an image is missing, two get the same name, or masks cannot be drawn.
    """
    step = _Steps(data, progress, rounds=2 if semantic else 1)
    if semantic:
        require_segmentations(data)
        classes = masks_of_instances(data).classes  # refuses what masks cannot follow
        _write_classes(folder, classes)
    for name, split in data.splits.items():
        content = _reindexed(split.content) if reindex else split.content
        records, taken = [], {}
        for image in content["images"]:
            source, inner = _existing(split, image), _inner(split, image)
            record = {**_own_fields(data, image), "file_name": inner}
            if images == "list":
                record["file_name"] = str(source)
            else:
                _take(taken, inner, source)
                place_file(source, folder / "images" / name / inner, images == "link")
            records.append(record)
            step()
        sizes = {image["id"]: image for image in records}
        for record in content["annotations"]:
            require_sound_mask(split, sizes[record["image_id"]], record)
        annotations = [_own_fields(data, record) for record in content["annotations"]]
        path = folder / "annotations" / f"instances_{name}.json"
        path.parent.mkdir(exist_ok=True)
        whole = {**content, "images": records, "annotations": annotations}
        path.write_bytes(msgspec.json.encode(whole))
        if semantic:
            drawn = replace(split, content=whole)
            draw_masks(drawn, classes, folder / "masks" / name, lambda done, total: step())


def write_voc_data(
    data: DetectionData,
    folder: Path,
    images: str = "link",
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Write JPEGImages/, Annotations/, ImageSets/ and, where there are masks, Segmentation*/.

    Boxes keep fractions of a pixel; mmdet cuts these off, this package reads them. COCO's crowds
    become `difficult`; the xml of VOC data keeps all its other elements. Images in subfolders get
    their folder into their name, and the split where two would be called the same.

    Args:
        data, folder, progress: as in `write_coco_data`.
        images: 'link' or 'copy'.

    Returns:
        What had to be left behind, a line each.

    Raises:
        DataError: if an image is missing, of a format that VOC readers do not know, or annotated
            twice.
    """
    if images == "list":
        raise ValueError("VOC has its images in JPEGImages/: choose link or copy")
    step, notes, classes = _Steps(data, progress), [], semantic_classes(data.classes)
    taken: dict[str, Path] = {}
    written: dict[Path, list] = {}
    for name, split in data.splits.items():
        content = split.content
        labels = {category["id"]: category["name"] for category in content["categories"]}
        records: dict[object, list[dict]] = {}
        for record in content["annotations"]:
            records.setdefault(record["image_id"], []).append(record)
        own_stems: dict[str, None] = {}  # in order
        masked, maskless = [], 0
        for image in content["images"]:
            source, inner = _existing(split, image), _inner(split, image)
            own = [(labels[r["category_id"]], r) for r in records.get(image["id"], ())]
            for _, record in own:
                require_sound_mask(split, image, record)
            stem, suffix = os.path.splitext(inner.replace("/", "_"))
            if suffix.lower() not in IMAGE_SUFFIXES:
                known = ", ".join(IMAGE_SUFFIXES)
                raise DataError(f"{source}: VOC images end in {known}; convert the image")
            if taken.get(stem, source) != source:
                stem = f"{name}_{stem}"
            _take(taken, stem, source)
            objects = [(label, record["bbox"]) for label, record in own]
            if written.setdefault(source, objects) != objects or stem in own_stems:
                raise DataError(
                    f"{source}: has two entries with objects of their own, and VOC one xml for an "
                    "image; join them (tools/check_data.py --fix) or write COCO"
                )
            file_name = f"{stem}{suffix.lower()}"
            place_file(source, folder / "JPEGImages" / file_name, images == "link")
            own_stems[stem] = None
            if write_voc_image(folder, file_name, image, own, classes):
                masked.append(stem)
            elif any(segmentation_of(record) for _, record in own):
                maskless += 1
            step()
        if maskless:
            notes.append(
                f"{name}: {maskless} images without their masks, as an object has none, or there "
                f"are more than {IGNORE_INDEX - 1} objects or classes"
            )
        for task, stems in (("Main", own_stems), ("Segmentation", masked)):
            if stems:
                path = folder / "ImageSets" / task / f"{name}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")
    if (folder / CLASS_MASKS).is_dir():
        _write_classes(folder, classes)
    return notes


class _Steps:
    """Counts the images of all splits, each once a round."""

    def __init__(
        self, data: DetectionData, progress: Callable[[int, int], None] | None, rounds: int = 1
    ) -> None:
        self.done = 0
        self.total = rounds * sum(len(split.content["images"]) for split in data.splits.values())
        self.progress = progress

    def __call__(self) -> None:
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total)


def _reindexed(content: dict) -> dict:
    """The content with categories that count from 1 on, every other field as it is."""
    ids = {category["id"]: number for number, category in enumerate(content["categories"], 1)}
    return {
        **content,
        "categories": [{**c, "id": ids[c["id"]]} for c in content["categories"]],
        "annotations": [
            {**r, "category_id": ids[r["category_id"]]} for r in content["annotations"]
        ],
    }


def _own_fields(data: DetectionData, record: dict) -> dict:
    """The record without what `read_voc` adds to it."""
    if data.format == "coco":
        return record
    return {key: value for key, value in record.items() if not key.startswith("voc_")}


def _existing(split: Split, image: dict) -> Path:
    path = split.image_dir / image["file_name"]
    if not path.is_file():
        raise DataError(f"{path}: no such image, but {split.source} lists it; add or unlist it")
    return path.absolute()


def _inner(split: Split, image: dict) -> str:
    """The image's name inside a folder of images, wherever it is now."""
    path = Path(image["file_name"])
    if ".." in path.parts:
        raise DataError(
            f"{split.source}: file_name {image['file_name']!r} leads out of the image folder; "
            "write the name relative to the images"
        )
    return path.name if path.is_absolute() else path.as_posix()


def _take(taken: dict[str, Path], name: str, source: Path) -> None:
    if taken.setdefault(name, source) != source:
        raise DataError(f"{source}: would get the name of {taken[name]}; rename it")


def _write_classes(folder: Path, classes: tuple[str, ...]) -> None:
    for name in classes:
        if not name.strip() or name != " ".join(name.split()) or name.lower() in IGNORED_NAMES:
            raise DataError(
                f"class {name!r}: cannot stand in classes.txt, a line for each class, where "
                f"{', '.join(IGNORED_NAMES)} mean what is not trained on; rename it"
            )
    (folder / "classes.txt").write_text("\n".join(classes) + "\n", encoding="utf-8")
