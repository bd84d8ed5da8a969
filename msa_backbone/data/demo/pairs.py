"""The demo data seen by two cameras: each digit is in one picture only, or in both.

Which camera sees a digit is drawn for each. So neither camera alone can find all of them, as by
night, when persons are in the infrared picture and the signs beside them in the visible one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from ...files.whole_files import place_file
from .scenes import Painter, write_demo
from .writers import Scene, write_coco, write_segmentation

FORMAT_VERSION = 2  # raise it when the same arguments come to give other files

SEEN_BY = ("visible", "infrared", "both")
SHARES = (0.4, 0.4, 0.2)
WARMTH = (150, 255)  # grey of a digit in the infrared picture
COLD = 0.3  # brightness of the photograph in the infrared picture
NOISE = 8  # standard deviation of its noise, in grey values


@dataclass(frozen=True)
class Pair(Scene):
    """A scene and its infrared picture; `owner` and `digits` know the digits of both cameras."""

    infrared: Image.Image  # grey
    seen_by: list[str]  # of `SEEN_BY`, for each of `digits`


def make_demo_pairs(
    root: str | Path, num_train: int = 400, num_val: int = 80, image_size: int = 256, seed: int = 0
) -> Path:
    """Write the demo data of two cameras to ``root``, unless it is there already.

    The layout is::

        root/demo.json            the arguments the set was made with
        root/coco/                visible/{train,val}/ of JPEG, infrared/{train,val}/ of grey PNG,
                                  annotations/instances_{train,val}.json
        root/segmentation/        visible/ and infrared/ as above, masks/{train,val}/, classes.txt

    Arguments, errors and what train and val share are those of `make_demo_data`.
    """
    arguments = {"num_train": num_train, "num_val": num_val}
    arguments |= {"image_size": image_size, "seed": seed}
    return write_demo(
        Path(root),
        {"format_version": FORMAT_VERSION, "cameras": ["visible", "infrared"], **arguments},
        PairPainter,
        (write_pairs, write_coco, write_segmentation),
    )


class PairPainter(Painter):
    """Paints a scene for both cameras at once."""

    def paint(self, split: str, image_id: int) -> Pair:
        self.seen_by: list[str] = []
        scene = super().paint(split, image_id)
        return Pair(**vars(scene), infrared=self.infrared, seen_by=self.seen_by)

    def background(self, photo: str, split: str) -> tuple[Image.Image, tuple[int, int, int, int]]:
        """The infrared camera sees the photograph cold, blurred and with noise."""
        image, crop = super().background(photo, split)
        blurred = image.convert("L").filter(ImageFilter.GaussianBlur(self.image_size / 64))
        noise = self.rng.normal(0, NOISE, (self.image_size, self.image_size))
        cold = np.clip(COLD * np.asarray(blurred) + noise, 0, 255)
        self.infrared = Image.fromarray(cold.astype(np.uint8))
        return image, crop

    def put(self, image: Image.Image, place: tuple[int, int], alpha: Image.Image) -> None:
        camera = str(self.rng.choice(SEEN_BY, p=SHARES))
        self.seen_by.append(camera)
        if camera != "infrared":
            super().put(image, place, alpha)
        if camera != "visible":
            self.infrared.paste(int(self.rng.integers(*WARMTH, endpoint=True)), place, alpha)


def write_pairs(root: Path, split: str, scenes: Sequence[Pair]) -> None:
    """Write both pictures of each scene into the COCO form, and link them into the other."""
    for camera in ("visible", "infrared"):
        folder = root / "coco" / camera / split
        folder.mkdir(parents=True)
        for scene in scenes:
            if camera == "visible":
                path = folder / f"{scene.stem}.jpg"
                scene.image.save(path, quality=90, subsampling=0)
            else:
                path = folder / f"{scene.stem}.png"
                scene.infrared.save(path)
            place_file(path, root / "segmentation" / camera / split / path.name)
