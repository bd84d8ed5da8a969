"""Images and their index masks, paired by name."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .annotations import IMAGE_SUFFIXES, DataError

_MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")  # lossless: JPEG would invent values


@dataclass(frozen=True)
class MaskSplit:
    """One split: `names` are image files below `image_dir` without `image_suffix`, sorted.

    The mask of a name is that name with `mask_suffix` below `mask_dir`. `mask_dir` is None where
    the masks are still to be drawn from instances.
    """

    names: tuple[str, ...]
    image_dir: Path
    image_suffix: str
    mask_dir: Path | None
    mask_suffix: str

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
    """The images of a folder, or those named, each with its mask; raises DataError."""
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
    lost = [stem for stem in stems if f"{stem}{suffix}" not in masks]
    if lost:
        more = f"; {len(lost) - 1} more like it" if len(lost) > 1 else ""
        raise DataError(
            f"{image_dir / lost[0]}{ending}: has no mask {mask_dir / lost[0]}{suffix}; add it "
            f"or remove the image{more}"
        )
    return MaskSplit(tuple(stems), image_dir, ending, mask_dir, suffix)


def common_ending(files: Sequence[str], source: Path) -> str:
    """The ending of all files, dot included: mmseg reads one; raises DataError for several."""
    endings = sorted({f".{file.rpartition('.')[2]}" for file in files})
    if len(endings) > 1:
        raise DataError(
            f"{source}: its images end in {' and '.join(endings)}; give all the same ending"
        )
    return endings[0]


def _mask_suffix(stems: Sequence[str], masks: set[str]) -> str:
    """What follows an image's name in the name of its mask: '.png', '_mask.png', ..."""
    tails = {
        mask.removeprefix(stem) for stem in stems[:3] for mask in masks if mask.startswith(stem)
    }
    tails = {tail for tail in tails if not tail[:1].isalnum()} | {".png"}
    return max(sorted(tails, key=len), key=lambda tail: sum(f"{s}{tail}" in masks for s in stems))
