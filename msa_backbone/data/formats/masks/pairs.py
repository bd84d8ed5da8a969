"""Which mask belongs to which image: found by their names, as tools and systems spell them.

Endings may differ among the images, names in upper and lower case, and accents in how they are
written: as a letter of their own (NFC) or behind their letter (NFD).
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....errors import DataError, first_and_count
from ....files.images import IMAGE_SUFFIXES
from ...found_files import NO_UTF_8, NO_UTF_8_MEND, files_below, is_utf_8, spelling_key

_MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")  # lossless: JPEG would invent values
_BETWEEN = re.compile(r"[^0-9a-z/]")
_BESIDE = ("_mask", "_masks")  # how masks are called that lie among their images
_ANY_BESIDE = re.compile(r"_masks?([ _-]?\d+)?$", re.IGNORECASE)  # of each object, too


@dataclass(frozen=True)
class MaskSplit:
    """One split: images, and the mask of each.

    Where endings or names differ in more than one suffix can say, `image_suffix` is empty and
    `mask_files` has the mask of every name.
    """

    names: tuple[str, ...]  # sorted paths of the images below `image_dir`, without `image_suffix`
    image_dir: Path
    image_suffix: str  # how all of the images' names end
    mask_dir: Path | None  # None where the masks are still to be drawn from instances
    mask_suffix: str  # how all of the masks' names end
    mask_files: dict[str, str] | None = None  # the mask of every name, below `mask_dir`
    lost: tuple[str, ...] = ()  # a line for every image without a mask, or the reverse
    unused: tuple[str, ...] = ()  # masks without an image, below `mask_dir`

    def image(self, name: str) -> Path:
        return self.image_dir / f"{name}{self.image_suffix}"

    def mask(self, name: str) -> Path:
        file = self.mask_files[name] if self.mask_files else f"{name}{self.mask_suffix}"
        return self.mask_dir / file


def holds_masks(image_dir: Path, mask_dir: Path) -> bool:
    """Whether there is a file below `mask_dir` that can be a mask of these images."""
    files = files_below(mask_dir, _MASK_SUFFIXES)
    if image_dir != mask_dir:
        return any(True for _ in files)
    return any(_stem(file).lower().endswith(_BESIDE) for file in files)


def number_of_images(image_dir: Path) -> int:
    """How many images there are below a folder."""
    return sum(1 for _ in files_below(image_dir, IMAGE_SUFFIXES))


def holds_images(image_dir: Path, names: Iterable[str]) -> bool:
    """Whether one of the names, as a list has them, is an image below a folder."""
    images = list(files_below(image_dir, IMAGE_SUFFIXES))
    return bool(_listed(images, names, image_dir, "")[0])


def paired(
    image_dir: Path, mask_dir: Path, names: Sequence[str] | None = None, why: str = ""
) -> MaskSplit:
    """The images of a folder, each with its mask.

    Both folders are searched at any depth; if they are one, masks are called as `_BESIDE` says.
    `names` are the images to take, without suffix; `why` says in an error who has named them.

    Raises:
        DataError: if there is no image, or two files may be meant by a name.
    """
    images = sorted(files_below(image_dir, IMAGE_SUFFIXES))
    masks = sorted(files_below(mask_dir, _MASK_SUFFIXES))
    if image_dir == mask_dir:
        masks = [file for file in masks if _ANY_BESIDE.search(_stem(file))]
        images = sorted(set(images) - set(masks))
    lost: list[str] = []
    stated: dict[str, str] = {}
    all_stems = [spelling_key(_stem(image)) for image in images]
    if names is not None:
        stated, lost = _listed(images, names, image_dir, why)
        images = list(stated)
    if not images and not lost:
        raise DataError(f"{image_dir}: holds no image; put the images of {mask_dir} there")
    by_key = defaultdict(list)
    for file in masks:
        by_key[spelling_key(file)].append(file)
    tail = _tail([spelling_key(_stem(image)) for image in images], set(by_key))
    pairs, owner = {}, {}
    for image in images:
        text = stated.get(image)
        mask = _stated_mask(text, by_key) if text else _mask_of(image, tail, by_key, mask_dir)
        if mask is None:
            there = text or mask_dir / f"{_stem(image)}{tail}{'' if tail is None else '.png'}"
            lost.append(f"{image_dir / image}: has no mask {there}; add it or remove the image")
        elif owner.setdefault(mask, image) != image:
            raise DataError(
                f"{image_dir / image} and {owner[mask]}: have one mask, {mask_dir / mask}; give "
                "every image a name and a mask of its own"
            )
        else:
            pairs[image] = mask
    unused = sorted(set(masks) - set(pairs.values()))
    owned = {stem + (tail or "") for stem in all_stems}
    further = [mask for mask in unused if spelling_key(_stem(mask)) not in owned]
    _refuse_several(image_dir, mask_dir, pairs, further)
    return _split(image_dir, mask_dir, pairs, tuple(lost), tuple(unused if names is None else ()))


def common_ending(files: Sequence[str]) -> str:
    """The ending of all files, with its dot; empty if they have several."""
    endings = {os.path.splitext(file)[1] for file in files}
    return endings.pop() if len(endings) == 1 else ""


def _split(
    image_dir: Path,
    mask_dir: Path,
    pairs: dict[str, str],
    lost: tuple[str, ...],
    unused: tuple[str, ...],
) -> MaskSplit:
    """The split in mmseg's terms, a suffix of images and one of masks, where these say it all."""
    for image, mask in pairs.items():
        if "\t" in image + mask or len((image + mask).splitlines()) > 1:
            raise DataError(f"{image_dir}: {image!r} has a tab or breaks a line; rename it")
    if odd := [file for pair in pairs.items() for file in pair if not is_utf_8(file)]:
        lines = [f"{image_dir}: {file}: has a {NO_UTF_8}; {NO_UTF_8_MEND}" for file in odd]
        raise DataError(first_and_count(lines, "more like it"))
    ending = common_ending(list(pairs))
    stems = [image.removesuffix(ending) for image in pairs]
    rests = {
        mask[len(stem) :] if mask.startswith(stem) else None
        for stem, mask in zip(stems, pairs.values(), strict=True)
    }
    one_rest = len(rests) == 1 and None not in rests
    if ending and one_rest and all(stem == stem.strip() for stem in stems):
        return MaskSplit(
            *(tuple(stems), image_dir, ending, mask_dir, rests.pop()), lost=lost, unused=unused
        )
    return MaskSplit(tuple(pairs), image_dir, "", mask_dir, ".png", pairs, lost, unused)


