"""VQA v2's and COCO's jsons: what is read, and what is refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.language.easyvqa import convert_easyvqa, question_type
from msa_backbone.data.language.pictures import PictureFiles, split_in, with_files
from msa_backbone.data.language.read_captions import read_captions
from msa_backbone.data.language.read_questions import most_given, read_questions
from msa_backbone.data.language.records import Captions, Question
from msa_backbone.errors import DataError

QUESTIONS = [
    {"question_id": 11, "image_id": 9, "question": "What is on the left?"},
    {"question_id": 12, "image_id": 9, "question": "Is it red?"},
    {"question_id": 21, "image_id": 25, "question": "How many are there?"},
]
ANNOTATIONS = [
    {"question_id": 21, "image_id": 25, "answers": [{"answer": "2"}], "answer_type": "number",
     "question_type": "how many"},
    {"question_id": 11, "image_id": 9, "multiple_choice_answer": "cat", "question_type": "what is",
     "answers": [{"answer": a} for a in ("dog", "cat", "cat")], "answer_type": "other"},
    {"question_id": 12, "image_id": 9, "answers": [{"answer": "Yes"}], "answer_type": "yes/no"},
]  # fmt: skip


@pytest.fixture
def pair(tmp_path):
    """Writes VQA v2's pair: `pair(questions, annotations)` gives both files."""

    def write(questions: list = QUESTIONS, annotations: list = ANNOTATIONS) -> tuple[Path, Path]:
        files = tmp_path / "q.json", tmp_path / "a.json"
        files[0].write_text(json.dumps({"info": {}, "questions": questions}))
        files[1].write_text(json.dumps({"info": {}, "annotations": annotations}))
        return files

    return write


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_a_pair_is_joined_by_the_number_of_the_question(pair):
    assert read_questions(*pair()) == [
        Question(9, "What is on the left?", ("dog", "cat", "cat"), 11, "what is", "other"),
        Question(9, "Is it red?", ("yes",), 12, "is", "yes/no"),
        Question(25, "How many are there?", ("2",), 21, "how many", "number"),
    ]
    assert most_given(read_questions(*pair())[0]) == "cat"


def test_a_list_holds_both(tmp_path):
    records = [
        {"image": "a.png", "question": "Which?", "answers": ["Two", "two"], "split": "val"},
        {"image": "b.png", "question": " how many ", "answer": 3, "boxes": [[1, 2, 3.5, 4]]},
    ]
    assert read_questions(write(tmp_path / "both.json", records)) == [
        Question("a.png", "Which?", ("two", "two"), 0, "which?", "", "val"),
        Question("b.png", "how many", ("3",), 1, "how", boxes=((1, 2, 3.5, 4),)),
    ]


def test_rows_of_the_same_question_are_people(tmp_path):
    rows = [
        {"image": image, "question": "Which?", "answer": answer}
        for image, answer in (("a.png", "yes"), ("b.png", "no"), ("a.png", "no"), ("a.png", "yes"))
    ]
    assert read_questions(write(tmp_path / "people.json", rows)) == [
        Question("a.png", "Which?", ("yes", "no", "yes"), 0, "which?"),
        Question("b.png", "Which?", ("no",), 1, "which?"),
    ]
    asked = {"image": "b.png", "question": "How?"}
    for unanswered in ([asked] * 3, [{**rows[0], "answer": None}]):
        with pytest.raises(DataError, match=r"has no answer; add it or|more without"):
            read_questions(write(tmp_path / "some.json", [*rows, *unanswered]))
    numbered = [{**row, "question_id": number} for number, row in enumerate(rows)]
    assert len(read_questions(write(tmp_path / "numbered.json", numbered))) == 4


@pytest.mark.parametrize("answer", [0, 0.5, "0"])
def test_zero_is_an_answer(answer, tmp_path):
    rows = [{"image": "a.png", "question": "How many?", "answer": answer}]
    assert read_questions(write(tmp_path / "a.json", rows))[0].answers == (str(answer),)


