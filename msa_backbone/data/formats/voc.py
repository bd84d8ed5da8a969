"""Reading VOC's xml files into COCO's form.

VOC counts pixels from 1. A box is read as mmdet reads it, so that results compare: one is taken off
its corners, and its size is their difference. Unlike mmdet, fractions of a pixel are kept. A
`difficult` object becomes a crowd, which training and scoring ignore.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from ...errors import DataError
from ...files.images import IMAGE_SUFFIXES
from ..folders import read_list
from ..found_files import walk
from ..splits import looks_like_a_split
from .derived.fields import with_sizes
from .derived.image_names import FolderFiles
from .derived.xml_text import mended_xml

_SECOND_COLUMN = re.compile(r"\s+(?:-1|0|1)$")  # of the lists of a class: whether an image has it
_XML_COLUMN = re.compile(r"^\S+\s+(\S+\.xml)$", re.IGNORECASE)  # beside the image's
_TRUE = ("1", "true", "yes")


@dataclass(frozen=True)
class VocSplit:
    """Where the images of a split, their xml files and the list of both are."""

    image_dir: Path
    xml_dir: Path
    list_file: Path | None  # None for all xml files of the folder
    others: tuple[Path, ...] = ()  # lists of other splits, whose images are not taken
    shared: bool = False  # the folder holds other splits' xml files, too: take those with an image

    @property
    def source(self) -> Path:
        """What is named in messages."""
        return self.list_file or self.xml_dir


def read_voc(split: VocSplit, root: Path) -> tuple[dict, list[str], list[str]]:
    """The images of a split in COCO's form, what could not be read, and notes.

    Sizes and corners that are not numbers stay as written, for the checks to report.

    The records say where they are from: `found_at` is the xml file, with the object of an
    annotation; `voc_xml` of an image is that file's path, `voc_index` of an annotation the object's
    number in it, from 0.

    Returns:
        The content; a line for each xml file, object and line of the list that is left out; a line
        for each kind of oddity.
    """
    names, unread = voc_names(split)
    files = FolderFiles(split.image_dir, root)
    images, annotations, category_ids = [], [], {}
    oddities: Counter[str] = Counter()
    for image_id, name in enumerate(names, start=1):
        path = split.xml_dir / name
        try:
            element, oddity = mended_xml(path)
            file_name = _image_file(files, name, element, path)
        except DataError as error:
            unread.append(str(error))
            continue
        oddities[f"xml files {oddity}"] += oddity is not None
        stated = (element.findtext("filename") or "").strip()
        if os.path.basename(stated) != os.path.basename(file_name) and files.has(stated):
            oddities["xml files of an image's name whose filename is another image's"] += 1
        width, height = _size(element)
        image = {"id": image_id, "file_name": file_name, "width": width, "height": height}
        images.append({**image, "found_at": str(path), "voc_xml": str(path)})
        for index, item in enumerate(element.iterfind("object")):
            label = unicodedata.normalize("NFC", " ".join((item.findtext("name") or "").split()))
            if not label:
                unread.append(f"{path}: object {index} has no name; add it")
                continue
            if item.find("robndbox") is not None:  # roLabelImg's
                unread.append(
                    f"{path}: object {index} is a turned box (robndbox), which is not read; write "
                    "the box around it as bndbox"
                )
                continue
            texts = [item.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
            edges = _numbers(texts)
            if item.find("bndbox") is None and (edges := _around_polygon(item)):
                oddities["boxes around polygons"] += 1
            box, area = texts, None
            if edges:
                left, top, right, bottom = edges
                box = [left - 1, top - 1, right - left, bottom - top]
                area = (right - left) * (bottom - top)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": category_ids.setdefault(label, len(category_ids) + 1),
                    "bbox": box,
                    "area": area,
                    "iscrowd": int(is_difficult(item)),
                    "voc_index": index,
                    "found_at": f"{path}: object {index} [{', '.join(map(str, texts))}]",
                }
            )
    categories = [{"id": number, "name": label} for label, number in category_ids.items()]
    content = {"images": images, "categories": categories, "annotations": annotations}
    content, notes = with_sizes(content, split.image_dir)
    return content, unread, [*(f"{what}: {n}" for what, n in oddities.items() if n), *notes]


def voc_names(split: VocSplit) -> tuple[list[str], list[str]]:
    """The xml files of a split, relative to their folder, and a line for each that is not there.

    A line of a list is a name, perhaps with a second column, folders in front or a suffix.
    """
    if split.list_file is None:
        names = xml_names(split.image_dir, split.xml_dir)
        if split.shared:
            images = FolderFiles(split.image_dir, split.image_dir)
            stems = ((name, name[: -len(".xml")]) for name in names)
            names = [n for n, s in stems if images.with_stem(s) or images.with_stem(Path(s).name)]
        return names, []
    lists = (replace(split, list_file=path, others=()) for path in split.others)
    others = {name for other in lists for name in voc_names(other)[0]}
    files = FolderFiles(split.xml_dir, split.xml_dir)
    names: dict[str, None] = {}  # in the list's order
    unread: list[str] = []
    for line in read_list(split.list_file):
        found = _xml_of(line, files)
        if len(found) != 1:
            have = f"has several ({', '.join(found[:2])})" if found else "has no xml file"
            fix = f"add {split.xml_dir / line}.xml or mend the line (a bare name, no suffix)"
            unread.append(f"{split.list_file}: lists {line!r}, which {have}; {fix}")
        elif found[0] in names:
            unread.append(f"{split.list_file}: lists {line!r} twice; remove one of the lines")
        else:
            names[found[0]] = None
    return [name for name in names if name not in others], unread


def _xml_of(line: str, files: FolderFiles) -> list[str]:
    """The xml files that a line of a list may mean: one if it is certain."""
    texts = [line, _SECOND_COLUMN.sub("", line)]
    texts += [match[1] for match in [_XML_COLUMN.match(line)] if match]
    for text in dict.fromkeys(texts):
        stem, dot, suffix = text.rpartition(".")
        stems = (
            [text, stem] if dot and f".{suffix}".lower() in (".xml", *IMAGE_SUFFIXES) else [text]
        )
        for name in (f"{stem}.xml" for stem in stems):
            if files.has(name):
                return [name]
            if found := [file for file in files.spelled(name) if file.lower().endswith(".xml")]:
                return found
    return []


def xml_names(image_dir: Path, xml_dir: Path) -> list[str]:
    """The xml files of a folder, relative to it, whose endings may be in any case.

    A folder of xml files alone may have folders in it, as the images have; not those of splits.
    """
    found: list[str] = []
    for start, names in walk(xml_dir):
        if start and image_dir == xml_dir:
            break
        if not any(map(looks_like_a_split, start.split("/"))):
            found += [start + name for name in names if name.lower().endswith(".xml")]
    return sorted(found)


def is_difficult(item: Element) -> bool:
    """Whether an object of an xml file says that it is difficult."""
    text = (item.findtext("difficult") or "").strip().lower()
    return text in _TRUE or _numbers([text]) == [1]


def _image_file(files: FolderFiles, xml_name: str, root: Element, path: Path) -> str:
    """The image of an xml file, relative to the images: of its name, or else the one it states.

    If there is none, it is the .jpg that should be there. Raises DataError for several.
    """
    stem = xml_name[: -len(".xml")]
    stated = (root.findtext("filename") or "").strip()
    found = files.with_stem(stem)
    if found and os.path.splitext(found[0])[0] == stem:  # a.jpg goes before a.png
        return stated if stated in found else found[0]
    if not found and files.has(stem):  # a.jpg.xml
        found = [stem]
    if not found and stated:
        found = [stated] if files.has(stated) else files.spelled(stated)
    if not found and "/" in stem:  # xml files in folders, images in one
        found = files.with_stem(os.path.basename(stem))
    if len(found) > 1:
        meant = " or ".join(str(files.folder / name) for name in found[:2])
        raise DataError(f"{path}: its image may be {meant}; give xml and image the same name")
    return found[0] if found else f"{stem}{IMAGE_SUFFIXES[0]}"


def _size(root: Element) -> tuple:
    """Width and height as stated; None where they are not."""
    texts = root.findtext("size/width"), root.findtext("size/height")
    return tuple(_numbers(texts) or (text or None for text in texts))


def _around_polygon(item: Element) -> list[int | float] | None:
    """Left, top, right and bottom of an object's polygon, whose points are x1, y1 or pt/x, pt/y."""
    points: dict[str, list] = {"x": [], "y": []}
    for element in item.iterfind("polygon//*"):
        if re.fullmatch(r"[xy]\d*", element.tag):
            points[element.tag[0]].append(element.text)
    x, y = map(_numbers, points.values())
    return [min(x), min(y), max(x), max(y)] if x and y and len(x) == len(y) > 2 else None


def _numbers(texts: Iterable[str | None]) -> list[int | float] | None:
    """The numbers, whole ones as int; None if one of them is no finite number."""
    try:
        numbers = [float(text) for text in texts]
        return [int(number) if number == int(number) else number for number in numbers]
    except (TypeError, ValueError, OverflowError):
        return None
