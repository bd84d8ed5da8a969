"""What is wrong with a box, and with all boxes of a file together.

A single box in another form than left, top, width and height in pixels looks like any bad box. That
a file has another form shows only in all of its boxes, and no repair of single boxes is right then.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from ..formats.instance_masks import is_finite

BOX_FORMS = {
    "boxes look like fractions of the image, as all lie within 0..1": (
        "multiply left and width by the image's width, top and height by its height"
    ),
    "boxes look like corners [x1, y1, x2, y2], as most leave their image otherwise": (
        "write them as [x1, y1, x2 - x1, y2 - y1]"
    ),
    "boxes look like corners x1 y1 x2 y2, as most leave their image as centre and size": (
        "write them as (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1"
    ),
}
FRACTIONS, CORNERS, YOLO_CORNERS = BOX_FORMS


def box_defect(box: object, area: object, image_width: float, image_height: float) -> str | None:
    """The gravest defect of a box, given as left, top, width and height."""
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_finite, box)):
        return "box is not four finite numbers"
    left, top, width, height = box
    right, bottom = left + width, top + height
    if min(width, height) < 0:
        return "box corners are swapped"
    if not is_finite(area):
        return "area is not positive, so training would drop the box"
    if min(width, height) < 1:
        return "box less than a pixel wide or high"
    if right <= 0 or bottom <= 0 or left >= image_width or top >= image_height:
        return "box wholly outside its image"
    if area <= 0:
        return "area is not positive, so training would drop the box"
    if min(left, top) < -1 or right > image_width + 1 or bottom > image_height + 1:
        return "box partly outside its image"
    return None


def box_form(
    records: Sequence[dict],
    sizes: Mapping[object, tuple[float, float]],
    defects: Sequence[tuple[str, object]],
) -> str | None:
    """The key of `BOX_FORMS` that a split's boxes fit, if they are no boxes in pixels.

    Args:
        records: the annotations.
        sizes: width and height of every image id.
        defects: the kind and the place of the defects that the boxes have as they are.
    """
    counts = Counter(kind for kind, _ in defects)
    outside = counts["box partly outside its image"] + counts["box wholly outside its image"]
    if max(counts["box less than a pixel wide or high"], outside) * 2 <= len(records):
        return None
    known = []
    for record in records:
        box, image = record["bbox"], record["image_id"]
        if isinstance(box, list) and len(box) == 4 and all(map(is_finite, box)) and image in sizes:
            first = int("voc_index" in record)  # VOC counts pixels from 1
            known.append((box[0] + first, box[1] + first, *box[2:], *sizes[image]))
    if outside * 2 <= len(records):
        fits = (
            min(left, top, width, height) >= 0 and left + width <= 1.01 and top + height <= 1.01
            for left, top, width, height, *_ in known
        )
        sized = any(box[2] > 0 and box[3] > 0 for box in known)
        return FRACTIONS if sized and all(fits) else None
    if len(known) < 2:
        return None
    if all(map(_are_corners, known)):
        return CORNERS
    centres = ((x + w / 2, y + h / 2, w, h, *size) for x, y, w, h, *size in known)
    return YOLO_CORNERS if all(map(_are_corners, centres)) else None


def _are_corners(box: Sequence[float]) -> bool:
    """Whether left, top, right, bottom, and the image's width and height, are in this order."""
    left, top, right, bottom, width, height = box
    return 0 <= left < right <= width + 1 and 0 <= top < bottom <= height + 1
