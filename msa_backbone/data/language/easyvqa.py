"""easy-VQA (https://github.com/vzhou842/easy-VQA) as VQA v2's jsons and image files.

A split is, in the folder `data` of the repository, `SPLIT/images/NUMBER.png` and
`SPLIT/questions.json`, a list of [question, answer, number of the image]; or, in a packed form,
`SPLIT_images.npz` with the array `images`, (N, H, W, 3) of uint8, and `SPLIT_questions.json`. There
is no val split.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from ...errors import DataError
from ...files.images import read_image
from ...files.whole_files import complete_folder, write_whole
from ..splits import choose_val
from .records import read_json


def convert_easyvqa(source: Path, out: Path, val_share: float = 0.1) -> dict[str, tuple[int, int]]:
    """Write images and VQA v2's pair of jsons for train, val and test.

    Args:
        source: the folder with both splits.
        out: the folder to write.
        val_share: of the training pictures, with all their questions, become val (seed 0).

    Returns:
        Pictures and questions of every split.

    Raises:
        DataError: for files that are not as above.
    """
    numbers, found = {}, {}
    with complete_folder(out) as part:
        first = 0
        for folder in ("train", "test"):
            images, questions = _read(source, folder)
            (part / "images" / folder).mkdir(parents=True)
            for number, pixels in enumerate(images, first):
                Image.fromarray(pixels).save(part / "images" / folder / f"{number:06d}.png")
            pictures = [f"{number:06d}" for number in range(first, first + len(images))]
            val = choose_val(source, pictures, val_share) if folder == "train" else set()
            for split in ("train", "val") if val else (folder,):
                numbers[split] = [
                    (first + image, question, answer)
                    for question, answer, image in questions
                    if not val or (pictures[image] in val) == (split == "val")
                ]
                found[split] = len({image for image, _, _ in numbers[split]}), len(numbers[split])
                _write(part, split, numbers[split])
            first += len(images)
    return found


def _read(source: Path, split: str) -> tuple[Sequence[np.ndarray], list]:
    if (source / split / "images").is_dir():
        images = _read_pictures(source / split / "images")
        path = source / split / "questions.json"
    else:
        images = _read_packed(source / f"{split}_images.npz")
        path = source / f"{split}_questions.json"
    questions = read_json(path)
    for place, row in enumerate(questions):
        if not (
            isinstance(row, list)
            and len(row) == 3
            and all(isinstance(text, str) and text.strip("?").split() for text in row[:2])
            and row[2] in range(len(images))
        ):
            raise DataError(f"{path}: [{place}] is no [question, answer, image]; get it again")
    return images, questions


def _read_pictures(folder: Path) -> list[np.ndarray]:
    count = len(list(folder.glob("*.png")))
    files = [folder / f"{number}.png" for number in range(count)]
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        raise DataError(f"{folder}: {(missing or ['0.png'])[0]} is missing; get easy-VQA again")
    return [read_image(file) for file in files]


def _read_packed(path: Path) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images = arrays["images"]
    except FileNotFoundError:
        split = path.stem.removesuffix("_images")
        raise DataError(
            f"{path.parent}: has neither {split}/images nor {path.name}; give the folder 'data' of "
            "easy-VQA's repository"
        ) from None
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise DataError(f"{path}: holds no array 'images' ({error}); get easy-VQA again") from None
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise DataError(f"{path}: images are {images.dtype} of {images.shape}, not RGB of uint8")
    return images


def question_type(question: str) -> str:
    """What a question of easy-VQA asks for.

    >>> question_type("does the image not contain a circle?")
    'is there not'
    """
    words = question.rstrip("?").split()
    if words[0] == "what":
        return "what colour" if "color" in words else "what shape"
    return "is there not" if {"not", "no"} & set(words) else "is there"


def _write(root: Path, split: str, rows: list[tuple[int, str, str]]) -> None:
    questions, annotations = [], []
    for number, (image, question, answer) in enumerate(rows):
        key = {"question_id": number, "image_id": image}
        questions.append({**key, "question": question})
        kind = "yes/no" if answer in ("yes", "no") else "other"
        annotations.append(
            {
                **key,
                "question_type": question_type(question),
                "answer_type": kind,
                "multiple_choice_answer": answer,
                "answers": [{"answer_id": 1, "answer": answer, "answer_confidence": "yes"}],
            }
        )
    content = {"questions": questions}, {"annotations": annotations}
    for name, part in zip(("questions", "annotations"), content, strict=True):
        write_whole(root / f"{split}_{name}.json", json.dumps(part))