@pytest.mark.parametrize(
    "boxes",
    [{"cat": [1, 2, 3, 4]}, [[1, 2, 3]], [[1, 2, 3, 0]], [[1, 2, 3, float("inf")]],
     [[1, 2, 3, True]], [1, 2, 3, 4], [[1, 2, 3, 4, 0.9]], None, "here"],
)  # fmt: skip
def test_what_is_no_box_is_left(boxes, tmp_path):
    rows = [{"image": "a.png", "question": "which?", "answer": "yes", "boxes": boxes}]
    assert read_questions(write(tmp_path / "a.json", rows))[0].boxes == ()


def test_numbers_may_be_texts(pair):
    texts = [{**row, "question_id": str(row["question_id"])} for row in ANNOTATIONS]
    assert read_questions(*pair(annotations=texts)) == read_questions(*pair())
    floats = [{**row, "question_id": float(row["question_id"])} for row in ANNOTATIONS]
    assert read_questions(*pair(annotations=floats)) == read_questions(*pair())


@pytest.mark.parametrize("form", ["{:012d}", "COCO_val2014_{:012d}", "{}.jpg", "val/{}.png"])
def test_an_image_may_be_named_by_number_or_file(form, pair):
    named = [{**row, "image_id": form.format(row["image_id"])} for row in ANNOTATIONS]
    assert read_questions(*pair(annotations=named))[0].answers == ("dog", "cat", "cat")


def test_questions_of_a_test_have_no_answers(pair):
    questions, _ = pair()
    assert all(question.answers == () for question in read_questions(questions))


def without(record: dict, name: str) -> dict:
    return {key: value for key, value in record.items() if key != name}


@pytest.mark.parametrize(
    ("questions", "annotations", "expected"),
    [
        (QUESTIONS, ANNOTATIONS[1:], r"question 21 \('How many are there\?'\) has no answer in "),
        (QUESTIONS, [], r"question 11 .*; 2 more without; add it or remove them"),
        (QUESTIONS, [{**ANNOTATIONS[0], "answers": []}, *ANNOTATIONS[1:]], "21 .* has no answer"),
        (QUESTIONS, [{**ANNOTATIONS[0], "answers": [{}]}, *ANNOTATIONS[1:]],
         "question 21 has an empty answer; remove it"),
        ([*QUESTIONS, QUESTIONS[0]], ANNOTATIONS, "question 11 is there twice; remove one"),
        (QUESTIONS, [*ANNOTATIONS, ANNOTATIONS[0]], "question 21 is answered twice; remove one"),
        ([without(QUESTIONS[0], "image_id")], ANNOTATIONS, "question 11 has no image or image_id"),
        ([without(QUESTIONS[0], "question")], ANNOTATIONS, "question 11 has no question; add it"),
        ([{**QUESTIONS[0], "question": " "}], ANNOTATIONS, "question 11 has question=''; correct"),
        ([{**QUESTIONS[0], "image_id": [1]}], ANNOTATIONS, "11 has image_id=.1.; correct it"),
        ([], ANNOTATIONS, "holds no question; export it again"),
        (QUESTIONS, [*ANNOTATIONS[:2], {**ANNOTATIONS[2], "image_id": 25}],
         r"question 12 is about image 9, its answer in .*a\.json about 25: the files are of "),
        (["What?"], ANNOTATIONS, r"questions\[0\] is no record"),
    ],
)  # fmt: skip
def test_bad_questions_are_one_line(questions, annotations, expected, pair):
    with pytest.raises(DataError, match=expected) as error:
        read_questions(*pair(questions, annotations))
    assert "\n" not in str(error.value) and ".json" in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{", "is no JSON"), ("3", "holds neither"), ("{}", "has no list 'questions'")],
)
def test_other_files_are_one_line(text, expected, tmp_path):
    path = tmp_path / "q.json"
    path.write_text(text)
    with pytest.raises(DataError, match=expected):
        read_questions(path)


COCO = {
    "images": [{"id": 2, "file_name": "b.jpg"}, {"id": 1, "file_name": "a.jpg"},
               {"id": 3, "file_name": "c.jpg"}],
    "annotations": [{"image_id": 1, "caption": "A cat. "}, {"image_id": 2, "caption": "A dog"},
                    {"image_id": 1, "caption": "Cat"}],
}  # fmt: skip


