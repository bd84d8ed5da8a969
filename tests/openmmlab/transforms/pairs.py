"""Two cameras that see the same coordinates, and data sets of such pairs."""

import json
from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH = 48, 64
BOX = (10, 8, 29, 33)  # x1, y1, x2, y2
MODALITIES = (
    {"name": "visible", "channels": 3, "mean": [9.0, 8, 7], "std": [3.0, 2, 1], "bgr_to_rgb": True},
    {"name": "infrared", "channels": 2, "mean": [5.0, 6], "std": 4.0},
)


def coordinates() -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.uint8)
    return x, y


def write_pair(root: Path, name: str = "a") -> Path:
    """visible: blue is x, green is y; infrared: both as well, in an array. Returns the former."""
    x, y = coordinates()
    for folder in ("visible", "infrared"):
        (root / folder).mkdir(exist_ok=True)
    cv2.imwrite(str(root / f"visible/{name}.png"), np.stack([x, y, x // 2 + y // 2], axis=2))
    np.save(root / f"infrared/{name}.npy", np.stack([x, y], axis=2))
    return root / f"visible/{name}.png"


def inside() -> np.ndarray:
    """The mask of the box, (H, W) bool."""
    x, y = coordinates()
    x1, y1, x2, y2 = BOX
    return (x >= x1) & (x < x2) & (y >= y1) & (y < y2)


def write_coco(root: Path, names: tuple[str, ...] = ("a",)) -> Path:
    """Pairs with the box as a box and a polygon."""
    x1, y1, x2, y2 = BOX
    box = {"category_id": 1, "iscrowd": 0, "area": (x2 - x1) * (y2 - y1)}
    box["bbox"] = [x1, y1, x2 - x1, y2 - y1]
    box["segmentation"] = [[x1, y1, x2, y1, x2, y2, x1, y2]]
    images = [
        {"id": i, "file_name": write_pair(root, name).name, "width": WIDTH, "height": HEIGHT}
        for i, name in enumerate(names)
    ]
    annotations = [{"id": i, "image_id": i, **box} for i in range(len(names))]
    categories = [{"id": 1, "name": "thing"}]
    file = root / "coco.json"
    file.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    return file


def write_index_masks(root: Path) -> None:
    """A pair with the box as class 1."""
    write_pair(root)
    (root / "masks").mkdir()
    cv2.imwrite(str(root / "masks/a.png"), inside().astype(np.uint8))
