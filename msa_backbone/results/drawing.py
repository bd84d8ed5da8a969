"""Boxes, masks and names drawn into pictures, with Pillow alone.

Lines and letters grow with the picture, so that a drawn picture can be made smaller afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
"""(R, G, B) in 0..255."""

LINES, LETTERS, LEAST_LETTER = 700, 110, 10
"""Into how many parts a picture's longer side is divided for the width of a line and for the
height of a letter; and the least height of a letter, in pixels."""
LARGEST = 0.12
"""The part of a picture's height that a name may take."""
OPACITY = 0.5
MOST_LINES = 4
"""How many lines up or down a label may move to find room."""


@dataclass(frozen=True)
class Label:
    """A name, its lower left corner in pixels, and the colour behind it."""

    text: str
    place: tuple[float, float]
    colour: Colour


def draw_mask(picture: np.ndarray, mask: np.ndarray, colour: Colour) -> np.ndarray:
    """Colour the pixels of a mask, half transparent."""
    drawn = picture.copy()
    tinted = (1 - OPACITY) * picture[mask] + OPACITY * np.array(colour)
    drawn[mask] = tinted.round().astype(np.uint8)
    return drawn


def draw_boxes(picture: np.ndarray, boxes: np.ndarray, colours: Sequence[Colour]) -> np.ndarray:
    """Draw boxes, (x1, y1, x2, y2) in pixels; the last ones first, so that the best lie on top."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    width = max(1, round(max(picture.shape[:2]) / LINES))
    for box, colour in reversed(list(zip(boxes.tolist(), colours, strict=True))):
        pen.rectangle(box, outline=tuple(colour), width=width)
    return np.asarray(image)


def draw_labels(picture: np.ndarray, labels: Sequence[Label]) -> np.ndarray:
    """Write names into a picture so that none covers another.

    In a small picture they would hide what is there, so there are none. The first one stays where
    it is. Another one that would cover an earlier one goes to the next free line above or below;
    without a free line near by it is left out.
    """
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(LEAST_LETTER, max(picture.shape[:2]) // LETTERS))
    taken: list[tuple[float, float, float, float]] = []
    for label in labels:
        *_, right, bottom = pen.textbbox((0, 0), label.text, font=font)
        width, height = right + 4, bottom + 3
        if height > LARGEST * image.height:
            break
        x = max(0.0, min(label.place[0], image.width - width))
        inside = max(0.0, min(label.place[1] - height, image.height - height))
        shifts = (0, *(sign * line for line in range(1, MOST_LINES + 1) for sign in (-1, 1)))
        for shift in shifts:
            y = inside + shift * height
            box = (x, y, x + width, y + height)
            if 0 <= y <= image.height - height and not any(_meet(box, t) for t in taken):
                taken.append(box)
                pen.rectangle((x, y, box[2] - 1, box[3] - 1), fill=tuple(label.colour))
                bright = np.dot(label.colour, (0.299, 0.587, 0.114)) > 140
                pen.text((x + 2, y + 1), label.text, "black" if bright else "white", font)
                break
    return np.asarray(image)


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def at_most(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture whose longer side is at most so many pixels."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = [max(1, round(length * scale)) for length in picture.shape[1::-1]]
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
