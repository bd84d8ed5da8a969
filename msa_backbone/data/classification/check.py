"""Whether every image of a class can be read, and what looks odd about the data."""

from collections import Counter
from collections.abc import Callable

from PIL import Image

from ...errors import DataError
from ...files.images import IMAGE_ERRORS, ends_complete, file_digest
from .find import ClassificationData


def check_classification_data(
    data: ClassificationData,
    progress: Callable[[int, int], None] | None = None,
    full_decode_limit: int = 5000,
) -> list[str]:
    """Read all images; return warnings. `progress(done, total)` is called after every image.

    So many images are decoded; of the others the end of the file is read.

    Raises:
        DataError: for an image that cannot be read, with how many more there are.
    """
    total = sum(map(len, data.splits.values()))
    errors, digests, twice = [], set(), []
    done = 0
    for split in ("train", "val", "test"):
        for name, _ in data.splits.get(split, ()):
            path = data.root / name
            try:
                with Image.open(path) as picture:
                    if done < full_decode_limit or not ends_complete(path, picture.format):
                        picture.load()
                digest = file_digest(path)
                if split == "train":
                    digests.add(digest)
                elif digest in digests:
                    twice.append(path)
            except IMAGE_ERRORS as error:
                errors.append(f"{path}: unreadable image ({error}); replace or remove the file")
            done += 1
            if progress:
                progress(done, total)
    if errors:
        more = f"; {len(errors) - 1} more errors" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}")
    warnings = []
    if twice:
        warnings.append(
            f"images also in the train split: {len(twice)}, first {twice[0]}; their score tells "
            "little, keep each in one split"
        )
    counts = Counter(label for _, label in data.splits["train"])
    if max(counts.values()) > 20 * min(counts.values()):
        rarest = data.classes[min(counts, key=counts.get)]
        warnings.append(
            f"class {rarest} has {min(counts.values())} training images, another 20x that"
        )
    return warnings