def test_captions_of_a_picture_come_together(tmp_path):
    coco = read_captions(write(tmp_path / "coco.json", COCO))
    assert coco == [Captions("b.jpg", ("A dog",)), Captions("a.jpg", ("A cat.", "Cat"))]
    records = [
        {"image": "a.jpg", "caption": "A cat.", "split": "train"},
        {"image": "b.jpg", "captions": ["A dog"], "split": "val"},
        {"image": "a.jpg", "caption": "Cat", "split": "train"},
    ]
    assert read_captions(write(tmp_path / "list.json", records)) == [
        Captions("a.jpg", ("A cat.", "Cat"), "train"),
        Captions("b.jpg", ("A dog",), "val"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({**COCO, "images": [*COCO["images"], COCO["images"][0]]}, "image 2 is listed twice"),
        ({**COCO, "images": [*COCO["images"], {"id": 7, "file_name": "a.jpg"}]},
         "image a.jpg is listed twice"),
        ({**COCO, "annotations": [{"image_id": 8, "caption": "x"}]},
         "caption 'x' is about image 8, which the file does not list"),
        ({**COCO, "annotations": [{"image_id": 1, "caption": ""}]}, "image 1 has caption=''"),
        ([{"image": "a.jpg", "captions": ["x"]}] * 2, "image a.jpg is listed twice"),
        ([{"image": "a.jpg", "captions": ["x", " "]}], "image a.jpg has an empty caption"),
        ([], "holds no caption; export it again"),
        ({**COCO, "annotations": []}, "holds no caption; export it again"),
        ([{"image": "a.jpg"}], "image a.jpg has no captions or caption"),
    ],
)  # fmt: skip
def test_bad_captions_are_one_line(content, expected, tmp_path):
    with pytest.raises(DataError, match=expected) as error:
        read_captions(write(tmp_path / "c.json", content))
    assert "\n" not in str(error.value) and "c.json" in str(error.value)


def picture(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(path)


def test_a_number_finds_its_file(tmp_path):
    for name in ("train2014/COCO_train2014_000000000009.jpg", "val2014/x.png", "12.jpg", "cat.jpg",
                 "train/000001.png", "val/000001.png", ".hidden/77.png"):  # fmt: skip
        picture(tmp_path / name, shade=len(name))
    picture(tmp_path / "copies/12.jpg", shade=len("12.jpg"))
    files = PictureFiles(tmp_path)
    assert files.of(9) == "train2014/COCO_train2014_000000000009.jpg"
    assert files.of("9") == files.of("COCO_train2014_000000000009.jpg") == files.of(9)
    assert files.of(12) == "12.jpg" and files.of("cat") == "cat.jpg"
    assert files.of("val/000001.png") == "val/000001.png"
    assert [files.of(1, split) for split in ("train", "val")] == [
        "train/000001.png",
        "val/000001.png",
    ]
    with pytest.raises(DataError, match=r"image 1 is there twice, as train/000001\.png and val"):
        files.of(1)
    with pytest.raises(DataError, match="image 77 has no file below"):
        files.of(77)


def test_a_path_finds_its_own_file_alone(tmp_path):
    root = tmp_path / "data"
    for name in ("2019/1.png", "2020/3.png", "cats/Aa.png", "cats/aA.png", "../elsewhere/z.png"):
        picture(root / name, shade=len(str(name)) + name.count("A.png"))
    files = PictureFiles(root)
    for image in ("2020\\3.png", "C:\\photos\\2020\\3.png", "2020/3", "train2014/3.png", "3.png"):
        assert files.of(image) == "2020/3.png"
    assert [files.of(name) for name in ("Aa.png", "aA")] == ["cats/Aa.png", "cats/aA.png"]
    outside = tmp_path / "elsewhere/z.png"
    for image in ("2019/3.png", "2019/3", "2019\\3.png", "../elsewhere/z.png", str(outside)):
        with pytest.raises(DataError, match="has no file below"):
            files.of(image)


def test_pictures_are_found_below_a_relative_folder(tmp_path, monkeypatch):
    picture(tmp_path / "data/images/3.png")
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "data/../data", "."):
        files = PictureFiles(Path(folder))
        assert (files.folder / files.of("images/3.png")).samefile(tmp_path / "data/images/3.png")
        assert files.of("3") == files.of(3) == files.of("3.png")


