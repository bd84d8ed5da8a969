"""Index masks drawn from the objects of detection data, for semantic segmentation.

Value 0 is the background, value k the k-th class.
"""

from collections.abc import Sequence
from pathlib import Path

from ...errors import DataError
from ..image_counter import ImageCounter, Progress
from .detection_annotations import DetectionData, Split, annotations_by_image
from .index_masks import IGNORE_INDEX, write_index_mask
from .instance_masks import draw_index_mask
from .masks.pairs import MaskSplit, common_ending


def semantic_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """The classes of the masks: the background comes first.

    Some exports list the background among the objects' classes. That is the same one.
    """
    return ("background", *(name for name in classes if name.lower() != "background"))


def mask_classes(data: DetectionData) -> tuple[str, ...]:
    """`semantic_classes` of the data; raises DataError for more than a mask can hold."""
    classes = semantic_classes(data.classes)
    if len(classes) > IGNORE_INDEX:
        raise DataError(
            f"{data.root}: has {len(classes)} classes with the background, a mask holds "
            f"{IGNORE_INDEX}; choose some with --classes"
        )
    return classes


def masks_to_draw(split: Split) -> MaskSplit:
    """The images of a split with the masks that they will have, each under the image's name.

    Raises:
        DataError: for images by absolute names or outside their folder, as the masks would lie
            outside theirs.
    """
    files = [image["file_name"] for image in split.content["images"]]
    for file in files:
        if Path(file).is_absolute() or ".." in Path(file).parts:
            raise DataError(
                f"{split.source}: file_name {file!r} leads out of the image folder, so its "
                "mask would lie outside the work dir; write the name relative to the images"
            )
    ending = common_ending(files)
    names = tuple(sorted(file.removesuffix(ending) for file in files))
    return MaskSplit(names, split.image_dir, ending, None, ".png")


def draw_masks(
    split: Split, classes: Sequence[str], folder: Path, progress: Progress | None = None
) -> None:
    """Draw a mask of every image into a PNG, named as `masks_to_draw` says.

    The smallest of overlapping objects is on top. A crowd counts as its class. Objects of a class
    that is not in `classes`, the names by value, are background.
    """
    names = {category["id"]: category["name"] for category in split.content["categories"]}
    values = {id_: classes.index(name) for id_, name in names.items() if name in classes[1:]}
    records = annotations_by_image(split.content)
    ending = common_ending([image["file_name"] for image in split.content["images"]])
    counter = ImageCounter(len(split.content["images"]), progress)
    for image in split.content["images"]:
        objects = [
            (record, values[record["category_id"]])
            for record in records.get(image["id"], ())
            if record["category_id"] in values
        ]
        mask = draw_index_mask(objects, image["height"], image["width"])
        write_index_mask(folder / f"{image['file_name'].removesuffix(ending)}.png", mask)
        counter.step()
