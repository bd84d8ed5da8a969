"""Reading VOC's xml files into COCO's form.

A VOC box keeps mmdet's reading of it (corners minus one, their difference as the size), so that
results compare with mmdet's, but a fraction of a pixel, which mmdet cuts off, is kept; a
`difficult` object becomes a crowd, which training and scoring ignore.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from ...errors import DataError
from ...files.images import IMAGE_ERRORS, IMAGE_SUFFIXES, oriented_size


def read_voc(ann_file: Path | None, annotation_dir: Path, image_dir: Path) -> dict:
    """The images of a VOC list, or of all xml files if there is none, in COCO's form.

    Images and annotations have their place in the xml files as `voc_place`, and the number of the
    object there, from 0 on, as `voc_index`; what is not a number
    stays as written, for the checks to report. Raises DataError.
    """
    images, annotations, category_ids = [], [], {}
    for image_id, name in enumerate(_voc_names(ann_file, annotation_dir), start=1):
        path = annotation_dir / f"{name}.xml"
        try:
            root = ElementTree.parse(path).getroot()
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            raise DataError(f"{path}: not valid XML ({error}); export it again") from None
        file_name = _voc_file_name(image_dir, name)
        width, height = _voc_size(root, image_dir / file_name)
        images.append(
            {
                "id": image_id,
                "file_name": file_name,
                "width": width,
                "height": height,
                "voc_place": str(path),
            }
        )
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
                    "voc_place": f"{path}: object {index} [{', '.join(map(str, texts))}]",
                }
            )
    categories = [{"id": number, "name": label} for label, number in category_ids.items()]
    return {"images": images, "categories": categories, "annotations": annotations}


def _voc_names(ann_file: Path | None, annotation_dir: Path) -> list[str]:
    """The image names, without suffix."""
    if ann_file is None:
        return sorted(path.stem for path in annotation_dir.glob("*.xml"))
    lines = ann_file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    names = [line.strip() for line in lines if line.strip()]
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


def _voc_size(root: ElementTree.Element, image: Path) -> tuple:
    """Width and height as stated, or those of the image file if the xml states no size."""
    if root.find("size") is None:
        try:
            with Image.open(image) as picture:
                return oriented_size(picture)
        except IMAGE_ERRORS:
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
