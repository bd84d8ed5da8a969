"""Writing detection data as COCO."""

from dataclasses import replace
from pathlib import Path

import msgspec

from ...files.whole_files import place_file, write_whole
from ..image_counter import ImageCounter, Progress
from .coco import BY_ABSOLUTE_PATHS
from .detection_annotations import DetectionData
from .drawn_masks import draw_masks, mask_classes, masks_to_draw
from .instance_masks import require_segmentations, require_sound_mask
from .written_images import (
    existing_image,
    name_inside,
    take_name,
    without_reader_fields,
    write_class_names,
)

IMAGE_MODES = ("link", "copy", "list")


def write_coco_data(
    data: DetectionData,
    folder: Path,
    images: str = "link",
    reindex: bool = False,
    semantic: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write annotations/instances_SPLIT.json and images/SPLIT/.

    Args:
        data: splits whose images exist.
        folder: where; it has to be empty.
        images: 'link' (hard links, copies where the file system has none), 'copy', or 'list': the
            json names the images where they are, by absolute path.
        reindex: number the categories from 1 on; they keep their ids otherwise.
        semantic: also masks/SPLIT/, index PNGs drawn from the instances, and classes.txt.
        progress: called after every image and every mask.

    Raises:
        DataError: if an image is missing, two get the same name, or masks cannot be drawn.
    """
    if semantic:
        require_segmentations(data)
        for split in data.splits.values():
            masks_to_draw(split)
        classes = mask_classes(data)
        write_class_names(folder, classes)
    counter = ImageCounter((1 + semantic) * data.num_images, progress)
    for name, split in data.splits.items():
        content = _reindexed(split.content) if reindex else split.content
        records: list[dict] = []
        taken: dict[str, Path] = {}
        for image in content["images"]:
            source, inner = existing_image(split, image), name_inside(split, image)
            if images == "list":
                inner = str(source)
            else:
                take_name(taken, inner, source)
                place_file(source, folder / "images" / name / inner, images == "link")
            records.append({**without_reader_fields(image), "file_name": inner})
            counter.step()
        sizes = {image["id"]: image for image in records}
        for record in content["annotations"]:
            require_sound_mask(split, sizes[record["image_id"]], record)
        annotations = [without_reader_fields(record) for record in content["annotations"]]
        written = {**content, "images": records, "annotations": annotations}
        if images == "list":
            written["info"] = {"images": BY_ABSOLUTE_PATHS}
        path = folder / "annotations" / f"instances_{name}.json"
        write_whole(path, msgspec.json.encode(written))
        if semantic:
            drawn = replace(split, content=written)
            draw_masks(drawn, classes, folder / "masks" / name, lambda *_: counter.step())


def _reindexed(content: dict) -> dict:
    """The content with categories that count from 1 on, every other field as it is."""
    ids = {category["id"]: number for number, category in enumerate(content["categories"], 1)}
    categories = [{**c, "id": ids[c["id"]]} for c in content["categories"]]
    annotations = [{**r, "category_id": ids[r["category_id"]]} for r in content["annotations"]]
    return {**content, "categories": categories, "annotations": annotations}
