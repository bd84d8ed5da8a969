"""What a segmentation training reads beside the user's folder: lists of names, and drawn masks."""

import hashlib
import os
from collections.abc import Callable, Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from PIL import Image

from ..detection.find import Split
from ..formats.coco import segmentation_of
from ..formats.instance_masks import decode_mask
from ..splits import require_outside
from .find import SegmentationData


def list_file(split: str, index_dir: Path) -> Path:
    """The list of a split's image names that `write_lists` puts in `index_dir`."""
    return index_dir / f"{split}.txt"


def mask_dir(data: SegmentationData, split: str, index_dir: Path) -> Path:
    """The folder of a split's masks: the user's, or that of the masks drawn into `index_dir`.

    Its name carries a digest of the annotations: other annotations, other masks.
    """
    if data.instances is None:
        return data.splits[split].mask_dir
    content = [data.classes, data.instances.splits[split].content]
    digest = hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:12]
    return index_dir / f"masks-{split}-{digest}"


def write_lists(
    data: SegmentationData,
    index_dir: Path,
    progress: Callable[[int, int], None] | None = None,
    splits: Collection[str] = ("train", "val", "test"),
) -> None:
    """Write the list of every split in `splits`, and draw the masks that there are none of yet.

    Each file or folder appears when it is complete. `progress(done, total)` is called after every
    mask. Raises DataError for an `index_dir` inside the data, the user's own folder.
    """
    require_outside(index_dir, data.root)
    index_dir.mkdir(parents=True, exist_ok=True)
    for name in (name for name in data.splits if name in splits):
        split = data.splits[name]
        path = list_file(name, index_dir)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_text("".join(f"{stem}\n" for stem in split.names), encoding="utf-8")
        os.replace(part, path)
        folder = mask_dir(data, name, index_dir)
        if data.instances is not None and not folder.is_dir():
            with TemporaryDirectory(prefix="drawing-", dir=index_dir) as part:
                own = Path(part, "masks")
                draw_masks(data.instances.splits[name], data.classes, own, progress)
                try:
                    own.rename(folder)
                except OSError:
                    if not folder.is_dir():  # another process has drawn the same
                        raise


def draw_masks(
    split: Split,
    classes: tuple[str, ...],
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw the index masks of COCO instances: 0 is background, a class its place in `classes`.

    The smaller of two overlapping instances is on top; a crowd counts as its class.

    Args:
        split: instances with `segmentation`s.
        classes: names, the background's first; instances of other classes are not drawn.
        folder: gets a PNG for every image, under the image's name.
    """
    names = {category["id"]: category["name"] for category in split.content["categories"]}
    values = {id_: classes.index(name) for id_, name in names.items() if name in classes[1:]}
    records: dict[object, list[dict]] = {}
    for record in split.content["annotations"]:
        if record["category_id"] in values:
            records.setdefault(record["image_id"], []).append(record)
    images = split.content["images"]
    for done, image in enumerate(images, start=1):
        size = image["height"], image["width"]
        mask = np.zeros(size, np.uint8)
        for record in sorted(records.get(image["id"], ()), key=lambda r: -r["area"]):
            mask[decode_mask(segmentation_of(record), *size)] = values[record["category_id"]]
        path = folder / f"{os.path.splitext(image['file_name'])[0]}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
        if progress:
            progress(done, len(images))
