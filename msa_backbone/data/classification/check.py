"""Whether every image of a class can be read, and what looks odd about the data."""

from collections import Counter

from ..check_pictures import check_pictures
from ..image_counter import Progress
from .find import ClassificationData


def check_classification_data(
    data: ClassificationData, progress: Progress | None = None, full_decode_limit: int = 5000
) -> list[str]:
    """Read all images, and return warnings; arguments and errors as `check_pictures`."""
    pictures = {
        split: [data.root / name for name, _ in data.splits.get(split, ())]
        for split in ("train", "val", "test")
    }
    warnings = check_pictures(pictures, progress, full_decode_limit)
    counts = Counter(label for _, label in data.splits["train"])
    fewest = min(counts.values())
    if max(counts.values()) > 20 * fewest:
        rarest = data.classes[min(counts, key=counts.get)]
        warnings.append(f"class {rarest} has {fewest} training images, another 20x that")
    return warnings
