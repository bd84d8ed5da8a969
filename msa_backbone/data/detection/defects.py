"""Every kind of defect that the check of boxes knows, and what to do about it."""

from dataclasses import dataclass

from ...errors import printable
from ...files.images import IMAGE_DEFECTS, IMAGE_ODDITIES
from ..formats.instance_masks import MALFORMED, MEND
from ..found_files import NO_UTF_8, NO_UTF_8_MEND
from .boxes import BOX_FORMS

ALIKE = "classes that differ in case or spaces only"
ALL_CROWDS = (
    "every object is a crowd (iscrowd 1, VOC: difficult), which training and scoring ignore"
)
# The gravest first.
FATAL = {
    "image listed twice": "give every image one entry with an id of its own",
    "category id used twice": "give every category an id of its own",
    "annotation id used twice": "give every annotation an id of its own",
    "unknown image id": "list the image or remove the annotation",
    "unknown category id": "list the category or remove the annotation",
    NO_UTF_8: NO_UTF_8_MEND,
    "missing image": "add the file or remove its entry",
    **IMAGE_DEFECTS,
    "image size is not two positive whole numbers": "correct the annotated size",
    "image size differs": "correct the annotated size and the boxes",
    "annotated otherwise than training turns it": "store it without EXIF, turned as the boxes are",
    "box is not four finite numbers": "correct or remove it",
    "box corners are swapped": "order them left, top, right, bottom",
    "box wholly outside its image": "correct or remove it",
    "area is not positive, so training would drop the box": "set area to width x height",
    **BOX_FORMS,
    ALL_CROWDS: (
        "CVAT's brush masks are such: export polygons, or let tools/check_data.py --fix make them "
        "objects"
    ),
    "no object to train on": "add boxes of the chosen classes, a pixel or larger and no crowds",
    MALFORMED: MEND,
}
WARNINGS = {
    "box less than a pixel wide or high": "training drops it",
    "box partly outside its image": "training clips it",
    "image also in the train split": "its score tells little, keep it in one split",
    "image file under two ids": "the objects of one entry are missing in the other, join them",
    "mask without a pixel": "correct or remove it",
    "mask wholly outside its box": "one of the two is another object's, correct it",
    "split without an object": "nothing can be scored on it",
    ALIKE: "each is learned by itself; join them if one is meant",
    **IMAGE_ODDITIES,
}
OF_BOXES = {  # what says nothing more where all boxes have another form
    "no object to train on",
    *(kind for kind in FATAL | WARNINGS if kind.startswith("box ")),
}


@dataclass(frozen=True)
class Defect:
    """One case of a `kind` in FATAL or WARNINGS: in which split, in what file and record."""

    kind: str
    split: str
    place: str

    def __str__(self) -> str:
        return printable(f"{self.place}: {self.kind}; {(FATAL | WARNINGS)[self.kind]}")
