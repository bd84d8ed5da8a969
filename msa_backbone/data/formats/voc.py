"""Reading VOC's xml files into COCO's form.

VOC counts pixels from 1. A box is read as mmdet reads it, so that results compare: one is taken off
its corners, and its size is their difference. Unlike mmdet, fractions of a pixel are kept. A
`difficult` object becomes a crowd, which training and scoring ignore.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree

from ...errors import DataError
from ...files.images import IMAGE_SUFFIXES, image_size
from ..folders import read_list


def read_voc(ann_file: Path | None, annotation_dir: Path, image_dir: Path) -> dict:
    """The images of a VOC list, or of all xml files if there is none, in COCO's form.

    Sizes and corners that are not numbers stay as written, for the checks to report.

    The records say where they are from: `found_at` is the xml file, with the object of an
    annotation; `voc_xml` of an image is that file's path, `voc_index` of an annotation the object's
    number in it, from 0. Raises DataError.
    """
    images, annotations, category_ids = [], [], {}
    for image_id, name in enumerate(_voc_names(ann_file, annotation_dir), start=1):
        path = annotation_dir / f"{name}.xml"
        root = read_xml(path)
        file_name = _voc_file_name(image_dir, name)
        width, height = _voc_size(root, image_dir / file_name)
        image = {"id": image_id, "file_name": file_name, "width": width, "height": height}
        images.append({**image, "found_at": str(path), "voc_xml": str(path)})
        for index, item in enumerate(root.iterfind("object")):
            label = " ".join((item.findtext("name") or "").split())
            if not label:
                raise DataError(f"{path}: object {index} has no name; add it")
            texts = [item.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
            box, area = texts, None
            if edges := _numbers(texts):
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
                    "iscrowd": int(_numbers([item.findtext("difficult")]) == [1]),
                    "voc_index": index,
                    "found_at": f"{path}: object {index} [{', '.join(map(str, texts))}]",
                }
            )
    categories = [{"id": number, "name": label} for label, number in category_ids.items()]
    return {"images": images, "categories": categories, "annotations": annotations}


def read_xml(path: Path) -> Element:
    """The root of an xml file; raises DataError, also for entities, which can grow without end."""
    try:
        return ElementTree.parse(path).getroot()
    except (ParseError, ValueError, LookupError) as error:
        raise DataError(f"{path}: not valid XML ({error}); export it again") from None


def _voc_names(ann_file: Path | None, annotation_dir: Path) -> list[str]:
    """The image names, without suffix."""
    if ann_file is None:
        return sorted(path.stem for path in annotation_dir.glob("*.xml"))
    names = read_list(ann_file, errors="replace")
    for name, count in Counter(names).items():
        xml = annotation_dir / f"{name}.xml"
        if not xml.is_file():
            fix = f"add {xml} or mend the line (a bare name, no suffix)"
            raise DataError(f"{ann_file}: lists {name!r}, which has no xml file; {fix}")
        if count > 1:
            raise DataError(f"{ann_file}: lists {name!r} twice; remove one of the lines")
    return names


def _voc_file_name(image_dir: Path, name: str) -> str:
    """The image file of `name`; the .jpg that should be there if there is none."""
    file_names = [name + case for suffix in IMAGE_SUFFIXES for case in (suffix, suffix.upper())]
    return next((file for file in file_names if (image_dir / file).is_file()), file_names[0])


def _voc_size(root: Element, image: Path) -> tuple:
    """Width and height as stated, or those of the image file if the xml states no size."""
    if root.find("size") is None:
        try:
            return image_size(image)
        except DataError:
            return None, None
    texts = root.findtext("size/width"), root.findtext("size/height")
    return _numbers(texts) or texts


def _numbers(texts: Iterable[str | None]) -> list[int | float] | None:
    """The numbers, whole ones as int; None if one of them is no finite number."""
    try:
        numbers = [float(text) for text in texts]
        return [int(number) if number == int(number) else number for number in numbers]
    except (TypeError, ValueError, OverflowError):
        return None
