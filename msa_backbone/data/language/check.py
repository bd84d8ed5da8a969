"""Whether every picture that is asked or told about can be read, and what looks odd."""

from ...errors import DataError, first_and_count
from ...files.images import DARK, IMAGE_ODDITIES, file_digest, image_facts, is_dark
from ..image_counter import ImageCounter, Progress
from ..splits import copies_warning
from .find import LanguageData


def check_language_data(
    data: LanguageData, progress: Progress | None = None, full_decode_limit: int = 5000
) -> list[str]:
    """Read all pictures, and return warnings.

    So many pictures are decoded; of the others, see `image_facts`, only the ends are read.

    Raises:
        DataError: for a picture that cannot be read, with how many more there are.
    """
    pictures = {split: sorted({r.image for r in told}) for split, told in data.splits.items()}
    counter = ImageCounter(sum(map(len, pictures.values())), progress)
    errors, in_train, copies, warnings = [], set(), [], []
    for split, names in pictures.items():
        facts = []
        for name in names:
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
    if data.asks:
        known = set(data.answers())
        for split in ("val", "test"):
            questions = data.splits.get(split, ())
            unknown = sum(not known & set(question.answers) for question in questions)
            if unknown:
                warnings.append(
                    f"{split}: {unknown} of {len(questions)} questions have no answer that a "
                    "training question has, so no model can choose it"
                )
    return warnings
