"""Reading questions and answers: VQA v2's pair of jsons, or one list of both.

- VQA v2 (https://visualqa.org/vqa_v2_format.html): `questions` of {question_id, image_id, question}
  in one file, `annotations` of {question_id, answers: [{answer}], question_type, answer_type} in
  another
- a list of {image, question, answers or answer}, and perhaps question_type, answer_type,
  question_id and split

Where known, an annotation or a row has `boxes` around the things that its question names, a list of
[x, y, width, height] in pixels: not a part of VQA v2.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ...errors import DataError, first_and_count
from .records import Question, field, read_json, records_of

IMAGE = ("image", "image_id", "img_path", "file_name")
ANSWERS = ("answers", "multiple_choice_answer", "answer")


def read_questions(questions: Path, answers: Path | None = None) -> list[Question]:
    """The questions of a file, with the answers of another.

    Args:
        questions: VQA v2's questions, or a list of both.
        answers: VQA v2's annotations.

    Raises:
        DataError: for a question that is there twice, or has no answer though others have.
    """
    records = records_of(read_json(questions), "questions", questions)
    if not records:
        raise DataError(f"{questions}: holds no question; export it again")
    answered = _by_question(answers) if answers else {}
    found, without = [], []
    for place, record in enumerate(records):
        number = record.get("question_id", place)
        what = f"question {number}"
        text = field(record, ("question",), str, what, questions)
        truth = answered.get(number, {}) if answers else record
        given = _answers(truth, what, answers or questions)
        if not given:
            without.append(f"{questions}: {what} ('{text}') has no answer" + _beside(answers))
        found.append(
            Question(
                field(record, IMAGE, (int, str), what, questions),
                text,
                given,
                number,
                str(truth.get("question_type") or text.split()[0].lower()),
                str(truth.get("answer_type") or ""),
                record.get("split"),
                _boxes(truth, what, answers or questions),
            )
        )
    if twice := _twice(question.number for question in found):
        raise DataError(f"{questions}: question {twice} is there twice; remove one")
    if not any("question_id" in record for record in records):
        _refuse_equal_rows(found, questions)
    if without and (answers or len(without) < len(found)):
        raise DataError(f"{first_and_count(without, 'more without')}; add it or remove them")
    return found


def _refuse_equal_rows(found: list[Question], path: Path) -> None:
    """Rows without numbers that say the same.

    Raises:
        DataError: naming the first such question.
    """
    if twice := _twice((question.image, question.text, question.answers) for question in found):
        image, text, _ = twice
        raise DataError(
            f"{path}: '{text}' about image {image} is there twice with the same answer; remove "
            "one, or list what several people said as 'answers'"
        )


def _beside(answers: Path | None) -> str:
    return f" in {answers}" if answers else ""


def _by_question(path: Path) -> dict:
    annotations = records_of(read_json(path), "annotations", path)
    if twice := _twice(record.get("question_id") for record in annotations):
        raise DataError(f"{path}: question {twice} is answered twice; remove one")
    return {record.get("question_id"): record for record in annotations}


def _answers(record: dict, what: str, path: Path) -> tuple[str, ...]:
    """What people answered, in lower case; VQA v2's have a record each."""
    if not any(record.get(name) for name in ANSWERS):
        return ()
    given = field(record, ANSWERS, (list, str, int, float), what, path)
    given = given if isinstance(given, list) else [given]
    texts = [answer.get("answer") if isinstance(answer, dict) else answer for answer in given]
    if any(not isinstance(text, str | int | float) or not str(text).strip() for text in texts):
        raise DataError(f"{path}: {what} has an empty answer; remove it")
    return tuple(str(text).strip().lower() for text in texts)


def _boxes(record: dict, what: str, path: Path) -> tuple[tuple[float, ...], ...]:
    """`boxes` of a record, a list of [x, y, width, height] that need not be there."""
    boxes = record.get("boxes") or []
    numbers = isinstance(boxes, list) and all(
        isinstance(box, list)
        and len(box) == 4
        and all(isinstance(value, int | float) for value in box)
        and min(box[2:]) > 0
        for box in boxes
    )
    if not numbers:
        raise DataError(f"{path}: {what} has boxes={boxes!r}; give a list of [x, y, width, height]")
    return tuple(tuple(box) for box in boxes)


def _twice(values: object) -> object:
    return next((value for value, count in Counter(values).items() if count > 1), None)


def ranked(answers: Iterable[str], most: int | None = None) -> list[str]:
    """The different answers, the most frequent first, at most so many of them."""
    counts = Counter(answers)
    return sorted(counts, key=lambda answer: (-counts[answer], answer))[:most]


def most_given(question: Question) -> str:
    """The answer that most people gave, the first of several."""
    return Counter(question.answers).most_common(1)[0][0]
