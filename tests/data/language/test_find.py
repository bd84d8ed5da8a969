"""Folders with questions or captions, however their files are called."""

import json
from pathlib import Path

import pytest
from PIL import Image

from msa_backbone.data.language.check import check_language_data
from msa_backbone.data.language.easyvqa import convert_easyvqa
from msa_backbone.data.language.find import find_captions, find_questions
from msa_backbone.data.language.index import index_file, write_index
from msa_backbone.data.language.read_captions import read_captions
from msa_backbone.data.language.read_questions import read_questions
from msa_backbone.errors import DataError


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def pair(root: Path, questions: str, answers: str | None, images: range, first: int = 0) -> None:
    """Two questions about every image, answered 'yes' and 'no'; the images lie beside."""
    asked = [
        {"question_id": first + 2 * image + k, "image_id": image, "question": f"is it {k}?"}
        for image in images
        for k in (0, 1)
    ]
    write(root / questions, {"questions": asked})
    if answers:
        rows = [
            {
                "question_id": row["question_id"],
                "answers": [{"answer": ("yes", "no")[n % 2]}],
                "boxes": [[1, 2, 3, 4]],
            }
            for n, row in enumerate(asked)
        ]
        write(root / answers, {"annotations": rows})


def pictures(root: Path, images: range, name: str = "{:012d}.jpg") -> None:
    root.mkdir(parents=True, exist_ok=True)
    for image in images:
        Image.new("RGB", (8, 8), (image % 256, 40, image // 256)).save(root / name.format(image))


def counts(data) -> dict[str, int]:
    return {split: len(records) for split, records in data.splits.items()}


def test_vqa_v2_as_it_is_downloaded(tmp_path):
    for split, images in (("train", range(1, 9)), ("val", range(11, 14)), ("test", range(21, 23))):
        name = f"v2_OpenEnded_mscoco_{split}2014_questions.json"
        answers = None if split == "test" else f"v2_mscoco_{split}2014_annotations.json"
        pair(tmp_path, name, answers, images)
        pictures(tmp_path / f"{split}2014", images, f"COCO_{split}2014_" + "{:012d}.jpg")
    write(tmp_path / "instances_train2014.json", {"images": [], "annotations": [{"id": 1}]})
    data = find_questions(tmp_path)
    assert counts(data) == {"train": 16, "val": 6}
    assert data.splits["val"][0].image == "val2014/COCO_val2014_000000000011.jpg"
    assert data.splits["val"][0].answers == ("yes",)
    assert data.notes == (
        "left aside: v2_OpenEnded_mscoco_test2014_questions.json, 4 questions without answers",
        "train: 16 questions, 8 pictures",
        "val: 6 questions, 3 pictures",
    )
    assert data.texts() == ["is it 0?", "is it 1?"] * 8 and data.answers() == ["no", "yes"]
    assert check_language_data(data) == []


def test_splits_by_other_names_are_not_trained_on(tmp_path):
    names = {"train": range(1, 9), "dev": range(11, 14), "testA": range(21, 23)}
    for name, images in names.items():
        pair(tmp_path, f"{name}_q.json", f"{name}_a.json", images, first=100)
        pictures(tmp_path / "images", images)
    assert counts(find_questions(tmp_path)) == {"train": 16, "val": 6, "test": 4}


def test_other_names_and_no_val(tmp_path):
    pair(tmp_path, "anno/Fragen.json", "anno/Antworten.json", range(1, 31))
    pictures(tmp_path / "Bilder", range(1, 31), "{}.png")
    data = find_questions(tmp_path)
    assert counts(data) == {"train": 54, "val": 6}
    assert not {q.image for q in data.splits["train"]} & {q.image for q in data.splits["val"]}
    assert "val is 3 of the training pictures, a tenth (seed 0)" in data.notes


def test_numbers_that_start_again_in_every_split(tmp_path):
    """The questions of both splits have the same numbers: the names of the files tell."""
    for split, count in (("train", 9), ("val", 4)):
        pair(tmp_path, f"{split}_q.json", f"{split}_a.json", range(1, count))
        pictures(tmp_path / split, range(1, count))
    rows = json.loads((tmp_path / "val_a.json").read_text())["annotations"]
    write(tmp_path / "val_a.json", {"annotations": [{**r, "answers": ["maybe"]} for r in rows]})
    data = find_questions(tmp_path)
    assert counts(data) == {"train": 16, "val": 6}
    assert {question.answers for question in data.splits["val"]} == {("maybe",)}
    assert {Path(question.image).parts[0] for question in data.splits["val"]} == {"val"}
    (copies, unknown) = check_language_data(data)
    assert copies.startswith("images also in the train split: 3")
    assert unknown.startswith("val: 6 of 6 questions have no answer that a training question has")


def test_a_list_with_splits_of_its_own(tmp_path):
    pictures(tmp_path / "images", range(10), "{}.png")
    rows = [
        {"image": f"{n}.png", "question": "is it?", "answer": "yes", "split": split}
        for n, split in enumerate(["train"] * 6 + ["validation"] * 2 + ["test"] * 2)
    ]
    write(tmp_path / "all.json", rows)
    assert counts(find_questions(tmp_path)) == {"train": 6, "val": 2, "test": 2}
    write(tmp_path / "all.json", [{**rows[0], "split": "restval"}])
    with pytest.raises(DataError, match="split='restval' is unknown: write train, val or test"):
        find_questions(tmp_path)


def test_a_test_without_answers_gets_none_of_other_pictures(tmp_path):
    """Numbers of questions start again in every split, and the test has no annotations."""
    for split, images in (("train", range(1, 9)), ("val", range(11, 14)), ("test", range(21, 24))):
        answers = None if split == "test" else f"{split}_a.json"
        pair(tmp_path, f"{split}_q.json", answers, images)
        for name in filter(None, (f"{split}_q.json", answers)):
            (rows,) = json.loads((tmp_path / name).read_text()).values()
            image = [{"image_id": images[place // 2]} for place in range(len(rows))]
            rows = [
                {**r, **i, "question_id": n}
                for n, (r, i) in enumerate(zip(rows, image, strict=True))
            ]
            write(tmp_path / name, {"questions" if "_q" in name else "annotations": rows})
        pictures(tmp_path / split, images)
    data = find_questions(tmp_path)
    assert counts(data) == {"train": 16, "val": 6}
    assert data.notes[0] == "left aside: test_q.json, 6 questions without answers"


def test_what_people_said_in_rows_of_their_own(tmp_path):
    pictures(tmp_path / "images", range(20), "{}.png")
    rows = [{"image": f"{n}.png", "question": "is it?", "answer": "yes"} for n in range(20)]
    write(tmp_path / "all.json", [*rows, *rows, {**rows[1], "answer": "no"}])
    data = find_questions(tmp_path)
    assert counts(data) == {"train": 18, "val": 2}
    write_index(data, index := tmp_path.with_name("index"))
    told = [q for split in data.splits for q in read_questions(index_file(split, index))]
    assert sorted(len(question.answers) for question in told) == [2] * 19 + [3]


def test_files_that_share_a_question_are_no_copies(tmp_path):
    pictures(tmp_path / "images", range(20), "{}.png")
    rows = [{"image": f"{n}.png", "question": "is it?", "answer": "yes"} for n in range(20)]
    write(tmp_path / "a.json", rows[:11])
    write(tmp_path / "b.json", rows[10:])
    assert sum(counts(find_questions(tmp_path)).values()) == 21
    write(tmp_path / "b.json", rows[4:])
    with pytest.raises(
        DataError, match=r"a\.json and .*b\.json ask the same 7 questions: move one"
    ):
        find_questions(tmp_path)
    write(tmp_path / "b.json", [{**rows[0], "split": 1}])
    with pytest.raises(DataError, match="split=1 is unknown: write train, val or test"):
        find_questions(tmp_path)


def captions(root: Path, name: str, images: range) -> None:
    content = {
        "images": [{"id": n, "file_name": f"{n:012d}.jpg"} for n in images],
        "annotations": [{"image_id": n, "caption": f"a {k} of {n}"} for n in images for k in "xy"],
    }
    write(root / name, content)


def test_captions_of_coco(tmp_path):
    for split, images in (("train", range(1, 9)), ("val", range(11, 14))):
        captions(tmp_path, f"annotations/captions_{split}2017.json", images)
        pictures(tmp_path / f"{split}2017", images)
    data = find_captions(tmp_path)
    assert counts(data) == {"train": 8, "val": 3} and not data.asks
    assert data.splits["train"][0].image == "train2017/000000000001.jpg"
    assert data.splits["train"][0].texts == ("a x of 1", "a y of 1")
    assert len(data.texts()) == 16
    assert data.notes == ("train: 8 captioned pictures", "val: 3 captioned pictures")
    assert check_language_data(data) == []


def test_the_index_is_read_again(tmp_path):
    pair(tmp_path / "data", "q.json", "a.json", range(1, 31))
    captions(tmp_path / "data", "captions.json", range(1, 31))
    pictures(tmp_path / "data/images", range(1, 31))
    for find, read in ((find_questions, read_questions), (find_captions, read_captions)):
        data = find(tmp_path / "data")
        write_index(data, tmp_path / "index")
        for split, records in data.splits.items():
            again = read(index_file(split, tmp_path / "index"))
            assert [r.image for r in again] == [r.image for r in records]
            assert [r.texts for r in again] == [r.texts for r in records]
            if data.asks:
                assert [r.answers for r in again] == [r.answers for r in records]
                assert [r.question_type for r in again] == [r.question_type for r in records]
                assert [r.boxes for r in again] == [r.boxes for r in records]
                assert {r.boxes for r in again} == {((1, 2, 3, 4),)}
    with pytest.raises(DataError, match="lies inside the data"):
        write_index(data, tmp_path / "data/index")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda root: (root / "q.json").unlink(), "there are no questions; expected VQA v2's pair"),
        (lambda root: (root / "a.json").unlink(), "60 questions without answers; add the annot"),
        (lambda root: (root / "images/000000000003.jpg").unlink(),
         r"q\.json: 'is it 0\?': image 3 has no file below .*; 1 more such lines; add the images"),
        (lambda root: write(root / "b.json", json.loads((root / "a.json").read_text())),
         r"both .*a\.json and .*b\.json answer it; move one away"),
        (lambda root: (root / "q.json").rename(root / "val_q.json"),
         "there are questions of val alone; add those to train on"),
        (lambda root: (root / "images/000000000003.jpg").write_bytes(b"no"), "unreadable image"),
        (lambda root: pictures(root / "more", range(300, 301), "3.png"),
         "image 3 is there twice, as images/000000000003.jpg and more/3.png: remove one"),
        (lambda root: write(root / "q.json", {"questions": []}), "holds no question"),
        (lambda root: pair(root, "old/q.json", "old/a.json", range(5, 9), first=1000),
         r"q\.json and .*q\.json ask the same 8 questions: move one of the files away"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(change, expected, tmp_path):
    pair(tmp_path, "q.json", "a.json", range(1, 31))
    pictures(tmp_path / "images", range(1, 31))
    change(tmp_path)
    with pytest.raises(DataError, match=expected) as error:
        check_language_data(find_questions(tmp_path))
    assert "\n" not in str(error.value)


def test_an_image_listed_twice_by_two_files_is_refused(tmp_path):
    captions(tmp_path, "captions_a.json", range(1, 9))
    captions(tmp_path, "captions_b.json", range(8, 19))
    pictures(tmp_path / "images", range(1, 19))
    with pytest.raises(DataError, match=r"000000000008\.jpg: is listed twice in train; keep one"):
        find_captions(tmp_path)
    with pytest.raises(DataError, match="there are no captions; expected COCO's captions json"):
        find_captions(tmp_path / "images")
    with pytest.raises(DataError, match="have no classes: leave --classes out"):
        find_captions(tmp_path, ["cat"])


def test_real_captions_and_questions(coco_captions):
    data = find_captions(coco_captions)
    assert counts(data) == {"train": 254, "val": 36, "test": 73}
    assert {len(record.texts) for records in data.splits.values() for record in records} <= {5, 6}
    assert check_language_data(data) == []
    data = find_questions(coco_captions)
    assert counts(data) == {"train": 100, "val": 12}
    assert {len(question.answers) for question in data.splits["train"]} == {10}


@pytest.mark.slow
def test_real_questions_that_were_converted(easyvqa, tmp_path):
    convert_easyvqa(easyvqa, tmp_path / "out")
    data = find_questions(tmp_path / "out")
    assert counts(data) == {"train": 34743, "val": 3832, "test": 9673}
    assert sorted(data.answers()) == sorted((easyvqa / "answers.txt").read_text().split())
    types = {question.question_type for question in data.splits["train"]}
    assert types == {"what colour", "what shape", "is there", "is there not"}
