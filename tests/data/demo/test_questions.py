"""The demo in words: true answers and captions, boxes that fit, and little that can be guessed."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from PIL import Image

from msa_backbone.data.demo.named_scenes import CLEAR, COLOURS, NamedPainter
from msa_backbone.data.demo.questions import (
    EACH,
    KINDS,
    PLACES,
    captions_of,
    guessable,
    make_demo_questions,
    questions_about,
)
from msa_backbone.data.language.read_captions import read_captions
from msa_backbone.data.language.read_questions import read_questions

SIDE = 64


@pytest.fixture(scope="module")
def scenes() -> list:
    painter = NamedPainter(SIDE, seed=1)
    return [painter.paint("train", number) for number in range(1, 301)]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return make_demo_questions(tmp_path_factory.mktemp("demo") / "data", 60, 20)


def test_digits_are_what_they_are_called(scenes):
    for scene in scenes:
        assert 1 <= len(scene.named) == len(scene.digits) <= 3
        assert len({(named.digit, named.colour) for named in scene.named}) == len(scene.named)
        pixels = np.asarray(scene.image).astype(int)
        for place, (named, digit) in enumerate(zip(scene.named, scene.digits, strict=True), 1):
            assert named.digit == str(digit.label) and named.box == digit.box
            assert (max(named.box[2:]) > 0.3 * SIDE) == (named.size == "large")
            painted = np.median(pixels[scene.owner == place], axis=0)
            nearest = min(COLOURS, key=lambda name: abs(painted - COLOURS[name]).sum())
            assert nearest == named.colour
    assert {len(scene.named) for scene in scenes} == {1, 2, 3}
    assert {named.colour for scene in scenes for named in scene.named} == set(COLOURS)


def truth(question: str, named: list) -> tuple[str, list]:
    """The answer, and the digits that the question names, by another way than the generator's."""
    words = re.findall(r"\w+", question)
    if question.startswith("how many"):
        found = [one for one in named if words[-1] in one.words.split()]
        return str(len(found)), found
    if question.startswith("is there"):
        asked = {*words} - {"is", "there", "a", "digit"}
        found = [one for one in named if asked <= {*one.words.split()}]
        return "yes" if found else "no", found
    key = words[3] if question.startswith("where") else words[-1]
    (one,) = [one for one in named if key in one.words.split()]
    if question.startswith("which"):
        return (one.digit if words[1] == "digit" else one.colour), [one]
    x, y, width, height = one.box
    vertical = "top" if y + height / 2 < SIDE / 2 else "bottom"
    return f"{vertical} {'left' if x + width / 2 < SIDE / 2 else 'right'}", [one]


def test_every_answer_is_true(scenes):
    kinds = Counter()
    for scene in scenes:
        for kind, asked in questions_about(scene).items():
            assert len({question for question, _, _ in asked}) == len(asked) <= EACH[kind]
            for question, answer, named in asked:
                assert truth(question, scene.named) == (answer, named), question
                kinds[kind] += 1
                if kind == "where":
                    assert answer in PLACES
                    centre = (coordinate - SIDE / 2 for coordinate in named[0].centre)
                    assert min(map(abs, centre)) >= CLEAR * SIDE
        assert questions_about(scene) == questions_about(scene)
    assert set(kinds) == set(KINDS) and min(kinds.values()) > 200


def test_every_caption_is_true(scenes):
    said = 0
    for scene in scenes:
        by_words = {named.words: named for named in scene.named}
        captions = captions_of(scene)
        assert len(set(captions)) == len(captions) <= 3
        for caption in captions:
            first, relation, second = re.fullmatch(
                r"a (\w+ \w+ \d) (left of|above) a (\w+ \w+ \d)", caption
            ).groups()
            (x1, y1), (x2, y2) = by_words[first].centre, by_words[second].centre
            clear = (x2 - x1) - abs(y2 - y1) if relation == "left of" else (y2 - y1) - abs(x2 - x1)
            assert clear >= CLEAR * SIDE
            said += 1
    assert said > 0.9 * len(scenes)  # a third of them has one digit, and no caption


def test_a_guess_from_the_question_alone_is_weak(scenes):
    """By the most frequent answer to the same question, of the very pictures it is tested on."""
    rows = {
        kind: [asked[:2] for scene in scenes for asked in questions_about(scene)[kind]]
        for kind in KINDS
    }
    guesses = {kind: guessable(asked, asked) for kind, asked in rows.items()}
    limits = {"which": 0.3, "how many": 0.6, "yes/no": 0.7, "where": 0.5}
    assert all(guesses[kind] < limit for kind, limit in limits.items()), guesses
    half = [(asked[::2], asked[1::2]) for asked in rows.values()]
    train, val = (sum((part[i] for part in half), start=[]) for i in (0, 1))  # noqa: RUF017
    assert guessable(train, val) < 0.33, guessable(train, val)
    yes = Counter(answer for _, answer in rows["yes/no"])
    assert 0.45 < yes["yes"] / yes.total() < 0.55


def test_a_guess_is_the_most_frequent_answer():
    train = [("a", "1"), ("a", "2"), ("a", "2"), ("b", "1")]
    assert guessable(train, [("a", "2"), ("a", "1"), ("b", "1"), ("c", "1")]) == 0.5


def test_files_are_read_as_vqa_v2_and_coco(root):
    names = [*(f"{s}_{n}.json" for s in ("train", "val") for n in ("questions", "annotations")),
             "captions_train.json", "captions_val.json", "demo.json"]  # fmt: skip
    assert {path.name for path in root.iterdir()} == {*names, "images"}
    for split, count in (("train", 60), ("val", 20)):
        files = [root / f"{split}_{name}.json" for name in ("questions", "annotations")]
        questions = read_questions(*files)
        assert {question.question_type for question in questions} == set(KINDS)
        assert len({question.image for question in questions}) == count
        pictures = sorted((root / "images" / split).iterdir())
        assert len(pictures) == count and Image.open(pictures[0]).size == (SIDE, SIDE)
        assert {question.image for question in questions} == {int(p.stem) for p in pictures}
        for captions in read_captions(root / f"captions_{split}.json"):
            assert (root / "images" / captions.image).is_file()
        for annotation in json.loads(files[1].read_text())["annotations"]:
            counted = annotation["question_type"] in ("how many", "yes/no")
            nothing = counted and annotation["multiple_choice_answer"] in ("no", "0")
            assert bool(annotation["boxes"]) != nothing
            for x, y, width, height in annotation["boxes"]:
                assert 0 <= x < x + width <= SIDE and 0 <= y < y + height <= SIDE


def test_the_same_arguments_give_the_same_files(root, tmp_path):
    again = make_demo_questions(tmp_path / "again", 60, 20)
    files = sorted(path.relative_to(root) for path in root.rglob("*.*") if path.is_file())
    assert all((again / name).read_bytes() == (root / name).read_bytes() for name in files)
    assert make_demo_questions(root, 60, 20) == root
    with pytest.raises(FileExistsError):
        make_demo_questions(root, 61, 20)
