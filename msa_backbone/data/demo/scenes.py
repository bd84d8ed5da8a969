"""A small demo data set, drawn from what the scikit-learn wheel ships, so nothing is downloaded.

Handwritten digits of very different sizes are painted over crops of two photographs. The same
images come out as a COCO, a Pascal VOC and a semantic segmentation data set.
"""

import colorsys
import json
from collections.abc import Callable, Sequence
from itertools import count, islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ...files.whole_files import complete_folder
from ...packages import require_packages
from .writers import Digit, Scene, write_coco, write_images, write_segmentation, write_voc

FORMAT_VERSION = 2  # raise it when the same arguments come to give other files
STAMP = "demo.json"

# What a step teaches grows with the digits in its pictures, what it costs does not: train has many.
DIGITS_PER_IMAGE = {"train": (6, 16), "val": (2, 7)}
DIGIT_SIDE = (1 / 16, 9 / 16)  # longer side of a digit over the image side
CROP_SIDE = (128, 256)  # side of a background crop, in pixels of the photograph
TRAIN_COLUMNS = 0.6  # share of a photograph's width that train crops from; val has the rest
VAL_DIGIT_STEP = 5  # every fifth handwritten digit of each class belongs to val


def make_demo_data(
    root: str | Path, num_train: int = 400, num_val: int = 80, image_size: int = 256, seed: int = 0
) -> Path:
    """Write the demo data set to ``root``, unless it is there already, and return the path.

    The layout is::

        root/demo.json            the arguments the set was made with
        root/coco/                images/{train,val}/, annotations/instances_{train,val}.json
        root/voc/VOC2007/         JPEGImages/, Annotations/, ImageSets/Main/{train,val}.txt
        root/segmentation/        images/{train,val}/, masks/{train,val}/, classes.txt

    The three forms share their JPEG files through hard links where the file system allows. Train
    and val share neither a handwritten digit nor a pixel of a photograph. ``root`` appears only
    once it is complete.

    Args:
        root: Folder to create; its parents are made as needed.
        num_train, num_val: Numbers of images, at least 1.
        image_size: Side of the square images in pixels, at least 64. The digits scale with it:
            their longer sides run from 1/16 to 9/16 of it.
        seed: Seed of everything random, at least 0. The same arguments give the same files.

    Raises:
        ValueError: An argument is not an integer or is too small; scikit-learn is not installed.
        FileExistsError: ``root`` exists and does not hold a set made with these arguments.
    """
    arguments = {"num_train": num_train, "num_val": num_val}
    arguments |= {"image_size": image_size, "seed": seed}
    return write_demo(
        Path(root),
        {"format_version": FORMAT_VERSION, **arguments},
        Painter,
        (write_images, write_coco, write_voc, write_segmentation),
    )


def write_demo(
    root: Path,
    stamp: dict[str, object],
    painter: type["Painter"],
    writers: Sequence[Callable[[Path, str, Sequence[Scene]], None]],
) -> Path:
    """Write a data set of painted scenes to ``root``, unless it is there already.

    Args:
        root: Folder to create.
        stamp: The arguments of `make_demo_data`, and whatever else tells such sets apart.
        painter: What paints the scenes.
        writers: Each writes the scenes of a split to a folder: (folder, split, scenes).

    Raises:
        As `make_demo_data` does.
    """
    least = {"num_train": 1, "num_val": 1, "image_size": 64, "seed": 0}
    for name, value in ((name, stamp[name]) for name in least):
        if not isinstance(value, int) or value < least[name]:
            raise ValueError(f"{name} must be an integer >= {least[name]}, got {value!r}")

    content = json.dumps(stamp, indent=2).encode()
    if root.exists():
        if (root / STAMP).is_file() and (root / STAMP).read_bytes() == content:
            return root
        arguments = {name: value for name, value in stamp.items() if name != "format_version"}
        raise FileExistsError(
            f"{root} exists and does not hold demo data made with {arguments}: "
            "delete it or choose another folder"
        )

    paint = painter(stamp["image_size"], stamp["seed"]).paint
    image_ids = count(1)
    with complete_folder(root) as part:
        for split in ("train", "val"):
            scenes = [
                paint(split, image_id) for image_id in islice(image_ids, stamp[f"num_{split}"])
            ]
            for write in writers:
                write(part, split, scenes)
        (part / STAMP).write_bytes(content)
    return root


