"""Small valid data folders in every format that is read, written by hand: 9 images, 2 classes.

Each function writes a folder; `FOLDERS` has them all by name, with the task that reads them.
Nothing here calls the package, so that a fault of its writers hides no fault of its readers.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 64, 48
CLASSES = ("cat", "dog")
SPLITS = {"train": range(6), "val": range(6, 9)}


def box_of(number: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of the one object of an image."""
    return 4 + 3 * number, 5 + 2 * number, 20 + number, 14 + number


def class_of(number: int) -> int:
    return number % 2


def name_of(number: int) -> str:
    return f"image_{number}"


def corners_of(number: int) -> tuple[int, int, int, int]:
    left, top, width, height = box_of(number)
    return left, top, left + width, top + height


def polygon_of(number: int) -> list[int]:
    left, top, right, bottom = corners_of(number)
    return [left, top, right, top, right, bottom, left, bottom]


def _image(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).integers(0, 200, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    left, top, right, bottom = corners_of(number)
    box = (left, top, right - 1, bottom - 1)
    ImageDraw.Draw(picture).rectangle(box, fill=(250, 40 + 90 * class_of(number), 60))
    picture.save(path)


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _coco_content(numbers: range, masks: bool) -> dict:
    def segmentation(number: int) -> object:
        if number % 3:
            return [polygon_of(number)]
        left, top, right, bottom = corners_of(number)
        mask = np.zeros((HEIGHT, WIDTH), int)
        mask[top:bottom, left:right] = 1
        edges = np.flatnonzero(np.diff(mask.flatten("F"), prepend=0, append=0))
        runs = np.diff([0, *edges, WIDTH * HEIGHT])
        return {"size": [HEIGHT, WIDTH], "counts": runs.tolist()}

    images = [
        {"id": n + 1, "file_name": f"{name_of(n)}.jpg", "width": WIDTH, "height": HEIGHT}
        for n in numbers
    ]
    annotations = [
        {
            "id": n + 1,
            "image_id": n + 1,
            "category_id": class_of(n) + 1,
            "bbox": list(box_of(n)),
            "area": box_of(n)[2] * box_of(n)[3],
            "iscrowd": 0,
            **({"segmentation": segmentation(n)} if masks else {}),
        }
        for n in numbers
    ]
    categories = [{"id": k, "name": name} for k, name in enumerate(CLASSES, 1)]
    return {"images": images, "categories": categories, "annotations": annotations}


def coco(root: Path, masks: bool = True) -> None:
    for split, numbers in SPLITS.items():
        content = _coco_content(numbers, masks)
        _text(root / "annotations" / f"instances_{split}.json", json.dumps(content))
        for n in numbers:
            _image(root / "images" / f"{name_of(n)}.jpg", n)


def roboflow_coco(root: Path) -> None:
    for split, numbers in {"train": SPLITS["train"], "valid": SPLITS["val"]}.items():
        content = _coco_content(numbers, False)
        _text(root / split / "_annotations.coco.json", json.dumps(content))
        for n in numbers:
            _image(root / split / f"{name_of(n)}.jpg", n)


def _voc_xml(number: int) -> str:
    edges = zip(("xmin", "ymin", "xmax", "ymax"), corners_of(number), strict=True)
    box = "".join(f"<{edge}>{value + 1}</{edge}>" for edge, value in edges)
    return (
        f"<annotation><filename>{name_of(number)}.jpg</filename>"
        f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
        f"<object><name>{CLASSES[class_of(number)]}</name><difficult>0</difficult>"
        f"<bndbox>{box}</bndbox></object></annotation>"
    )


def voc(root: Path) -> None:
    for split, numbers in SPLITS.items():
        lines = "".join(f"{name_of(n)}\n" for n in numbers)
        _text(root / "ImageSets" / "Main" / f"{split}.txt", lines)
        for n in numbers:
            _image(root / "JPEGImages" / f"{name_of(n)}.jpg", n)
            _text(root / "Annotations" / f"{name_of(n)}.xml", _voc_xml(n))


def roboflow_voc(root: Path) -> None:
    for split, numbers in {"train": SPLITS["train"], "valid": SPLITS["val"]}.items():
        for n in numbers:
            _image(root / split / f"{name_of(n)}.jpg", n)
            _text(root / split / f"{name_of(n)}.xml", _voc_xml(n))


def _yolo(root: Path, shape: Callable[[int], list[float]]) -> None:
    names = "".join(f"  {k}: {name}\n" for k, name in enumerate(CLASSES))
    _text(root / "data.yaml", f"path: .\ntrain: images/train\nval: images/val\nnames:\n{names}")
    for split, numbers in SPLITS.items():
        for n in numbers:
            _image(root / "images" / split / f"{name_of(n)}.jpg", n)
            numbers_in_line = " ".join(f"{value:.6f}" for value in shape(n))
            label = root / "labels" / split / f"{name_of(n)}.txt"
            _text(label, f"{class_of(n)} {numbers_in_line}\n")


def yolo(root: Path) -> None:
    def shape(number: int) -> list[float]:
        left, top, width, height = box_of(number)
        centre = (left + width / 2) / WIDTH, (top + height / 2) / HEIGHT
        return [*centre, width / WIDTH, height / HEIGHT]

    _yolo(root, shape)


def yolo_segments(root: Path) -> None:
    def shape(number: int) -> list[float]:
        sides = (WIDTH, HEIGHT) * 4
        return [v / side for v, side in zip(polygon_of(number), sides, strict=True)]

    _yolo(root, shape)


def yolo_lists(root: Path) -> None:
    """A list of the classes, and one of every split's images."""
    yolo(root)
    (root / "data.yaml").unlink()
    _text(root / "classes.txt", "".join(f"{name}\n" for name in CLASSES))
    for kind, suffix in (("images", "jpg"), ("labels", "txt")):
        for split, numbers in SPLITS.items():
            for n in numbers:
                path = root / kind / split / f"{name_of(n)}.{suffix}"
                path.rename(root / kind / path.name)
            (root / kind / split).rmdir()
    for split, numbers in SPLITS.items():
        _text(root / f"{split}.txt", "".join(f"./images/{name_of(n)}.jpg\n" for n in numbers))


def cvat(root: Path) -> None:
    items = []
    for split, numbers in SPLITS.items():
        for n in numbers:
            _image(root / "images" / f"{name_of(n)}.jpg", n)
            corners = zip(("xtl", "ytl", "xbr", "ybr"), corners_of(n), strict=True)
            edges = " ".join(f'{name}="{value}.0"' for name, value in corners)
            items.append(
                f'<image id="{n}" name="{name_of(n)}.jpg" subset="{split}" width="{WIDTH}" '
                f'height="{HEIGHT}"><box label="{CLASSES[class_of(n)]}" {edges}/></image>'
            )
    text = "\n".join(["<annotations><version>1.1</version>", *items, "</annotations>"])
    _text(root / "annotations.xml", text)


def label_studio(root: Path) -> None:
    tasks = []
    for n in range(9):
        _image(root / "images" / f"90fb0d1c-{name_of(n)}.jpg", n)
        left, top, width, height = box_of(n)
        value = {
            "x": 100 * left / WIDTH,
            "y": 100 * top / HEIGHT,
            "width": 100 * width / WIDTH,
            "height": 100 * height / HEIGHT,
            "rotation": 0,
            "rectanglelabels": [CLASSES[class_of(n)]],
        }
        results = [{"type": "rectanglelabels", "value": value}]
        image = f"/data/upload/1/90fb0d1c-{name_of(n)}.jpg"
        annotations = [{"id": n, "was_cancelled": False, "result": results}]
        tasks.append({"id": n, "data": {"image": image}, "annotations": annotations})
    _text(root / "project-1.json", json.dumps(tasks))


def labelme(root: Path) -> None:
    for split, numbers in SPLITS.items():
        for n in numbers:
            _image(root / split / f"{name_of(n)}.jpg", n)
            left, top, right, bottom = corners_of(n)
            shape = {
                "label": CLASSES[class_of(n)],
                "points": [[left, top], [right, bottom]],
                "shape_type": "rectangle",
                "group_id": None,
                "flags": {},
            }
            content = {
                "version": "5.0.1",
                "flags": {},
                "shapes": [shape],
                "imagePath": f"{name_of(n)}.jpg",
                "imageData": None,
                "imageHeight": HEIGHT,
                "imageWidth": WIDTH,
            }
            _text(root / split / f"{name_of(n)}.json", json.dumps(content))


def csv_boxes(root: Path) -> None:
    for split, numbers in SPLITS.items():
        path = root / split / "_annotations.csv"
        path.parent.mkdir(parents=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
            )
            for n in numbers:
                _image(root / split / f"{name_of(n)}.jpg", n)
                label = CLASSES[class_of(n)]
                writer.writerow([f"{name_of(n)}.jpg", WIDTH, HEIGHT, label, *corners_of(n)])


def csv_splits(root: Path) -> None:
    """One table, whose column says which split a row is of."""
    lines = ["filename,class,xmin,ymin,xmax,ymax,split"]
    for split, numbers in SPLITS.items():
        for n in numbers:
            _image(root / "images" / f"{name_of(n)}.jpg", n)
            edges = ",".join(map(str, corners_of(n)))
            lines.append(f"images/{name_of(n)}.jpg,{CLASSES[class_of(n)]},{edges},{split}")
    _text(root / "boxes.csv", "\n".join(lines))


def _mask(number: int) -> np.ndarray:
    """0 is background, then the classes."""
    left, top, right, bottom = corners_of(number)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = 1 + class_of(number)
    return mask


def _save_mask(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def masks(root: Path) -> None:
    _text(root / "classes.txt", "".join(f"{name}\n" for name in ("background", *CLASSES)))
    for split, numbers in SPLITS.items():
        for n in numbers:
            _image(root / "images" / split / f"{name_of(n)}.jpg", n)
            _save_mask(root / "masks" / split / f"{name_of(n)}.png", _mask(n))


def voc_masks(root: Path) -> None:
    _text(root / "classes.txt", "".join(f"{name}\n" for name in ("background", *CLASSES)))
    for split, numbers in SPLITS.items():
        lines = "".join(f"{name_of(n)}\n" for n in numbers)
        _text(root / "ImageSets" / "Segmentation" / f"{split}.txt", lines)
        for n in numbers:
            _image(root / "JPEGImages" / f"{name_of(n)}.jpg", n)
            _save_mask(root / "SegmentationClass" / f"{name_of(n)}.png", _mask(n))


def mask_lists(root: Path) -> None:
    """The folders of `masks` without those of the splits, which lists name."""
    _text(root / "classes.txt", "".join(f"{name}\n" for name in ("background", *CLASSES)))
    for split, numbers in SPLITS.items():
        _text(root / f"{split}.txt", "".join(f"{name_of(n)}\n" for n in numbers))
        for n in numbers:
            _image(root / "images" / f"{name_of(n)}.jpg", n)
            _save_mask(root / "masks" / f"{name_of(n)}.png", _mask(n))


def colour_masks(root: Path) -> None:
    """CVAT's: the masks are pictures in colours, which labelmap.txt names."""
    colours = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0)], np.uint8)
    named = zip(("background", *CLASSES), colours.tolist(), strict=True)
    lines = "".join(f"{name}:{','.join(map(str, colour))}::\n" for name, colour in named)
    _text(root / "labelmap.txt", f"# label:color_rgb:parts:actions\n{lines}")
    for split, numbers in SPLITS.items():
        names = "".join(f"{name_of(n)}\n" for n in numbers)
        _text(root / "ImageSets" / "Segmentation" / f"{split}.txt", names)
        for n in numbers:
            _image(root / "JPEGImages" / f"{name_of(n)}.jpg", n)
            _save_mask(root / "SegmentationClass" / f"{name_of(n)}.png", colours[_mask(n)])


def class_folders(root: Path) -> None:
    for split, numbers in SPLITS.items():
        for n in numbers:
            _image(root / split / CLASSES[class_of(n)] / f"{name_of(n)}.jpg", n)


FOLDERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "coco": ("detection", coco),
    "roboflow_coco": ("detection", roboflow_coco),
    "voc": ("detection", voc),
    "roboflow_voc": ("detection", roboflow_voc),
    "yolo": ("detection", yolo),
    "yolo_segments": ("detection", yolo_segments),
    "yolo_lists": ("detection", yolo_lists),
    "cvat": ("detection", cvat),
    "labelme": ("detection", labelme),
    "label_studio": ("detection", label_studio),
    "csv": ("detection", csv_boxes),
    "csv_splits": ("detection", csv_splits),
    "coco_instances": ("segmentation", coco),
    "yolo_instances": ("segmentation", yolo_segments),
    "masks": ("segmentation", masks),
    "mask_lists": ("segmentation", mask_lists),
    "voc_masks": ("segmentation", voc_masks),
    "colour_masks": ("segmentation", colour_masks),
    "class_folders": ("classification", class_folders),
}
"""By name: the task that reads the folder, and what writes it."""
