"""Check segmentation data for what would stop or spoil a training, before it starts."""

from pathlib import Path

from ...errors import DataError, first_and_count
from ...files.images import (
    DARK,
    IMAGE_ODDITIES,
    ImageFacts,
    image_facts,
    is_dark,
    stored_orientation,
)
from ..check_pictures import CopiesOfTrain
from ..detection.check import check_detection_data
from ..formats.index_masks import IGNORE_INDEX, palette_colours, values_in
from ..formats.instance_masks import require_segmentations
from ..formats.masks.colours import read_mask
from ..formats.masks.labelmap import Colour
from ..image_counter import ImageCounter, Progress
from ..splits import copies_warning
from .find import SegmentationData


def check_segmentation_data(data: SegmentationData, progress: Progress | None = None) -> list[str]:
    """Read all images and masks, and return warnings; instances are checked as detection data.

    Raises:
        DataError: for the first image or mask that would spoil a training, with how to mend it.
    """
    if data.instances is not None:
        require_segmentations(data.instances)
        return check_detection_data(data.instances, progress=progress, crowds=True)
    errors, warnings = mask_defects(data, progress)
    if errors:
        raise DataError(first_and_count(errors))
    return warnings


def mask_defects(
    data: SegmentationData, progress: Progress | None = None, full_decode_limit: float = 5000
) -> tuple[list[str], list[str]]:
    """Read all masks and images: what would spoil a training, and what only shrinks it, in lines.

    So many images are decoded; of the others, see `image_facts`, only the ends are read.
    """
    seen: dict[str, set[int]] = {}
    train = data.splits["train"]
    counter = ImageCounter(sum(len(split.names) for split in data.splits.values()), progress)
    errors = [line for split in data.splits.values() for line in split.lost]
    shown = _Palettes(data)
    copies, warnings = CopiesOfTrain(), []
    for split_name, split in data.splits.items():
        seen[split_name], facts = set(), {}
        for name in split.names:
            image = split.image(name)
            decode = counter.done < full_decode_limit
            try:
                classes, facts[image] = look_at_pair(image, split.mask(name), data, decode)
                seen[split_name] |= classes
                shown.add(split.mask(name), classes)
            except DataError as error:
                errors.append(str(error))
            else:
                copies.look_at(split_name, image)
            counter.step()
        warnings += _oddities(split_name, facts)
    errors += shown.errors()
    if not errors and not seen["train"]:
        errors.append(
            f"{train.mask_dir}: every pixel is {IGNORE_INDEX} (ignore), so there is nothing to "
            "train on; put the classes' numbers there"
        )
    if not errors and seen["train"] == {0} and len(data.classes) > 1:
        errors.append(
            f"{train.mask_dir}: only class 0 ({data.classes[0]}) has training pixels, as "
            f"{IGNORE_INDEX} means ignore; where it stands for the foreground, save that as 1"
        )
    absent = [name for value, name in enumerate(data.classes) if value not in seen["train"]]
    if absent:
        warnings.insert(0, f"classes without a training pixel: {', '.join(absent)}")
    return errors, warnings + copies_warning(copies.found)


def look_at_pair(
    image: Path, mask: Path, data: SegmentationData, decode: bool
) -> tuple[set[int], ImageFacts]:
    """The classes in a mask, and what was read of its image.

    Raises:
        DataError: for a defect of the mask or of its image.
    """
    pixels = read_mask(mask, data.colours)
    height, width = pixels.shape
    facts = image_facts(image, decode)
    if (facts.width, facts.height) != (width, height):
        mend = "make the mask anew in the image's size (by nearest neighbour)"
        if (facts.height, facts.width) == (width, height) and stored_orientation(image) > 4:
            mend = "its EXIF says how it is turned: store it without, turned as the mask is"
        raise DataError(
            f"{mask}: is {width} x {height}, its image {image} is {facts.width} x {facts.height} "
            f"in training; {mend}"
        )
    values = values_in(pixels)
    if unknown := values - set(data.label_map):
        known = sorted(data.label_map)
        counted = known == list(range(len(known)))
        listed = f"0 to {known[-1]}" if counted else ", ".join(map(str, known))
        raise DataError(
            f"{mask}: holds the value {max(unknown)}, but the classes are {listed} "
            f"({IGNORE_INDEX} means ignore); correct the mask, or name the class of every value, "
            "void for what to ignore"
        )
    return {data.label_map[value] for value in values} - {IGNORE_INDEX}, facts


class _Palettes:
    """The colours that masks show their values in; another one may be another class."""

    def __init__(self, data: SegmentationData) -> None:
        self.values = {} if data.colours else {c: v for v, c in data.label_map.items()}
        self.shown: dict[int, tuple[Colour, Path]] = {}
        self.others: list[str] = []

    def add(self, mask: Path, classes: set[int]) -> None:
        """Look at the palette of a mask that holds these classes."""
        values = [self.values[label] for label in classes if label in self.values]
        for value, colour in palette_colours(mask, values).items():
            first, where = self.shown.setdefault(value, (colour, mask))
            if colour != first:
                self.others.append(
                    f"{mask}: shows the value {value} in {_rgb(colour)}, {where} in {_rgb(first)}"
                )
                return

    def errors(self) -> list[str]:
        """A line for all masks that differ from those before them; none where all agree."""
        if not self.others:
            return []
        more = f" ({len(self.others) - 1} more like it)" if len(self.others) > 1 else ""
        return [
            f"{self.others[0]}{more}, as if a number meant another class; add labelmap.txt, a line "
            "name:R,G,B:: for each class, or save the masks as grey where the numbers are right"
        ]


def _rgb(colour: Colour) -> str:
    return ",".join(map(str, colour))


def _oddities(split: str, facts: dict[Path, ImageFacts]) -> list[str]:
    """Warnings of images that training reads otherwise than the user may think."""
    places: dict[str, list[Path]] = {}
    for path, fact in facts.items():
        for kind in fact.oddities:
            places.setdefault(kind, []).append(path)
    lines = [
        f"{split}: {kind}: {len(paths)}, first {paths[0]}; {IMAGE_ODDITIES[kind]}"
        for kind, paths in places.items()
    ]
    if is_dark(facts.values()):
        lines.append(f"{split}: {DARK}; {IMAGE_ODDITIES[DARK]}")
    return lines
