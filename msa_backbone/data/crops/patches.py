"""Patches of segmented images as classification data: name the class of the pixel in the middle."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DataError
from ...files.images import read_image
from ...files.whole_files import complete_folder, safe_names
from ..folders import require_outside
from ..segmentation.check import check_segmentation_data
from ..segmentation.find import find_segmentation_data
from ..segmentation.labels import labels_in

LEAST_PIXELS = 50  # of a class in an image; fewer are mostly its blurred border


def make_patches(
    root: str | os.PathLike,
    out: str | os.PathLike,
    side: int = 64,
    size: int = 64,
    per_image: int = 2,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, Counter[str]]:
    """Write OUT/SPLIT/CLASS/IMAGE_k.png: square patches around random pixels of every class.

    Args:
        root: images with index masks, in a layout of `SEGMENTATION_LAYOUTS`.
        out: the folder to make; it appears when it is complete.
        side: of the square that is cut out, in pixels; beyond the image's border it is reflected.
        size: of the square that is written, in pixels.
        per_image: patches of each class in an image that has 50 pixels of it or more; at most one
            around each of these.
        classes: names in the order of the masks' values, where the data do not bring them.
        seed: which pixels are drawn.

    Returns:
        How many patches there are, by split and class.

    Raises:
        DataError: if `root` holds no such data or spoilt data, or if `out` is there already or lies
            inside `root`.
        ValueError: for a number below 1.
    """
    for name, value in (("side", side), ("size", size), ("per_image", per_image)):
        if value < 1:
            raise ValueError(f"{name}={value}: give 1 or more")
    require_outside(Path(out), Path(root))
    data = find_segmentation_data(root, classes)
    if data.instances is not None:
        raise DataError(f"{data.root}: has instances, not masks; cut its objects out instead")
    check_segmentation_data(data)
    folders = safe_names(data.classes)
    counts: dict[str, Counter[str]] = {}
    with complete_folder(Path(out)) as part:
        for split_name, split in data.splits.items():
            counts[split_name] = Counter()
            for name, stem in zip(split.names, safe_names(split.names), strict=True):
                image = read_image(split.image(name))
                labels = labels_in(split.mask(name), data)
                # By image, so that more images of a split change nothing in the others.
                random = np.random.default_rng([seed, *f"{split_name}/{name}".encode()])
                for label, class_name in enumerate(data.classes):
                    rows, columns = np.nonzero(labels == label)
                    if len(rows) < LEAST_PIXELS:
                        continue
                    chosen = random.choice(len(rows), min(per_image, len(rows)), replace=False)
                    for number, pixel in enumerate(chosen):
                        patch = cut_square(image, rows[pixel], columns[pixel], side)
                        file = part / split_name / folders[label] / f"{stem}_{number}.png"
                        file.parent.mkdir(parents=True, exist_ok=True)
                        Image.fromarray(patch).resize((size, size), Image.Resampling.BOX).save(file)
                    counts[split_name][class_name] += len(chosen)
    return counts


def cut_square(image: np.ndarray, row: int, column: int, side: int) -> np.ndarray:
    """A square of an image, (side, side, 3), with pixel (row, column) at side // 2.

    Args:
        image: (H, W, 3); what lies beyond its border is reflected.
    """
    rows, columns = (
        np.pad(np.arange(length), (side // 2, side - side // 2), mode="reflect")[centre:][:side]
        for centre, length in zip((row, column), image.shape, strict=False)
    )
    return image[rows[:, None], columns]
