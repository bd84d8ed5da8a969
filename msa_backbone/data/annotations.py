"""Reading annotation files: COCO jsons, and VOC xml files into the same form.

Everything behind this file sees one form, COCO's: images, categories and annotations with boxes as
left, top, width and height in pixels. A VOC box keeps mmdet's reading of it (corners minus one,
their difference as the size), so that results compare with mmdet's, but a fraction of a pixel,
which mmdet cuts off, is kept; a `difficult` object becomes a crowd, which training and scoring
ignore. The `segmentation` of a record stays the JSON that it was until `segmentation_of` decodes
it: nine tenths of a large file are never needed as objects.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import msgspec
from PIL import Image

_COCO_FIELDS = {  # what loading and scoring read of every record
    "images": ("id", "file_name", "width", "height"),
    "categories": ("id", "name"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area", "iscrowd"),
}
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_EXIF_ORIENTATION = 0x0112
IMAGE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


class DataError(ValueError):
    """A defect of the user's data; the message is one line: what, which file, how to mend it."""


def read_coco(path: Path) -> dict:
    """The content of a COCO json, sure to hold the records' fields; raises DataError."""
    text = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        content = _decode_coco(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error}); export it again") from None
    for key, fields in _COCO_FIELDS.items():
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DataError(f"{path}: has no list {key!r}; export it as COCO detection data")
        for index, record in enumerate(content[key]):
            for field in fields:
                if not isinstance(record, dict) or record.get(field) is None:
                    raise DataError(f"{path}: {key}[{index}] has no {field!r}; add it")
                if field.endswith("id") and not isinstance(record[field], int | float | str):
                    raise DataError(f"{path}: {key}[{index}]: {field!r} is no number or text")
    for index, record in enumerate(content["annotations"]):
        if record["iscrowd"] not in (0, 1):
            raise DataError(f"{path}: annotations[{index}]: 'iscrowd' is not 0 or 1; correct it")
    for index, image in enumerate(content["images"]):
        if not isinstance(image["file_name"], str):
            raise DataError(f"{path}: images[{index}]: 'file_name' is no text; correct it")
        for side in ("width", "height"):
            if isinstance(image[side], float) and image[side].is_integer():
                image[side] = int(image[side])
    return content


def _decode_coco(text: bytes) -> object:
    """The parsed JSON, but for the segmentations."""
    try:
        content = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        records = msgspec.json.decode(content.pop("annotations"), type=list[dict[str, msgspec.Raw]])
    except (msgspec.DecodeError, KeyError):
        return json.loads(text)  # NaN, which Python's json knows, and files for the user to mend
    decode = msgspec.json.Decoder().decode
    for record in records:
        for key, value in record.items():
            if key != "segmentation":
                record[key] = decode(value)
    return {key: decode(value) for key, value in content.items()} | {"annotations": records}


def segmentation_of(record: dict) -> object:
    """An annotation's polygons or run-length code; None where it has none."""
    segmentation = record.get("segmentation")
    if isinstance(segmentation, msgspec.Raw):
        return msgspec.json.decode(segmentation)
    return segmentation


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


def with_categories(content: dict, names: tuple[str, ...]) -> dict:
    """The content with the categories `names`, numbered from 1, and their annotations only."""
    ids = {name: number for number, name in enumerate(names, start=1)}
    new_ids = {category["id"]: ids.get(category["name"]) for category in content["categories"]}
    return {
        "images": content["images"],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [
            {**record, "category_id": new_id}
            for record in content["annotations"]
            if (new_id := new_ids[record["category_id"]])
        ],
    }


def oriented_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height as training reads them: turned by EXIF."""
    exif = picture.getexif() if picture.format in ("JPEG", "MPO", "PNG") else {}
    width, height = picture.size
    return (height, width) if exif.get(_EXIF_ORIENTATION, 1) > 4 else (width, height)


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
