"""Index masks: pictures whose pixels hold the number of a class, found, read and written.

A pixel of `IGNORE_INDEX` belongs to no class: it is neither trained on nor scored.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DataError, first_and_count
from ...files.images import IMAGE_SUFFIXES, open_image
from ..folders import read_list

_MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")  # lossless: JPEG would invent values
IGNORE_INDEX = 255
IGNORED_NAMES = ("void", "ignore", "ignored", "unlabelled", "unlabeled")
VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair"),
    *("cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
_NAME_FILES = ("classes.txt", "labels.txt", "class_names.txt")  # the last is labelme's


def class_names(
    root: Path, first_mask: Path, given: Sequence[str] | None, voc: bool
) -> tuple[tuple[str, ...], str]:
    """The classes' names in the order of the masks' values, and in words where they are from.

    A file of names in `root` goes before the names that are `given`, and these before VOC's.

    Raises:
        DataError: if the names are unknown (with the values in `first_mask`), contradict each
            other, or one stands twice.
    """
    path = next((root / name for name in _NAME_FILES if (root / name).is_file()), None)
    if path:
        names, origin = tuple(read_list(path)), f"as {path.name} names them"
        if given is not None and tuple(given) != names:
            raise DataError(
                f"{path}: names the classes {', '.join(names)}; leave --classes out, or correct it"
            )
    elif given is not None:
        names, origin = tuple(given), "as given"
    else:
        names, origin = VOC_CLASSES if voc else (), "Pascal VOC's"
    if not names:
        values = ", ".join(map(str, sorted(values_in(read_index_mask(first_mask)))))
        raise DataError(
            f"{root}: the class names are unknown; write them into {root / _NAME_FILES[0]}, a line "
            f"for each value from 0 on, or give --classes ({first_mask.name} holds {values})"
        )
    if len(set(names)) < len(names):
        raise DataError(f"{path or '--classes'}: a class is named twice; give each a name")
    return names, origin


def read_index_mask(path: Path, numbers_of: str = "class") -> np.ndarray:
    """The numbers in an index mask, (H, W) uint8; wider integers of files with more than 8 bits.

    A palette's colours mean nothing. `numbers_of` says in an error what is numbered.

    Raises:
        DataError: if it cannot be read, or is in colours.
    """
    with open_image(path, "mask") as picture:
        if picture.mode not in ("L", "P", "1", "I;16", "I"):
            raise DataError(
                f"{path}: is a picture in colours ({picture.mode}), not an index mask; save the "
                f"number of its {numbers_of} in every pixel, as 8-bit grey or palette PNG"
            )
        return np.asarray(picture, np.uint8 if picture.mode == "1" else None)


def values_in(mask: np.ndarray) -> set[int]:
    """The values that an index mask holds, `IGNORE_INDEX` left out."""
    return set(np.unique(mask).tolist()) - {IGNORE_INDEX}


def write_index_mask(path: Path, mask: np.ndarray) -> None:
    """Write an index mask (H, W) uint8 as grey PNG; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def mask_palette(mask: Path, classes: int) -> tuple[tuple[int, int, int], ...] | None:
    """The colours of a palette mask, if it has a different one for every class."""
    with open_image(mask, "mask") as picture:
        flat = picture.getpalette() if picture.mode == "P" else None
    colours = [tuple(flat[3 * i : 3 * i + 3]) for i in range(classes)] if flat else []
    return tuple(colours) if len(set(colours)) == classes and len(colours[-1]) == 3 else None


@dataclass(frozen=True)
class MaskSplit:
    """One split: images, and the mask of each."""

    names: tuple[str, ...]  # sorted paths of the images below `image_dir`, without `image_suffix`
    image_dir: Path
    image_suffix: str  # how all of the images' names end
    mask_dir: Path | None  # None where the masks are still to be drawn from instances
    mask_suffix: str  # how all of the masks' names end

    def image(self, name: str) -> Path:
        return self.image_dir / f"{name}{self.image_suffix}"

    def mask(self, name: str) -> Path:
        return self.mask_dir / f"{name}{self.mask_suffix}"


def holds_masks(folder: Path) -> bool:
    """Whether there is a file below the folder that can be an index mask."""
    return any(True for _ in _files(folder, _MASK_SUFFIXES))


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Files below `folder` that end in one of `suffixes`, relative to it."""
    for place, _, names in os.walk(folder):
        for name in names:
            if name.lower().endswith(suffixes) and not name.startswith("."):
                yield Path(place, name).relative_to(folder).as_posix()


def paired(
    image_dir: Path, mask_dir: Path, names: Sequence[str] | None = None, why: str = ""
) -> MaskSplit:
    """The images of a folder, each with its mask.

    Both folders are searched at any depth. `names` are the images to take, without suffix; `why`
    says in an error who has named them.

    Raises:
        DataError: if there is no image, one has no mask, or their names end differently.
    """
    images = sorted(_files(image_dir, IMAGE_SUFFIXES))
    if names is not None:
        stems = {image.rpartition(".")[0]: image for image in images}
        for name in names:
            if name not in stems:
                raise DataError(f"{image_dir / name}: no such image, but {why}; add or unlist it")
        images = sorted(stems[name] for name in set(names))
    if not images:
        raise DataError(f"{image_dir}: holds no image; put the images of {mask_dir} there")
    ending = common_ending(images, image_dir)
    stems = [image.removesuffix(ending) for image in images]
    masks = set(_files(mask_dir, _MASK_SUFFIXES))
    suffix = _mask_suffix(stems, masks)
    lost = [
        f"{image_dir / stem}{ending}: has no mask {mask_dir / stem}{suffix}; add it or remove the "
        "image"
        for stem in stems
        if f"{stem}{suffix}" not in masks
    ]
    if lost:
        raise DataError(first_and_count(lost, "more like it"))
    return MaskSplit(tuple(stems), image_dir, ending, mask_dir, suffix)


def common_ending(files: Sequence[str], source: Path) -> str:
    """The ending of all files, with its dot; raises DataError for several, as mmseg reads one."""
    endings = sorted({f".{file.rpartition('.')[2]}" for file in files})
    if len(endings) > 1:
        raise DataError(
            f"{source}: its images end in {' and '.join(endings)}; give all the same ending"
        )
    return endings[0]


def _mask_suffix(stems: Sequence[str], masks: set[str]) -> str:
    """What follows the images' names in most masks' names: '.png', '_mask.png', ..."""
    tails = {
        mask.removeprefix(stem) for stem in stems[:3] for mask in masks if mask.startswith(stem)
    }
    tails = {tail for tail in tails if not tail[:1].isalnum()} | {".png"}
    return max(sorted(tails, key=len), key=lambda tail: sum(f"{s}{tail}" in masks for s in stems))
