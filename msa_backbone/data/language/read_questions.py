"""Reading questions and answers: VQA v2's pair of jsons, or one list of both.

- VQA v2 (https://visualqa.org/vqa_v2_format.html): `questions` of {question_id, image_id, question}
  in one file, `annotations` of {question_id, answers: [{answer}], question_type, answer_type} in
  another
- a list of {image, question, answers or answer}, and perhaps question_type, answer_type,
  question_id and split
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
            )
        )
    if twice := _twice(question.number for question in found):
        raise DataError(f"{questions}: question {twice} is there twice; remove one")
    if without and (answers or len(without) < len(found)):
        raise DataError(f"{first_and_count(without, 'more without')}; add it or remove them")
    return found


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


def _twice(values: object) -> object:
    return next((value for value, count in Counter(values).items() if count > 1), None)


def ranked(answers: Iterable[str], most: int | None = None) -> list[str]:
    """The different answers, the most frequent first, at most so many of them."""
    counts = Counter(answers)
    return sorted(counts, key=lambda answer: (-counts[answer], answer))[:most]


def most_given(question: Question) -> str:
    """The answer that most people gave, the first of several."""
    return Counter(question.answers).most_common(1)[0][0]
