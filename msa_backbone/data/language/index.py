"""The lists of questions or captions that a training reads: one file a split."""

import json
from pathlib import Path

from ...files.whole_files import write_whole
from ..folders import require_outside
from .find import LanguageData
from .records import Captions, Question


def index_file(split: str, index_dir: Path) -> Path:
    """The list of a split in the index."""
    return index_dir / f"{split}.json"


def write_index(data: LanguageData, index_dir: Path) -> None:
    """Write the list of every split, as `read_questions` and `read_captions` read it.

    Raises DataError for a folder inside the data.
    """
    require_outside(index_dir, data.root)
    for split, records in data.splits.items():
        rows = [_row(record, number) for number, record in enumerate(records)]
        write_whole(index_file(split, index_dir), json.dumps(rows, ensure_ascii=False))


def _row(record: Question | Captions, number: int) -> dict:
    if isinstance(record, Captions):
        return {"image": record.image, "captions": record.texts}
    return {
        "question_id": number,
        "image": record.image,
        "question": record.text,
        "answers": record.answers,
        "question_type": record.question_type,
        "answer_type": record.answer_type,
        "boxes": record.boxes,
    }
