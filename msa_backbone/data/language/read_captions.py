"""Reading captions: COCO's json, or a list.

- COCO (https://cocodataset.org/#format-data): `images` of {id, file_name} and `annotations` of
  {image_id, caption}
- a list of {image, caption or captions}, and perhaps split
"""

from pathlib import Path

from ...errors import DataError
from .read_questions import IMAGE
from .records import Captions, field, read_json, records_of


def read_captions(path: Path) -> list[Captions]:
    """The captions of a file, those of a picture together.

    A picture of COCO's json without a caption is left out.

    Raises:
        DataError: for a picture that is listed twice, or a caption of one that is not listed.
    """
    content = read_json(path)
    if isinstance(content, dict):
        return _read_coco(content, path)
    found: dict[int | str, Captions] = {}
    for place, record in enumerate(records_of(content, "captions", path)):
        image = field(record, IMAGE, (int, str), f"record {place}", path)
        said = field(record, ("captions", "caption"), (list, str), f"image {image}", path)
        texts = (said,) if isinstance(said, str) else tuple(said)
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise DataError(f"{path}: image {image} has an empty caption; remove it")
        if image in found and not isinstance(said, str):
            raise DataError(f"{path}: image {image} is listed twice; keep one of the two")
        if image in found:  # one record for every sentence
            texts = (*found[image].texts, *texts)
        found[image] = Captions(image, texts, record.get("split"))
    return _not_empty(list(found.values()), path)


def _read_coco(content: dict, path: Path) -> list[Captions]:
    files: dict[object, str] = {}
    for record in records_of(content, "images", path):
        number = field(record, ("id",), (int, str), "an image", path)
        if number in files:
            raise DataError(f"{path}: image {number} is listed twice; keep one of the two")
        files[number] = field(record, ("file_name",), str, f"image {number}", path)
    if len(set(files.values())) < len(files):
        names = list(files.values())
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: image {twice} is listed twice; keep one of the two")
    said: dict[object, list[str]] = {number: [] for number in files}
    for record in records_of(content, "annotations", path):
        number = field(record, ("image_id",), (int, str), "a caption", path)
        text = field(record, ("caption",), str, f"a caption of image {number}", path)
        if number not in said:
            raise DataError(
                f"{path}: caption '{text}' is about image {number}, which the file does not list; "
                "list it or remove the caption"
            )
        said[number].append(text)
    found = [Captions(files[number], tuple(texts)) for number, texts in said.items() if texts]
    return _not_empty(found, path)


def _not_empty(found: list[Captions], path: Path) -> list[Captions]:
    if not found:
        raise DataError(f"{path}: holds no caption; export it again")
    return found
