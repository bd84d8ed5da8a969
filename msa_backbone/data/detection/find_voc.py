"""Find VOC data in a folder: the lists of the splits, the images and the xml files."""

from collections.abc import Sequence
from pathlib import Path

from ...errors import DataError
from ..formats.coco import with_categories
from ..formats.detection_annotations import DetectionData, Split
from ..formats.voc import read_voc
from .classes import choose_classes, class_notes, count_notes, require_train


def voc_base(root: Path) -> Path:
    """The folder of the year (VOC2007, ...) in `root`, or `root` itself; DataError for several."""
    years = sorted([*root.glob("VOC20[0-9][0-9]"), *root.glob("VOCdevkit/VOC20[0-9][0-9]")])
    if len(years) > 1:
        raise DataError(f"{root}: has several VOC years; give {' or '.join(map(str, years))}")
    return years[0] if years else root


def voc_folders(root: Path) -> tuple[Path, Path, Path] | None:
    """The folders of the lists, of the images and of the xml files; None if it is not VOC."""
    base = voc_base(root)
    for images, xmls in (("JPEGImages", "Annotations"), ("images", "annotations"), ("", "")):
        if (base / images).is_dir() and any((base / xmls).glob("*.xml")):
            return base / "ImageSets" / "Main", base / images, base / xmls
    return None


def voc_data(
    root: Path, list_dir: Path, image_dir: Path, xml_dir: Path, classes: Sequence[str] | None
) -> DetectionData:
    stems = ("train", "val", "test", "trainval")
    files = {stem: path for stem in stems if (path := list_dir / f"{stem}.txt").is_file()}
    trainval = files.pop("trainval", None)
    if trainval and not files.keys() & {"train", "val"}:
        files = {"train": trainval, **files}
    source = f"the lists {', '.join(path.name for path in files.values())} of {list_dir}"
    if not files:
        files, source = {"train": None}, f"no lists in {list_dir}, so every xml is for training"
    require_train(files, list_dir / "train.txt")
    contents = {split: read_voc(path, xml_dir, image_dir) for split, path in files.items()}
    known = {c["name"] for content in contents.values() for c in content["categories"]}
    kept = tuple(choose_classes(sorted(known), classes, xml_dir))
    splits = {
        split: Split(with_categories(contents[split], kept), image_dir, None, path or xml_dir)
        for split, path in files.items()
    }
    notes = [f"format voc: found xml files in {xml_dir} and {source}"]
    notes += class_notes(kept, "as given" if classes else "in sorted order", contents["train"])
    return DetectionData(root, "voc", kept, splits, (*notes, *count_notes(splits, kept)))
