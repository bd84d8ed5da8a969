"""Reading questions and answers: VQA v2's pair of jsons, or one list of both.

- VQA v2 (https://visualqa.org/vqa_v2_format.html): `questions` of {question_id, image_id, question}
  in one file, `annotations` of {question_id, answers: [{answer}], question_type, answer_type} in
  another
- a list of {image, question, answers or answer}, and perhaps question_type, answer_type,
  question_id and split; without question_id, rows of the same question are people who answered it

Where known, an annotation or a row has `boxes` around the things that its question names, a list of
[x, y, width, height] in pixels: not a part of VQA v2.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
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
    content = read_json(questions)
    records = records_of(content, "questions", questions)
    if not records:
        raise DataError(f"{questions}: holds no question; export it again")
    answered = _by_question(answers) if answers else {}
    found, without = [], []
    for place, record in enumerate(records):
        number = record.get("question_id", place)
        what = f"question {number}"
        image = field(record, IMAGE, (int, str), what, questions)
        text = field(record, ("question",), str, what, questions)
        truth = answered.get(number_key(number), {}) if answers else record
        if not same_image(record.get("image_id"), truth.get("image_id")):
            raise DataError(
                f"{questions}: {what} is about image {image}, its answer in {answers} about "
                f"{truth['image_id']}: the files are of different sets, move one away"
            )
        given = _answers(truth, what, answers or questions)
        if not given:
            without.append(f"{questions}: {what} ('{text}') has no answer" + _beside(answers))
        found.append(
            Question(
                image,
                text,
                given,
                number,
                str(truth.get("question_type") or text.split()[0].lower()),
                str(truth.get("answer_type") or ""),
                record.get("split"),
                _boxes(truth),
            )
        )
    if twice := _twice(number_key(question.number) for question in found):
        raise DataError(f"{questions}: question {twice} is there twice; remove one")
    if isinstance(content, list) and not any("question_id" in record for record in records):
        found = _joined(found)
    if without and (answers or len(without) < len(records)):
        raise DataError(f"{first_and_count(without, 'more without')}; add it or remove them")
    return found


def number_key(number: object) -> str:
    """A question's number in one form: 7, 7.0 and '7' are the same."""
    whole = isinstance(number, float) and number.is_integer()
    return str(int(number) if whole else number)


def same_image(one: int | str | None, other: int | str | None) -> bool:
    """Whether two records may be about the same image, named by number or file."""
    return one is None or other is None or _image_key(one) == _image_key(other)


def _image_key(image: int | str) -> str:
    """The number that a picture's name ends with, else its stem."""
    stem = Path(str(image)).stem
    number = re.search(r"\d+$", stem)
    return str(int(number[0])) if number else stem


def _joined(rows: list[Question]) -> list[Question]:
    """Rows of the same question about the same image as one: each person's answer has a row."""
    joined: dict[tuple, Question] = {}
    for row in rows:
        first = joined.setdefault((row.image, row.text, row.split), row)
        if first is not row:
            answers = first.answers + row.answers
            joined[row.image, row.text, row.split] = replace(first, answers=answers)
    return list(joined.values())


def _beside(answers: Path | None) -> str:
    return f" in {answers}" if answers else ""


def _by_question(path: Path) -> dict:
    annotations = records_of(read_json(path), "annotations", path)
    if twice := _twice(number_key(record.get("question_id")) for record in annotations):
        raise DataError(f"{path}: question {twice} is answered twice; remove one")
    return {number_key(record.get("question_id")): record for record in annotations}


def _answers(record: dict, what: str, path: Path) -> tuple[str, ...]:
    """What people answered, in lower case; VQA v2's have a record each."""
    if all(record.get(name) in (None, "", []) for name in ANSWERS):
        return ()
    given = field(record, ANSWERS, (list, str, int, float), what, path)
    given = given if isinstance(given, list) else [given]
    texts = [answer.get("answer") if isinstance(answer, dict) else answer for answer in given]
    if any(not isinstance(text, str | int | float) or not str(text).strip() for text in texts):
        raise DataError(f"{path}: {what} has an empty answer; remove it")
    return tuple(str(text).strip().lower() for text in texts)


def _boxes(record: dict) -> tuple[tuple[float, ...], ...]:
    """`boxes` of a record; something else of this name, not [x, y, width, height] each, is left."""
    boxes = record.get("boxes")
    fitting = isinstance(boxes, list) and all(map(_is_box, boxes))
    return tuple(map(tuple, boxes)) if fitting else ()


def _is_box(box: object) -> bool:
    numbers = isinstance(box, list) and [type(value) in (int, float) for value in box] == [True] * 4
    return numbers and all(map(math.isfinite, box)) and min(box[2:]) > 0


def _twice(values: object) -> object:
    return next((value for value, count in Counter(values).items() if count > 1), None)


def ranked(answers: Iterable[str], most: int | None = None) -> list[str]:
    """The different answers, the most frequent first, at most so many of them."""
    counts = Counter(answers)
    return sorted(counts, key=lambda answer: (-counts[answer], answer))[:most]


def most_given(question: Question) -> str:
    """The answer that most people gave, the first of several."""
    return Counter(question.answers).most_common(1)[0][0]
