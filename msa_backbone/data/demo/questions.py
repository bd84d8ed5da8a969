"""The demo data in words: captions, and questions that cannot be guessed.

Of a set of questions an answer may be known without looking: if most digits are red, "which colour
is the 3?" has an answer. So the answer is drawn first, and a question that has it is looked for.
What is asked most then still has several answers: `guessable` measures the share that a guess from
the question alone gets right.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations, product
from pathlib import Path

import numpy as np

from ...files.whole_files import write_whole
from .named_scenes import CLEAR, COLOURS, SIZES, Named, NamedPainter, NamedScene
from .scenes import write_demo
from .writers import INFO, LICENSES, NAMES

FORMAT_VERSION = 2  # raise it when the same arguments come to give other files

PLACES = ("top left", "top right", "bottom left", "bottom right")
Asked = tuple[str, str, list[Named]]
"""A question, its answer, and the digits that it names."""


def make_demo_questions(
    root: str | Path, num_train: int = 8000, num_val: int = 240, image_size: int = 64, seed: int = 0
) -> Path:
    """Write the demo data in words to ``root``, unless it is there already.

    The layout is::

        root/demo.json                          the arguments the set was made with
        root/images/{train,val}/                PNG files
        root/{train,val}_questions.json         VQA v2's pair; an annotation also has `boxes`, those
        root/{train,val}_annotations.json       of the digits that the question names
        root/captions_{train,val}.json          COCO's captions

    Arguments, errors and what train and val share are those of `make_demo_data`.
    """
    arguments = {"num_train": num_train, "num_val": num_val}
    arguments |= {"image_size": image_size, "seed": seed}
    return write_demo(
        Path(root),
        {"format_version": FORMAT_VERSION, "words": True, **arguments},
        NamedPainter,
        (write_pictures, write_questions, write_captions),
    )


def ask_which(scene: NamedScene, rng: np.random.Generator) -> Asked | None:
    """The digit of a colour or size, or the colour of a digit, where only one has it."""
    chosen = scene.named[rng.integers(len(scene.named))]
    given, asked = (("colour", "digit"), ("size", "digit"), ("digit", "colour"))[rng.integers(3)]
    value = getattr(chosen, given)
    if sum(getattr(other, given) == value for other in scene.named) > 1:
        return None
    question = f"which digit is {value}?" if asked == "digit" else f"which colour is the {value}?"
    return question, getattr(chosen, asked), [chosen]


def ask_how_many(scene: NamedScene, rng: np.random.Generator) -> Asked | None:
    """How many digits have a colour or a size; each number that the scene has is as likely."""
    by_number: dict[int, list[tuple[str, list[Named]]]] = defaultdict(list)
    for field, values in (("colour", COLOURS), ("size", SIZES)):
        for value in values:
            counted = [named for named in scene.named if getattr(named, field) == value]
            by_number[len(counted)].append((value, counted))
    asked = by_number[int(rng.choice(sorted(by_number)))]
    value, counted = asked[rng.integers(len(asked))]
    return f"how many digits are {value}?", str(len(counted)), counted


def ask_yes_or_no(scene: NamedScene, rng: np.random.Generator) -> Asked | None:
    """Whether there is a digit, one of a colour, or both; no as often as yes.

    Where a digit and its colour are asked for, one of the two is there in half of the answers no.
    """
    chosen = scene.named[rng.integers(len(scene.named))]
    yes, asked = rng.random() < 0.5, ("digit", "colour", "both")[rng.integers(3)]
    changed = asked if asked != "both" else ("digit", "colour")[rng.integers(2)]
    names = {"digit": [chosen.digit], "colour": [chosen.colour]}
    if not yes:
        names[changed] = NAMES if changed == "digit" else tuple(COLOURS)

    def fitting(digit: str, colour: str) -> list[Named]:
        return [
            named
            for named in scene.named
            if (asked == "colour" or named.digit == digit)
            and (asked == "digit" or named.colour == colour)
        ]

    pairs = [pair for pair in product(*names.values()) if bool(fitting(*pair)) == yes]
    digit, colour = pairs[rng.integers(len(pairs))]
    there = fitting(digit, colour)
    name = {"digit": digit, "colour": f"{colour} digit", "both": f"{colour} {digit}"}[asked]
    return f"is there a {name}?", "yes" if yes else "no", there


def ask_where(scene: NamedScene, rng: np.random.Generator) -> Asked | None:
    """The quarter of the picture in which a digit, or the only one of its colour, clearly is."""
    chosen = scene.named[rng.integers(len(scene.named))]
    field = ("digit", "colour")[rng.integers(2)]
    value = getattr(chosen, field)
    side = scene.image.width
    x, y = (centre / side - 0.5 for centre in chosen.centre)
    unclear = min(abs(x), abs(y)) < CLEAR
    if unclear or sum(getattr(other, field) == value for other in scene.named) > 1:
        return None
    answer = PLACES[2 * (y > 0) + (x > 0)]
    if answer != rng.choice(PLACES):  # each quarter as often
        return None
    name = value if field == "digit" else f"{value} digit"
    return f"where is the {name}?", answer, [chosen]


KINDS: dict[str, Callable[[NamedScene, np.random.Generator], Asked | None]] = {
    "which": ask_which,
    "how many": ask_how_many,
    "yes/no": ask_yes_or_no,
    "where": ask_where,
}
EACH = {"which": 4, "how many": 1, "yes/no": 1, "where": 1}
"""Questions of a kind about a picture, at most: to read digits is what takes longest to learn."""

TRIES = 40


def questions_about(scene: NamedScene) -> dict[str, list[Asked]]:
    """Up to `EACH` different questions of every kind; the same scene gives the same ones."""
    rng = np.random.default_rng([scene.image_id, *scene.crop])
    found: dict[str, list[Asked]] = {}
    for kind, ask in KINDS.items():
        asked: dict[str, Asked] = {}
        for _ in range(TRIES):
            if len(asked) < EACH[kind] and (question := ask(scene, rng)):
                asked.setdefault(question[0], question)
        found[kind] = list(asked.values())
    return found


def captions_of(scene: NamedScene) -> list[str]:
    """A sentence on every two digits of which one is clearly left of the other, or above it."""
    found = []
    for one, other in combinations(scene.named, 2):
        (x1, y1), (x2, y2) = one.centre, other.centre
        across = abs(x1 - x2) > abs(y1 - y2)
        gap = abs(abs(x1 - x2) - abs(y1 - y2))
        if gap < CLEAR * scene.image.width:  # as much above it as left of it
            continue
        first, second = (one, other) if (x1 < x2 if across else y1 < y2) else (other, one)
        relation = "left of" if across else "above"
        found.append(f"a {first.words} {relation} a {second.words}")
    return found


def guessable(train: Sequence[tuple[str, str]], val: Sequence[tuple[str, str]]) -> float:
    """Share of `val` that the most frequent answer of the same question in `train` gets right.

    Args:
        train, val: questions with their answers.
    """
    counts: dict[str, Counter] = defaultdict(Counter)
    for question, answer in train:
        counts[question][answer] += 1
    guesses = {question: count.most_common(1)[0][0] for question, count in counts.items()}
    return sum(guesses.get(question) == answer for question, answer in val) / len(val)


def write_pictures(root: Path, split: str, scenes: Sequence[NamedScene]) -> None:
    """Write the images as PNG files."""
    (root / "images" / split).mkdir(parents=True)
    for scene in scenes:
        scene.image.save(root / "images" / split / f"{scene.stem}.png")


def write_questions(root: Path, split: str, scenes: Sequence[NamedScene]) -> None:
    """Write VQA v2's pair of jsons."""
    questions, annotations = [], []
    for scene in scenes:
        for kind, asked in questions_about(scene).items():
            for question, answer, named in asked:
                key = {"question_id": len(questions) + 1, "image_id": scene.image_id}
                questions.append({**key, "question": question})
                annotations.append(
                    {
                        **key,
                        "question_type": kind,
                        "answer_type": {"yes/no": kind, "how many": "number"}.get(kind, "other"),
                        "multiple_choice_answer": answer,
                        "answers": [{"answer_id": 1, "answer": answer}],
                        "boxes": [one.box for one in named],
                    }
                )
    about = {"info": INFO, "licenses": LICENSES}
    for name, rows in (("questions", questions), ("annotations", annotations)):
        write_whole(root / f"{split}_{name}.json", json.dumps({**about, name: rows}))


def write_captions(root: Path, split: str, scenes: Sequence[NamedScene]) -> None:
    """Write COCO's json of captions."""
    images, annotations = [], []
    for scene in scenes:
        width, height = scene.image.size
        name = {"id": scene.image_id, "file_name": f"{split}/{scene.stem}.png"}
        images.append({**name, "width": width, "height": height, "license": 1})
        for caption in captions_of(scene):
            number = len(annotations) + 1
            annotations.append({"id": number, "image_id": scene.image_id, "caption": caption})
    content = {"info": INFO, "licenses": LICENSES, "images": images, "annotations": annotations}
    write_whole(root / f"captions_{split}.json", json.dumps(content))
