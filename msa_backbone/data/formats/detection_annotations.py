"""Detection data in memory: one form, whatever files they were read from.

The form is COCO's: images, categories and annotations by id, with boxes as left, top, width and
height in pixels. Records of other formats may say in `found_at` which file and line they are from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True)
class Split:
    """One split.

    Other formats and splits that were made here have no COCO json, so training needs one in the
    index.
    """

    content: dict  # the lists 'images', 'categories' and 'annotations' of COCO's form
    image_dir: Path  # the folder that the images' file names start from
    ann_file: Path | None  # the COCO json of `content` that training can read, if any
    source: Path  # the file or folder that was read, for messages
    unread: tuple[str, ...] = ()  # a line for each record that could not be read, with the mend


@dataclass(frozen=True)
class DetectionData:
    """The data of the folder `root`."""

    root: Path
    format: str  # the name of the format that was read: 'coco', 'voc', 'yolo', ...
    classes: tuple[str, ...]  # what is detected, in the order of a model's outputs
    splits: dict[str, Split]  # by name: train, and where there are such, val and test
    notes: tuple[str, ...]  # what the user should know: what was decided and why
    unlabelled: Mapping[str, Path] = field(default_factory=dict)  # splits of images alone: the list

    @property
    def num_images(self) -> int:
        """Of all splits together."""
        return sum(len(split.content["images"]) for split in self.splits.values())

    @property
    def image_files(self) -> dict[str, list[Path]]:
        """The images of every split."""
        return {
            name: [split.image_dir / image["file_name"] for image in split.content["images"]]
            for name, split in self.splits.items()
        }


def with_images(split: Split, images: list[dict]) -> Split:
    """The split with these of its images only, and their annotations."""
    ids = {image["id"] for image in images}
    annotations = [r for r in split.content["annotations"] if r["image_id"] in ids]
    content = {**split.content, "images": images, "annotations": annotations}
    return replace(split, content=content, ann_file=None)


def clipped(box: Sequence[float], width: float, height: float) -> list[float]:
    """The part of a box (left, top, width, height) that lies in an image of this size."""
    left, top = max(box[0], 0), max(box[1], 0)
    return [left, top, min(box[0] + box[2], width) - left, min(box[1] + box[3], height) - top]


def annotations_by_image(content: dict) -> dict[object, list[dict]]:
    """The annotations of every image id that has any."""
    found: dict[object, list[dict]] = {}
    for record in content["annotations"]:
        found.setdefault(record["image_id"], []).append(record)
    return found
