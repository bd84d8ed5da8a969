"""Whether every image of a class can be read, and what looks odd about the data."""

from collections import Counter

from ...errors import DataError, first_and_count
from ...files.images import DARK, IMAGE_ODDITIES, file_digest, image_facts, is_dark
from ..image_counter import ImageCounter, Progress
from ..splits import copies_warning
from .find import ClassificationData


def check_classification_data(
    data: ClassificationData, progress: Progress | None = None, full_decode_limit: int = 5000
) -> list[str]:
    """Read all images, and return warnings.

    So many images are decoded; of the others, see `image_facts`, only the ends are read.

    Raises:
        DataError: for an image that cannot be read, with how many more there are.
    """
    counter = ImageCounter(sum(map(len, data.splits.values())), progress)
    errors, in_train, copies, warnings = [], set(), [], []
    for split in ("train", "val", "test"):
        facts = []
        for name, _ in data.splits.get(split, ()):
            path = data.root / name
            try:
                facts.append(image_facts(path, decode=counter.done < full_decode_limit))
            except DataError as error:
                errors.append(str(error))
            else:
                digest = file_digest(path)
                if split == "train":
                    in_train.add(digest)
                elif digest in in_train:
                    copies.append(path)
            counter.step()
        if is_dark(facts):
            warnings.append(f"{split}: {DARK}; {IMAGE_ODDITIES[DARK]}")
    if errors:
        raise DataError(first_and_count(errors))
    warnings += copies_warning(copies)
    counts = Counter(label for _, label in data.splits["train"])
    fewest = min(counts.values())
    if max(counts.values()) > 20 * fewest:
        rarest = data.classes[min(counts, key=counts.get)]
        warnings.append(f"class {rarest} has {fewest} training images, another 20x that")
    return warnings
