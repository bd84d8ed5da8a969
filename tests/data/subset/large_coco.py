"""Write an instances json of any size, with polygons, for measuring at full COCO scale.

python tests/data/large_coco.py OUT.json     COCO train2017's size, about 450 MB
"""

import argparse
from pathlib import Path

import numpy as np

COCO_IMAGES, COCO_ANNOTATIONS, COCO_CLASSES = 118_287, 860_001, 80


def write_large_coco(path: Path, images: int, annotations: int, seed: int = 0) -> None:
    """Classes of very different frequency, COCO's shares of sizes, a tenth of the images empty."""
    generator = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, COCO_CLASSES + 1)
    classes = generator.choice(COCO_CLASSES, annotations, p=frequency / frequency.sum())
    holders = generator.integers(0, max(1, images * 9 // 10), annotations)
    sides = np.exp(generator.normal(4.1, 1.0, annotations)).clip(4, 400)
    corners = generator.uniform(0, 1, (annotations, 2)) * (np.array([[640, 480]]) - sides[:, None])
    corners = corners.clip(0)
    points = generator.poisson(24, annotations).clip(3)
    with path.open("w") as file:
        file.write('{"info": {"description": "generated"}, "licenses": [], "images": [')
        for number in range(images):
            file.write(
                f'{", " if number else ""}{{"license": 1, "file_name": "{number:012}.jpg", '
                f'"height": 480, "width": 640, "date_captured": "2013-11-14", "id": {number}}}'
            )
        file.write('], "categories": [')
        names = (
            f'{{"supercategory": "thing", "id": {number}, "name": "class {number}"}}'
            for number in range(1, COCO_CLASSES + 1)
        )
        file.write(", ".join(names) + '], "annotations": [')
        for number in range(annotations):
            left, top, side = *corners[number], sides[number]
            polygon = generator.uniform(0, side, (points[number], 2)) + corners[number]
            text = ", ".join([f"{value:.2f}" for value in polygon.ravel().tolist()])
            file.write(
                f'{", " if number else ""}{{"segmentation": [[{text}]], "area": {side**2 / 2:.4f}, '
                f'"iscrowd": 0, "image_id": {holders[number]}, "bbox": [{left:.2f}, {top:.2f}, '
                f'{side:.2f}, {side:.2f}], "category_id": {classes[number] + 1}, '
                f'"id": {number + 1}}}'
            )
        file.write("]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=COCO_IMAGES)
    parser.add_argument("--annotations", type=int, default=COCO_ANNOTATIONS)
    args = parser.parse_args()
    write_large_coco(args.out, args.images, args.annotations)