def test_a_question_without_an_image_is_one_line(pair, tmp_path):
    picture(tmp_path / "images/9.png")
    questions = read_questions(*pair())
    found = with_files(questions[:2], PictureFiles(tmp_path), None, Path("q.json"))
    assert [question.image for question in found] == ["images/9.png"] * 2
    expected = "q.json: 'How many are there.': image 25 has no file below .*; add the images"
    with pytest.raises(DataError, match=expected):
        with_files(questions, PictureFiles(tmp_path), None, Path("q.json"))


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("v2_OpenEnded_mscoco_train2014_questions.json", "train"),
        ("captions_val2017.json", "val"),
        ("test-dev2015.json", "test"),
        ("val/questions.json", "val"),
        ("train/val_questions.json", "val"),
        ("val_of_training.json", "val"),
        ("train/eval.json", "val"),
        ("dev/questions.json", "val"),
        ("captions_minival2014.json", "val"),
        ("refs_testA.json", "test"),
        ("testset.json", "test"),
        ("trainers.json", None),
        ("vqa.json", None),
    ],
)
def test_a_name_tells_the_split(name, split):
    assert split_in(name) == split


@pytest.mark.parametrize("packed", [False, True])
def test_easyvqa_becomes_vqa_v2(packed, tmp_path):
    random = np.random.default_rng(0)
    images = {}
    for split, count in (("train", 20), ("test", 3)):
        images[split] = random.integers(0, 255, (count, 8, 8, 3), np.uint8)
        if packed:
            np.savez(tmp_path / f"{split}_images.npz", images=images[split])
        else:
            (tmp_path / split / "images").mkdir(parents=True)
            for number, pixels in enumerate(images[split]):
                Image.fromarray(pixels).save(tmp_path / split / f"images/{number}.png")
        rows = [["is there not a circle?", "no", n] for n in range(count)]
        rows += [["what color is the shape?", "red", 0]]
        write(tmp_path / (f"{split}_questions.json" if packed else f"{split}/questions.json"), rows)
    counts = convert_easyvqa(tmp_path, tmp_path / "out")
    assert counts["test"] == (3, 4) and counts["train"][0] == 18 and counts["val"][0] == 2
    assert counts["train"][1] + counts["val"][1] == 21
    seen = {}
    for split in counts:
        files = [tmp_path / f"out/{split}_{name}.json" for name in ("questions", "annotations")]
        questions = with_files(
            read_questions(*files), PictureFiles(tmp_path / "out"), None, files[0]
        )
        seen[split] = {question.image for question in questions}
        assert {q.question_type for q in questions} <= {"is there not", "what colour"}
        assert all(q.answers == (("no",) if "not" in q.text else ("red",)) for q in questions)
    assert not seen["train"] & seen["val"]
    for name in seen["train"] | seen["val"]:
        pixels = np.asarray(Image.open(tmp_path / "out" / name))
        assert (pixels == images["train"][int(Path(name).stem)]).all()
    last = np.asarray(Image.open(tmp_path / "out/images/test/000022.png"))
    assert (last == images["test"][2]).all()
    if packed:
        (tmp_path / "test_images.npz").write_text("nothing")
    else:
        (tmp_path / "test/images/1.png").unlink()
    problem = "holds no array 'images'" if packed else r"images: 1\.png is missing"
    with pytest.raises(DataError, match=problem):
        convert_easyvqa(tmp_path, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_folder_without_easyvqa_is_told_which_one_is_wanted(tmp_path):
    with pytest.raises(DataError, match=r"neither train/images nor .*npz; give the folder 'data'"):
        convert_easyvqa(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    "row", [["", "no", 0], ["\t?", "no", 0], [7, "no", 0], ["is it?", None, 0], ["is it?", "no", 9]]
)
def test_what_is_no_question_of_easyvqa_is_named(row, tmp_path):
    for split in ("train", "test"):
        picture(tmp_path / split / "images/0.png")
        write(tmp_path / split / "questions.json", [["is it?", "no", 0], row])
    with pytest.raises(
        DataError, match=r"questions\.json: \[1\] is no \[question, answer, image\]"
    ):
        convert_easyvqa(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("what is the blue shape?", "what shape"),
        ("what is the color of the shape?", "what colour"),
        ("is no red shape present?", "is there not"),
        ("does the image contain a circle?", "is there"),
    ],
)
def test_the_type_of_a_question_of_easyvqa(question, kind):
    assert question_type(question) == kind