def _listed(
    images: Sequence[str], names: Iterable[str], image_dir: Path, why: str
) -> tuple[dict[str, str], list[str]]:
    """The images that a list names, each with its mask if a second column names it, else "".

    Also gives a line for each that is not there. An image's name may have spaces.
    """
    by_stem, by_key = defaultdict(list), defaultdict(list)
    for image in images:
        for name in {_stem(image), image}:
            by_stem[name].append(image)
            by_key[spelling_key(name)].append(image)
    found: dict[str, str] = {}
    lost = []
    for line in dict.fromkeys(names):
        first, *columns = re.split(r"[\s,]+", line)
        for name, rest in ((line, []), (first, columns)):
            files = by_stem.get(name) or by_key.get(spelling_key(name)) or []
            if len(files) > 1:
                both = " or ".join(str(image_dir / file) for file in files[:2])
                raise DataError(f"{image_dir / name}: is {both}; keep one of them")
            if files:
                masks = (text for text in rest if text.lower().endswith(_MASK_SUFFIXES))
                found[files[0]] = next(masks, "")
                break
        else:
            lost.append(f"{image_dir / line}: no such image, but {why}; add or unlist it")
    return dict(sorted(found.items())), lost


def _stated_mask(text: str, by_key: dict[str, list[str]]) -> str | None:
    """The mask that a list names: the longest end of its path that is one mask's."""
    parts = text.replace("\\", "/").split("/")
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    files = (by_key.get(spelling_key(end), []) for end in ends)
    return next((found[0] for found in files if len(found) == 1), None)


def _mask_of(
    image: str, tail: str | None, by_key: dict[str, list[str]], mask_dir: Path
) -> str | None:
    """The file of an image's mask; None if there is none, DataError if it may be one of two."""
    stem = spelling_key(_stem(image))
    wanted = [stem] if tail is None else [f"{stem}{tail}{end}" for end in _MASK_SUFFIXES]
    files = [file for key in wanted for file in by_key.get(key, ())]
    if len(files) > 1:
        files = [file for file in files if file.startswith(_stem(image))] or files
    if len(files) > 1:
        both = " or ".join(str(mask_dir / file) for file in files[:2])
        raise DataError(f"{image}: its mask may be {both}; keep the right one")
    return files[0] if files else None


def _refuse_several(
    image_dir: Path, mask_dir: Path, pairs: dict[str, str], unused: Sequence[str]
) -> None:
    """Raise DataError if masks that no image has are further masks of the images.

    Numbers behind the images' names count the objects: a mask of one is a mask of a part. Other
    words tell kinds of masks, of which nobody knows the right one if most images have several.
    """
    images = {spelling_key(_stem(image)): image for image in pairs}
    others: dict[str, str] = {}
    for mask in unused:
        stem = spelling_key(_stem(mask))
        starts = (stem[: sign.start()] for sign in reversed(list(_BETWEEN.finditer(stem))))
        if found := next((images[start] for start in starts if start in images), None):
            others.setdefault(found, mask)
    tailed = [image for image in others if _stem(pairs[image]) != _stem(image)]
    numbered = [image for image in tailed if _stem(others[image])[-1].isdigit()]
    if numbered or 2 * len(others) > len(pairs):
        image = next(iter(numbered or others))
        raise DataError(
            f"{image_dir / image}: has several masks, {mask_dir / pairs[image]} and "
            f"{others[image]}; draw the objects into one index mask, or keep the masks of one kind"
        )


def _tail(stems: Sequence[str], masks: set[str]) -> str | None:
    """What most masks' names have between an image's name and their ending: '', '_mask', '_L'...

    None if they are the images' names with nothing behind them: a.png of a.png.jpg.
    """
    known, ends = set(stems), {len(stem) for stem in stems}
    fitting: dict[str | None, set[str]] = defaultdict(set, {"": set()})
    for mask in masks:
        for stem, tail in ((mask[:end], mask[end:]) for end in ends):
            if stem in known and not tail[:1].isalnum():
                fitting[_stem(mask)[len(stem) :] if tail else None].add(stem)
    shortest_first = sorted(fitting, key=lambda tail: (len(tail or ""), tail or ""))
    return max(shortest_first, key=lambda tail: len(fitting[tail]))


def _stem(file: str) -> str:
    return os.path.splitext(file)[0]
