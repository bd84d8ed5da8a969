"""Questions, answers and captions, written below their pictures."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:  # words are written where mmengine is not, too
    from mmengine.structures import BaseDataElement

FONT_SIDE = 24
"""A letter is this part of the picture's shorter side high, at least `LEAST` pixels."""
LEAST = 12


def sentences_of(
    sample: "BaseDataElement", truth: bool = True, prediction: bool = True
) -> list[str]:
    """What a sample says in words: question, answers, captions; nothing for other tasks.

    Args:
        sample: of `MSAAnswerer` or `MSACaptioner`.
        truth, prediction: what to tell.
    """
    if isinstance(asked := sample.get("question"), list):  # several about one picture
        answers = sample.get("pred_answer") if prediction else None
        said = [f" {answer}" for answer in answers or [""] * len(asked)]
        return [question + answer for question, answer in zip(asked, said, strict=True)]
    lines = [asked] if asked else []
    for name, title, wanted in (
        ("gt_answer", "true", truth),
        ("pred_answer", "answer", prediction),
        ("gt_caption", "true", truth),
        ("pred_caption", "caption", prediction),
    ):
        said = sample.get(name)
        if wanted and said:
            said = said if isinstance(said, str) else said[0]
            lines.append(f"{title}: {said}")
    return lines


def words_below(picture: np.ndarray, lines: list[str], least_side: int = 320) -> np.ndarray:
    """A picture with lines of text below it, broken where they are too long.

    Args:
        picture: RGB, (H, W, 3) uint8; enlarged to this shorter side, so that words have room.

    Returns:
        RGB, uint8; as wide as the picture, and higher.
    """
    scale = max(1.0, least_side / min(picture.shape[:2]))
    width, height = (round(scale * side) for side in picture.shape[1::-1])
    image = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    font = ImageFont.load_default(max(LEAST, min(width, height) // FONT_SIDE))
    letters = max(8, int(width / font.getlength("n")) - 2)
    wrapped = [part for line in lines for part in textwrap.wrap(line, letters)]
    step = round(1.4 * font.size)
    page = Image.new("RGB", (width, height + step * len(wrapped) + step // 2), "white")
    page.paste(image)
    pen = ImageDraw.Draw(page)
    for number, line in enumerate(wrapped):
        pen.text((step // 3, height + step // 4 + number * step), line, "black", font)
    return np.asarray(page)
