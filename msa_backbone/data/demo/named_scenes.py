"""Scenes of few digits of which one can speak: large or small, of colours that have a name."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

from .scenes import Painter
from .writers import Scene

COLOURS = {
    "red": (230, 40, 40),
    "green": (40, 200, 60),
    "blue": (60, 90, 250),
    "yellow": (240, 220, 50),
    "white": (245, 245, 245),
}
SIZES = {"small": (0.2, 0.25), "large": (0.38, 0.5)}
"""Longer side over the image's side; between the two nothing is painted."""

DIGITS = (1, 3)
SAME_COLOUR = 0.4  # probability of the colour of the digit before, so that there is more to count
BRIGHTNESS = 0.35  # of the photograph, so that colours show
CLEAR = 0.06  # of the image's side: by so much a digit is left of another, or of the middle


@dataclass(frozen=True)
class Named:
    """A digit in words.

    Attributes:
        digit, colour, size: such as '3', 'red' and 'large'.
        box: x, y, width, height in pixels.
    """

    digit: str
    colour: str
    size: str
    box: tuple[int, int, int, int]

    @property
    def words(self) -> str:
        """Such as 'large red 3'."""
        return f"{self.size} {self.colour} {self.digit}"

    @property
    def centre(self) -> tuple[float, float]:
        """x and y in pixels."""
        x, y, width, height = self.box
        return x + width / 2, y + height / 2


@dataclass(frozen=True)
class NamedScene(Scene):
    """A scene whose digits have names; no two are the same in digit and colour."""

    named: list[Named]


class NamedPainter(Painter):
    """Paints scenes of one to three digits; one that cannot be put into words is painted anew."""

    def paint(self, split: str, image_id: int) -> NamedScene:
        while True:
            self.colours: list[str] = []
            scene = super().paint(split, image_id)
            named = list(self._named(scene))
            if len({(n.digit, n.colour) for n in named}) == len(scene.digits):
                return NamedScene(**vars(scene), named=named)

    def _named(self, scene: Scene) -> Iterator[Named]:
        """The digits whose size has a name, as those that shrank for want of room may have none."""
        for digit, colour in zip(scene.digits, self.colours, strict=True):
            share = max(digit.box[2:]) / self.image_size
            for size, (low, high) in SIZES.items():
                if low - 0.03 <= share <= high + 0.03:  # whole pixels
                    yield Named(str(digit.label), colour, size, digit.box)

    def sides(self, split: str) -> np.ndarray:
        names = self.rng.choice(list(SIZES), self.rng.integers(*DIGITS, endpoint=True))
        return np.array([self.rng.uniform(*SIZES[name]) for name in names]) * self.image_size

    def background(self, photo: str, split: str) -> tuple[Image.Image, tuple[int, int, int, int]]:
        image, crop = super().background(photo, split)
        return ImageEnhance.Brightness(image).enhance(BRIGHTNESS), crop

    def put(self, image: Image.Image, place: tuple[int, int], alpha: Image.Image) -> None:
        again = self.colours and self.rng.random() < SAME_COLOUR
        colour = self.colours[-1] if again else str(self.rng.choice(list(COLOURS)))
        self.colours.append(colour)
        image.paste(COLOURS[colour], place, alpha)