class Painter:
    """Paints scenes from one seeded random generator."""

    def __init__(self, image_size: int, seed: int) -> None:
        require_packages("the demo data", ["sklearn"])
        from sklearn.datasets import load_digits, load_sample_images

        self.image_size = image_size
        self.rng = np.random.default_rng(seed)
        photos = load_sample_images()
        self.photos = {
            Path(filename).name: Image.fromarray(pixels)
            for filename, pixels in zip(photos.filenames, photos.images, strict=True)
        }
        self.digits, self.labels = load_digits(return_X_y=True)

        shuffled = self.rng.permutation(len(self.labels))
        by_class = shuffled[np.argsort(self.labels[shuffled], kind="stable")]
        in_val = np.arange(len(by_class)) % VAL_DIGIT_STEP == 0
        self.pools = {"train": by_class[~in_val], "val": by_class[in_val]}

    def paint(self, split: str, image_id: int) -> Scene:
        """Paint an image of ``split``: a background, and digits whose windows are disjoint."""
        size, rng = self.image_size, self.rng
        photo = str(rng.choice(list(self.photos)))
        image, crop = self.background(photo, split)
        owner = np.zeros((size, size), np.uint8)
        taken = np.zeros((size, size), bool)
        digits = []

        low = DIGIT_SIDE[0] * size
        for side in sorted(self.sides(split), reverse=True):
            index = int(rng.choice(self.pools[split]))
            ink = _ink(self.digits[index].reshape(8, 8))
            while True:  # a digit that finds no room shrinks
                width, height = (max(1, round(side / max(ink.size) * n)) for n in ink.size)
                x, y = rng.integers(0, (size - width, size - height), endpoint=True).tolist()
                window = np.s_[y : y + height, x : x + width]
                if not taken[window].any():
                    break
                side = max(low, 0.98 * side)
            taken[window] = True

            alpha = ink.resize((width, height), Image.Resampling.BICUBIC)
            visible = alpha.point(lambda value: 255 * (value >= 128))
            owner[window][np.asarray(visible) > 0] = len(digits) + 1
            left, top, right, bottom = visible.getbbox()
            box = (x + left, y + top, right - left, bottom - top)
            digits.append(Digit(int(self.labels[index]), index, box))
            self.put(image, (x, y), alpha)
        return Scene(image_id, image, owner, digits, photo, crop)

    def sides(self, split: str) -> np.ndarray:
        """Draw the longer sides of a scene's digits, in pixels."""
        low, high = (np.log(share * self.image_size) for share in DIGIT_SIDE)
        count = self.rng.integers(*DIGITS_PER_IMAGE[split], endpoint=True)
        return np.exp(self.rng.uniform(low, high, count))

    def put(self, image: Image.Image, place: tuple[int, int], alpha: Image.Image) -> None:
        """Paint a digit of the shape ``alpha`` at ``place``, x and y, in a colour that shows."""
        x, y = place
        behind = np.asarray(image)[y : y + alpha.height, x : x + alpha.width]
        image.paste(self._colour(behind), place, alpha)

    def background(self, photo: str, split: str) -> tuple[Image.Image, tuple[int, int, int, int]]:
        """A square from the columns of ``photo`` that ``split`` owns, varied, and where it was."""
        width, height = self.photos[photo].size
        border = round(TRAIN_COLUMNS * width)
        left, right = (0, border) if split == "train" else (border, width)
        side = int(self.rng.integers(*CROP_SIDE, endpoint=True))
        x = int(self.rng.integers(left, right - side, endpoint=True))
        y = int(self.rng.integers(0, height - side, endpoint=True))

        image = self.photos[photo].crop((x, y, x + side, y + side))
        image = image.resize((self.image_size, self.image_size), Image.Resampling.BICUBIC)
        if self.rng.random() < 0.5:
            image = ImageOps.mirror(image)
        tint = self.rng.uniform(0.8, 1.15, 3)
        pixels = np.clip(np.asarray(image) * tint, 0, 255).astype(np.uint8)
        return Image.fromarray(pixels), (x, y, side, side)

    def _colour(self, behind: np.ndarray) -> tuple[int, ...]:
        """Draw saturated colours and keep the one farthest from the pixels ``(h, w, 3)``."""
        hsv = self.rng.uniform((0, 0.75, 0.4), (1, 1, 1), (8, 3))
        colours = 255 * np.array([colorsys.hsv_to_rgb(*colour) for colour in hsv])
        distance = np.linalg.norm(colours - behind.mean((0, 1)), axis=1)
        return tuple(colours[distance.argmax()].astype(int).tolist())


def _ink(digit: np.ndarray) -> Image.Image:
    """Turn an 8x8 grey digit with values 0..16 into a large, smooth and tight "L" stencil."""
    grey = Image.fromarray(np.pad(digit, 1).astype(np.float32))
    smooth = np.asarray(grey.resize((320, 320), Image.Resampling.BICUBIC))
    stencil = Image.fromarray(np.where(smooth > 7, 255, 0).astype(np.uint8))
    return stencil.crop(stencil.getbbox())
