"""The images of a data set that is written: where they are, and their names in the new folder."""

from pathlib import Path

from ...errors import DataError
from ..folders import write_list
from ..found_files import NO_UTF_8, NO_UTF_8_MEND, is_utf_8
from .detection_annotations import Split
from .index_masks import IGNORED_NAMES


def existing_image(split: Split, image: dict) -> Path:
    """The absolute path of an image; raises DataError if no file has this name, or no text can."""
    path = split.image_dir / image["file_name"]
    if not is_utf_8(image["file_name"]):
        raise DataError(f"{path}: has a {NO_UTF_8}; {NO_UTF_8_MEND}")
    if not path.is_file():
        raise DataError(f"{path}: no such image, but {split.source} lists it; add or unlist it")
    return path.absolute()


def name_inside(split: Split, image: dict) -> str:
    """The image's name inside a folder of images, wherever it is now."""
    path = Path(image["file_name"])
    if ".." in path.parts:
        raise DataError(
            f"{split.source}: file_name {image['file_name']!r} leads out of the image folder; "
            "write the name relative to the images"
        )
    return path.name if path.is_absolute() else path.as_posix()


def take_name(taken: dict[str, Path], name: str, source: Path) -> None:
    """Note in `taken` whose name it is; raises DataError if it is another image's."""
    if taken.setdefault(name, source) != source:
        raise DataError(f"{source}: would get the name of {taken[name]}; rename it")


def without_reader_fields(record: dict) -> dict:
    """The record as COCO knows it, without what readers add."""
    if "found_at" not in record:
        return record
    return {k: v for k, v in record.items() if k != "found_at" and not k.startswith("voc_")}


def write_class_names(folder: Path, classes: tuple[str, ...]) -> None:
    """Write classes.txt, from which masks are understood; raises DataError for an unfit name."""
    for name in classes:
        if not name.strip() or name != " ".join(name.split()) or name.lower() in IGNORED_NAMES:
            raise DataError(
                f"class {name!r}: cannot stand in classes.txt, a line for each class, where "
                f"{', '.join(IGNORED_NAMES)} mean what is not trained on; rename it"
            )
    write_list(folder / "classes.txt", classes)
