"""Whether the pictures of every split can be read, and what looks odd about them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import DataError, first_and_count
from ..files.images import DARK, IMAGE_ODDITIES, file_digest, image_facts, is_dark
from .image_counter import ImageCounter, Progress
from .splits import copies_warning


class CopiesOfTrain:
    """Pictures of train that are in another split too, told by their content; train comes first.

    Attributes:
        found: paths in the other splits.
    """

    def __init__(self) -> None:
        self.found: list[Path] = []
        self._in_train: set[bytes] = set()

    def look_at(self, split: str, path: Path) -> None:
        digest = file_digest(path)
        if split == "train":
            self._in_train.add(digest)
        elif digest in self._in_train:
            self.found.append(path)


def check_pictures(
    splits: Mapping[str, Sequence[Path]], progress: Progress | None, full_decode_limit: int
) -> list[str]:
    """Read all pictures, and return warnings: dark splits, pictures of train in val or test.

    Args:
        splits: the pictures of each split, train first.
        progress: is called with what is done.
        full_decode_limit: so many pictures are decoded; of the others, see `image_facts`, only the
            ends are read.

    Raises:
        DataError: for a picture that cannot be read, with how many more there are.
    """
    counter = ImageCounter(sum(map(len, splits.values())), progress)
    errors, warnings, copies = [], [], CopiesOfTrain()
    for split, paths in splits.items():
        facts = []
        for path in paths:
            try:
                facts.append(image_facts(path, decode=counter.done < full_decode_limit))
            except DataError as error:
                errors.append(str(error))
            else:
                copies.look_at(split, path)
            counter.step()
        if is_dark(facts):
            warnings.append(f"{split}: {DARK}; {IMAGE_ODDITIES[DARK]}")
    if errors:
        raise DataError(first_and_count(errors))
    return warnings + copies_warning(copies.found)
