"""Whether every picture that is asked or told about can be read, and what looks odd."""

from ..check_pictures import check_pictures
from ..image_counter import Progress
from .find import LanguageData


def check_language_data(
    data: LanguageData, progress: Progress | None = None, full_decode_limit: int = 5000
) -> list[str]:
    """Read all pictures, and return warnings; arguments and errors as `check_pictures`."""
    pictures = {
        split: [data.root / name for name in sorted({record.image for record in told})]
        for split, told in data.splits.items()
    }
    warnings = check_pictures(pictures, progress, full_decode_limit)
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
