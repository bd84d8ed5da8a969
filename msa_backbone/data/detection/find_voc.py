"""Find VOC data in a folder: the lists of the splits, the images and the xml files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import DataError
from ...files.modality_files import Modality
from ..folders import folder_below
from ..formats.coco import with_categories
from ..formats.detection_annotations import DetectionData, Split
from ..formats.voc import VocSplit, read_voc, voc_names, xml_names
from ..found_files import paths_below
from ..modalities.names import folder_names
from ..splits import SPLIT_OF, SPLIT_WORDS, looks_like_a_split, split_lists
from .classes import choose_classes, class_notes, count_notes, require_train

_XML_FOLDERS = ("annotations", "annotation", "labels", "xmls", "xml")
_IMAGE_FOLDERS = ("jpegimages", "images")
_LIST_FOLDERS = ("imagesets/main", "imagesets/segmentation", "imagesets/layout", "imagesets", "")


def voc_base(root: Path) -> Path:
    """The folder of the year (VOC2007, ...) in `root`, or `root` itself; DataError for several."""
    years = sorted([*root.glob("VOC20[0-9][0-9]"), *root.glob("VOCdevkit/VOC20[0-9][0-9]")])
    if len(years) > 1:
        raise DataError(f"{root}: has several VOC years; give {' or '.join(map(str, years))}")
    return years[0] if years else root


def voc_splits(root: Path, modalities: Sequence[Modality] = ()) -> dict[str, VocSplit]:
    """Where the splits' images and xml files are; empty if it is not VOC.

    Of several `modalities`, the images are those of the first.
    """
    base = voc_base(root)
    reference = folder_names(modalities[0], modalities) if modalities else ()
    names = [(i, x) for i in (*_IMAGE_FOLDERS, *reference) for x in _XML_FOLDERS]
    pairs = [(folder_below(base, images), folder_below(base, xmls)) for images, xmls in names]
    if _split_folders(base):
        pairs += [(base, folder_below(base, xmls)) for xmls in _XML_FOLDERS]
    pairs = [*(pair for pair in pairs if None not in pair), (base, base)]
    for image_dir, xml_dir in pairs:
        if xml_names(image_dir, xml_dir):
            return _of_one_folder(base, image_dir, xml_dir)
    found: dict[str, VocSplit] = {}
    for folder in _split_folders(base):
        inner = [(folder, folder)]
        inner += [
            (folder_below(folder, images), folder_below(folder, xmls))
            for images in ("images", *reference)
            for xmls in _XML_FOLDERS
        ]
        _add_folders(found, folder.name, inner)
    for image_dir, xml_dir in pairs[:-1]:
        xmls = {SPLIT_OF[folder.name.lower()]: folder for folder in _split_folders(xml_dir)}
        for folder in _split_folders(image_dir):
            xml_folder = folder_below(xml_dir, folder.name.lower())
            alike = xml_folder or xmls.get(SPLIT_OF[folder.name.lower()])
            _add_folders(found, folder.name, [(folder, alike)])
        if not found:  # the images of all splits lie in one folder
            for folder in _split_folders(xml_dir):
                _add_folders(found, folder.name, [(image_dir, folder)])
    has_xml = any(xml_names(split.image_dir, split.xml_dir) for split in found.values())
    return {name: found[name] for name in SPLIT_WORDS if name in found} if has_xml else {}


def _of_one_folder(base: Path, image_dir: Path, xml_dir: Path) -> dict[str, VocSplit]:
    """The splits of xml files in one folder: by lists, else by the folders of the images."""
    found: dict[str, VocSplit] = {}
    if lists := _lists(base):
        found = {split: VocSplit(image_dir, xml_dir, path) for split, path in lists.items()}
        others = tuple(path for split, path in lists.items() if split != "train")
        if "train" in lists and lists["train"].stem.lower() == "trainval":
            found["train"] = replace(found["train"], others=others)
        return found
    for folder in _split_folders(image_dir):
        _add_folders(found, folder.name, [(folder, xml_dir)])
    if "train" not in found:
        return {"train": VocSplit(image_dir, xml_dir, None)}
    return {name: replace(found[name], shared=True) for name in SPLIT_WORDS if name in found}


def voc_data(
    root: Path, classes: Sequence[str] | None, modalities: Sequence[Modality] = ()
) -> DetectionData | None:
    """The VOC data in `root`, if it is such; test images without any xml file are left aside."""
    found = voc_splits(root, modalities)
    if not found:
        return None
    sources = {name: split.source for name, split in found.items()}
    require_train(sources, next(iter(sources.values())).with_name("train.txt"))
    train = found["train"]
    if train.list_file:
        lists = ", ".join(split.list_file.name for split in found.values())
        source = f"the lists {lists} of {train.list_file.parent}"
        if train.others:
            source += f" ({train.list_file.name} without what the others list)"
    elif len(found) > 1:
        source = f"the folders of {', '.join(found)}"
    else:
        source = "no lists, so every xml is for training"
    notes = [f"format voc: found xml files in {train.xml_dir} and {source}"]
    notes += _check_shared(found)
    contents, splits, unlabelled = {}, {}, {}
    for name, split in found.items():
        if name == "test" and not voc_names(split)[0]:
            unlabelled[name] = split.source
            notes.append(f"{name} is left aside: no image of {split.source} has an xml file")
            continue
        contents[name], unread, lines = read_voc(split, root)
        notes += [f"{name}: {line}" for line in lines]
        splits[name] = Split(contents[name], split.image_dir, None, split.source, tuple(unread))
    known = {c["name"] for content in contents.values() for c in content["categories"]}
    kept = tuple(choose_classes(sorted(known), classes, train.xml_dir))
    splits = {
        name: replace(split, content=with_categories(split.content, kept))
        for name, split in splits.items()
    }
    notes += class_notes(kept, "as given" if classes else "in sorted order", contents["train"])
    notes += count_notes(splits, kept)
    return DetectionData(root, "voc", kept, splits, tuple(notes), unlabelled)


def _check_shared(splits: dict[str, VocSplit]) -> list[str]:
    """Xml files of one folder have an image in one split: a note of those with none.

    Raises:
        DataError: for one with an image in two splits.
    """
    shared = [split for split in splits.values() if split.shared]
    if not shared:
        return []
    taken = Counter(name for split in shared for name in voc_names(split)[0])
    folder = shared[0].xml_dir
    if twice := [name for name, count in taken.items() if count > 1]:
        raise DataError(
            f"{folder / twice[0]}: {' and '.join(str(split.image_dir) for split in shared[:2])} "
            f"have such an image ({len(twice)} such); give each image a name of its own"
        )
    left = [name for name in xml_names(shared[0].image_dir, folder) if name not in taken]
    return [f"xml files without an image in a split: {len(left)}, first {left[0]}"] if left else []


def _lists(base: Path) -> dict[str, Path]:
    """The lists of the splits, whose names may be in any case and spelling; DataError for two."""
    files = split_lists(base, _LIST_FOLDERS, ("trainval",))
    trainval = files.pop("trainval", None)
    if trainval and "train" not in files:
        files["train"] = trainval
    if files:
        return {split: files[split] for split in SPLIT_WORDS if split in files}
    sets = folder_below(base, "imagesets")
    others = sorted([*base.glob("*.txt"), *(paths_below(sets, (".txt",)) if sets else ())])
    for path in others:
        if looks_like_a_split(path.stem):
            raise DataError(
                f"{path}: looks like the list of a split by another name, whose images would all "
                "be trained on; name the lists train.txt, val.txt and test.txt"
            )
    return {}


def _split_folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and p.name.lower() in SPLIT_OF)


def _add_folders(
    found: dict[str, VocSplit], word: str, pairs: Sequence[tuple[Path | None, Path | None]]
) -> None:
    """Add the first pair that holds xml files, or else the first; DataError for a second split."""
    pairs = [pair for pair in pairs if None not in pair]
    if not pairs:
        return
    best = next((pair for pair in pairs if xml_names(*pair)), pairs[0])
    split = SPLIT_OF[word.lower()]
    new = VocSplit(*best, None)
    if split in found and not xml_names(found[split].image_dir, found[split].xml_dir):
        found[split] = new
    if found.setdefault(split, new) != new:
        message = f"{best[1]}: a second {split} folder beside {found[split].xml_dir}; move one away"
        raise DataError(message)
