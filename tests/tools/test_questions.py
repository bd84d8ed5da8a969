"""Questions from the command line: training, testing, and bad input in one line."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from msa_backbone.config.language.words import compare_answers
from msa_backbone.files.checkpoints import read_state_dict
from msa_backbone.files.images import read_image
from msa_backbone.files.training_log import read_records
from msa_backbone.language.text.stored_text import read_stored_text

pytest.importorskip("mmpretrain")
pytest.importorskip("mmdet")  # for run_tool
pytest.importorskip("tokenizers")

CONFIGS = Path(__file__).parents[2] / "configs/multimodal"
COLOURS = {"red": (250, 30, 30), "green": (30, 250, 30), "blue": (30, 30, 250)}


@pytest.fixture
def root(tmp_path) -> Path:
    """Pictures of one colour; three questions about each."""
    random = np.random.default_rng(0)
    number = 0
    for split, count in (("train", 12), ("val", 4), ("test", 4)):
        questions, annotations = [], []
        (tmp_path / f"data/images/{split}").mkdir(parents=True)
        for _ in range(count):
            number += 1
            colour = list(COLOURS)[number % 3]
            pixels = np.clip(random.normal(COLOURS[colour], 20, (32, 32, 3)), 0, 255)
            file = tmp_path / f"data/images/{split}/{number:012d}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(file)
            asked = {"what colour is it?": colour, "is it red?": "yes" if colour == "red" else "no"}
            for place, (question, answer) in enumerate(asked.items()):
                key = {"question_id": 10 * number + place, "image_id": number}
                questions.append({**key, "question": question})
                kind = "colour" if place == 0 else "is"
                annotations.append({**key, "answers": [{"answer": answer}], "question_type": kind})
        for name, content in (("questions", questions), ("annotations", annotations)):
            path = tmp_path / f"data/{split}_{name}.json"
            path.write_text(json.dumps({name: content}))
    return tmp_path / "data"


@pytest.fixture
def tiny(tmp_path, root) -> Path:
    path = tmp_path / "tiny.py"
    base = next(CONFIGS.glob("vqa_*easyvqa*.py"))
    loaders = ("train_dataloader", "val_dataloader", "test_dataloader")
    path.write_text(
        f"_base_ = {str(base)!r}\n"
        "model = dict(backbone=dict(depth=11, base_channels=8, attention_positions=(10, 15)))\n"
        "train_cfg = dict(max_iters=6, val_interval=3)\n"
        "default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=3))\n"
        + "".join(
            f"{loader} = dict(batch_size=8, dataset=dict(data_root={str(root)!r}))\n"
            for loader in loaders
        )
    )
    return path


def test_trains_and_tests(run_tool, tiny, tmp_path, capfd):
    work = tmp_path / "work"
    run_tool("train", tiny, "--work-dir", work, "--seed", 0)
    shown = capfd.readouterr().out
    assert "Vocabulary: 10 tokens, of 24 sentences" in shown  # 6 words and 4 special ones
    assert "Answers: 5, the most frequent first: no, blue, green, red, yes" in shown
    table = (work / "results.md").read_text()
    for score in ("VQA/acc", "answers/exact", "answers/exact/colour", "answers/exact/is"):
        assert f"| {score} |" in table
    tensors = read_state_dict(work / "iter_6.pth")
    vocabulary = read_stored_text(tensors, "tokenizer.text")
    assert {"what", "colour", "is", "it", "red", "?"} < set(
        json.loads(vocabulary)["model"]["vocab"]
    )
    cfg = Config.fromfile(work / "tiny.py")
    assert Path(cfg.model.vocabulary).read_text() == vocabulary

    # The words are the checkpoint's, whatever the training data have become.
    (tmp_path / "data/train_questions.json").unlink()
    run_tool("test", tiny, work / "iter_6.pth", "--work-dir", work)
    assert "answers/exact/colour" in capfd.readouterr().out


def replace(path: Path, name: str, change) -> None:
    content = json.loads(path.read_text())
    content[name] = change(content[name])
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        ("train_annotations", lambda rows: rows[1:], "has no answer in"),
        ("val_annotations", lambda rows: rows[1:], "has no answer in"),
        ("train_questions", lambda rows: [{**row, "image_id": 99} for row in rows],
         "about 1: the files are of different sets"),
        ("train_questions", lambda rows: [*rows, rows[0]], "is there twice"),
        ("train_questions", lambda rows: [], "holds no question"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_before_anything_is_written(
    file, change, expected, run_tool, tiny, root, tmp_path, capfd
):
    replace(root / f"{file}.json", file.partition("_")[2], change)
    with pytest.raises(SystemExit) as ended:
        run_tool("train", tiny, "--work-dir", tmp_path / "work")
    assert expected in str(ended.value) and "\n" not in str(ended.value)
    assert str(ended.value).startswith("error: ")
    assert not (tmp_path / "work").exists()


def test_an_empty_vocabulary_is_refused(run_tool, tiny, tmp_path):
    often = "model.vocabulary.min_frequency=99"
    with pytest.raises(SystemExit, match="the vocabulary is empty: no word occurs 99 times in 24"):
        run_tool("train", tiny, "--work-dir", tmp_path / "work", "--cfg-options", often)
    assert not (tmp_path / "work").exists()


def test_a_checkpoint_of_another_vocabulary_is_refused(run_tool, tiny, root, tmp_path):
    work = tmp_path / "work"
    run_tool("train", tiny, "--work-dir", work)
    replace(
        root / "train_questions.json",
        "questions",
        lambda rows: [{**row, "question": row["question"] + " please"} for row in rows],
    )
    for option in (("--resume",), ("--cfg-options", f"load_from={work / 'iter_6.pth'}")):
        with pytest.raises(SystemExit, match="belongs to another vocabulary than the training"):
            run_tool("train", tiny, "--work-dir", work, *option)


def test_questions_of_which_none_is_answered_are_refused(run_tool, tiny, root, tmp_path):
    questions = (
        "val_dataloader.dataset.question_file=",
        "val_dataloader.dataset.ann_file=val_questions.json",
    )
    with pytest.raises(SystemExit, match=r"val_dataloader: .* has questions without answers: give"):
        run_tool("train", tiny, "--work-dir", tmp_path / "work", "--cfg-options", *questions)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("own_data", [False, True])
def test_answers_that_the_checkpoint_does_not_know(own_data, run_tool, tiny, root, tmp_path, capfd):
    """Some are told; a test of which it knows none is refused: its score would be 0."""
    checkpoint = tmp_path / "work/iter_6.pth"
    run_tool("train", tiny, "--work-dir", tmp_path / "work")
    data = ("--data", root) if own_data else ()

    def answered(answers: list) -> None:
        def rows(old: list[dict]) -> list[dict]:
            return [
                {**row, "answers": [{"answer": a}]} for row, a in zip(old, answers, strict=True)
            ]

        replace(root / "test_annotations.json", "annotations", rows)

    answered(["yes"] * 5 + ["purple"] * 3)
    run_tool("test", tiny, checkpoint, "--work-dir", tmp_path / "test", *data)
    shown = capfd.readouterr().out
    assert f"warning: 3 of 8 questions have no answer that {checkpoint} knows" in shown
    answered(["purple"] * 8)
    with pytest.raises(
        SystemExit, match=r"knows none of the true answers, of 8 questions: .*no, blue"
    ):
        run_tool("test", tiny, checkpoint, "--work-dir", tmp_path / "again", *data)
    assert not (tmp_path / "again").exists()


def test_a_checkpoint_without_words_is_named(run_tool, tiny, tiny_captions, root, tmp_path):
    """A captioner's has no answers to choose from, one of the picture alone no vocabulary."""
    captions_in(root)
    run_tool("train", tiny_captions, "--data", root, "--work-dir", tmp_path / "captions")
    checkpoint = tmp_path / "captions/iter_6.pth"
    with pytest.raises(
        SystemExit, match=f"{checkpoint} holds no answers: give a checkpoint of this"
    ):
        run_tool("test", tiny, checkpoint, "--work-dir", tmp_path / "work")
    tensors = read_state_dict(checkpoint)
    torch.save({"state_dict": {k: v for k, v in tensors.items() if "text" not in k}}, checkpoint)
    with pytest.raises(SystemExit, match=f"{checkpoint} holds no vocabulary: give a checkpoint of"):
        run_tool("test", tiny_captions, checkpoint, "--data", root, "--work-dir", tmp_path / "work")


def test_other_models_that_answer_are_tested_without_such_a_comparison(tiny):
    cfg = Config.fromfile(tiny)
    assert compare_answers(cfg, (), "blip.pth") == []


@pytest.mark.slow
def test_where_questions_go_is_compared(run_tool, tiny, root, tmp_path):
    """Each variant learns the words itself; one without a backbone has no costs."""
    variants = [CONFIGS.parent / f"ablation/questions/{name}.py" for name in ("gates", "question")]
    work = tmp_path / "work"
    options = ("--base", tiny, "--seeds", 0, "--work-dir", work, "--jobs", 2, "--train-scores")
    run_tool("ablation", *variants, *options)
    table = (work / "results.md").read_text()
    assert re.search(r"^\| question \| 1 \| [\d.]+ \|", table, re.MULTILINE)
    assert not (work / "costs.json").exists()


def captions_in(root: Path) -> None:
    """COCO's jsons beside the questions: two sentences on every picture."""
    for split in ("train", "val"):
        files = sorted((root / "images" / split).iterdir())
        images = [{"id": n, "file_name": file.name} for n, file in enumerate(files)]
        annotations = [
            {"image_id": n, "caption": f"a picture of {shade} colour"}
            for n in range(len(files))
            for shade in ("one", "this")
        ]
        content = {"images": images, "annotations": annotations}
        (root / f"captions_{split}.json").write_text(json.dumps(content))


@pytest.fixture
def tiny_captions(tmp_path) -> Path:
    path = tmp_path / "tiny_captions.py"
    base = next(CONFIGS.glob("captions_*demo*.py"))
    path.write_text(
        f"_base_ = {str(base)!r}\n"
        "model = dict(decoder=dict(channels=16, num_layers=1), longest=8,\n"
        "    backbone=dict(depth=11, base_channels=16))\n"
        "train_cfg = dict(max_iters=6, val_interval=3)\n"
        "train_dataloader = dict(batch_size=4)\n"
        "default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=3))\n"
    )
    return path


def test_a_folder_of_questions_is_trained_on_and_tested(run_tool, tiny, root, tmp_path, capfd):
    work, moved = tmp_path / "work", tmp_path / "elsewhere"
    root.rename(moved)  # the config's own paths lead nowhere
    run_tool("train", tiny, "--data", moved, "--work-dir", work, "--dry-run")
    shown = capfd.readouterr().out
    assert "train: 24 questions, 12 pictures" in shown and "Vocabulary: 10 tokens" in shown
    assert "images: 24 train, 8 val" in shown and "classes" not in shown
    run_tool("browse_data", tiny, "--data", moved, "--work-dir", tmp_path / "look", "--number", 2)
    assert read_image(tmp_path / "look/images.png").std() > 5
    run_tool("train", tiny, "--data", moved, "--work-dir", work)
    assert "| answers/exact/colour |" in (work / "results.md").read_text()
    run_tool("test", tiny, work / "iter_6.pth", "--data", moved, "--work-dir", work)
    assert "test: 8 questions, 4 pictures" in capfd.readouterr().out
    assert "| answers/exact |" in (work / "test/results.md").read_text()
    # Moved, the config of the work dir finds its lists and its vocabulary.
    work.rename(tmp_path / "kept")
    run_tool("test", tmp_path / "kept/tiny.py", tmp_path / "kept/iter_6.pth")
    assert "The work dir has moved: 4 of its files" in capfd.readouterr().out


def test_a_folder_of_captions_is_trained_on_and_tested(
    run_tool, tiny_captions, root, tmp_path, capfd
):
    captions_in(root)
    work = tmp_path / "work"
    run_tool("train", tiny_captions, "--data", root, "--work-dir", work)
    shown = capfd.readouterr().out
    assert "train: 12 captioned pictures" in shown and "Vocabulary: 10 tokens" in shown
    for score in ("BLEU-4", "ROUGE-L", "CIDEr", "exact"):
        assert f"| captions/{score} |" in (work / "results.md").read_text()
    run_tool("test", tiny_captions, work / "iter_6.pth", "--data", root, "--work-dir", work)
    assert "| captions/CIDEr |" in (work / "test/results.md").read_text()
    with pytest.raises(SystemExit, match="there are no captions; expected COCO's captions json"):
        for file in root.glob("captions*"):
            file.unlink()
        run_tool("train", tiny_captions, "--data", root, "--work-dir", tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.slow
def test_reports_of_questions_and_captions(run_tool, tiny, tiny_captions, root, tmp_path):
    pytest.importorskip("plotly")
    work = tmp_path / "work"
    run_tool("train", tiny, "--work-dir", work, "--seed", 0)
    run_tool("report", work, "--images", 2)
    page = (work / "report.html").read_text()
    assert "<h2>Types of questions</h2>" in page and "<dt>answers</dt><dd>5</dd>" in page
    table = page.split("<h2>Types of questions</h2>")[1].split("</section>")[0]
    rows = re.findall(r"<td>(colour|is)</td><td[^>]*>([\d.]+)</td><td[^>]*>(\d+)</td>", table)
    logged = read_records(work)[1][-1]
    assert [(kind, count) for kind, _, count in rows] == [("colour", "4"), ("is", "4")]
    for kind, share, _ in rows:
        assert 100 * float(share) == pytest.approx(logged[f"answers/exact/{kind}"], abs=0.06)
    assert "accuracy by type of question" in page
    worst = page.split("<h2>Worst")[1].split("</section>")[0]
    assert len(re.findall(r"what colour is it\? true: |is it red\? true: ", worst)) == 2
    maps = page.split("<h2>Attention</h2>")[1].split("</section>")[0]
    # Of each of four questions, two modules, without words and with them.
    assert (
        maps.count("<figcaption>position 10, without words: ") == 4 and maps.count("<figure>") == 16
    )

    captions_in(root)
    work = tmp_path / "captions"
    run_tool("train", tiny_captions, "--data", root, "--work-dir", work)
    run_tool("report", work, "--images", 2)
    page = (work / "report.html").read_text()
    assert "(true: a picture of one colour)" in page and "captions/CIDEr" in page
    assert "<h2>Confusion</h2>" not in page and "<h2>Classes</h2>" not in page


def test_the_demo_is_written_and_trained(run_tool, tmp_path, capfd):
    root = tmp_path / "demo"
    run_tool("make_demo_data", "--questions", root, "--num-train", 20, "--num-val", 8)
    assert "20 train and 8 val images" in capfd.readouterr().out
    config = tmp_path / "demo.py"
    base = next(CONFIGS.glob("vqa_*demo*.py"))
    loaders = ("train_dataloader", "val_dataloader", "test_dataloader")
    config.write_text(
        f"_base_ = {str(base)!r}\n"
        "model = dict(backbone=dict(depth=11, base_channels=8, attention_positions=(10, 15)))\n"
        "train_cfg = dict(max_iters=2, val_interval=2)\n"
        + "".join(f"{name} = dict(dataset=dict(data_root={str(root)!r}))\n" for name in loaders)
    )
    run_tool("train", config, "--work-dir", tmp_path / "work")
    table = (tmp_path / "work/results.md").read_text()
    for kind in ("how many", "where", "which", "yes/no"):
        assert f"| answers/exact/{kind} |" in table


def test_easyvqa_is_converted(run_tool, tmp_path, monkeypatch, capfd):
    for split in ("train", "test"):
        np.savez(tmp_path / f"{split}_images.npz", images=np.zeros((10, 8, 8, 3), np.uint8))
        rows = [["is there a circle?", "no", number] for number in range(10)]
        (tmp_path / f"{split}_questions.json").write_text(json.dumps(rows))
    run_tool("convert_easyvqa", tmp_path, tmp_path / "out")
    assert "val: 1 questions about 1 pictures" in capfd.readouterr().out
    assert len(list((tmp_path / "out/images").rglob("*.png"))) == 20
    with pytest.raises(SystemExit, match="is there already"):
        run_tool("convert_easyvqa", tmp_path, tmp_path / "out")
    assert "msa_backbone" in sys.modules


def test_the_nearest_training_pictures_captions_are_scored(
    run_tool, tiny_captions, tmp_path, capfd
):
    """Pictures to be tested are training pictures in another order: every caption is right."""
    pytest.importorskip("pycocoevalcap")
    random, root = np.random.default_rng(0), tmp_path / "scenes"
    pictures = random.integers(0, 255, (6, 64, 64, 3), np.uint8)
    for split, order in (("train", range(6)), ("val", (4, 0, 3))):
        records = []
        for place, number in enumerate(order):
            (root / split).mkdir(parents=True, exist_ok=True)
            name = f"{split}/{split}_{place}.png"
            Image.fromarray(pictures[number]).save(root / name)
            sentence = f"scene {chr(ord('a') + number)} of this test"
            records.append({"image": name, "captions": [sentence, "another sentence"]})
        (root / f"{split}.json").write_text(json.dumps(records))
    run_tool("nearest_captions", tiny_captions, "--data", root, "--split", "val")
    shown = capfd.readouterr().out
    for place, letter in enumerate("ead"):
        assert f"val_{place}.png: scene {letter} of this test" in shown
    assert "captions/exact 100.00" in shown
    (root / "val.json").write_text(json.dumps([{**r, "captions": ["nothing"]} for r in records]))
    run_tool("nearest_captions", tiny_captions, "--data", root, "--split", "val")
    assert "captions/exact 0.00" in capfd.readouterr().out
    torch.save({"backbone.features.0.weight": torch.zeros(1)}, tmp_path / "whole.pth")
    weights = ("--cfg-options", f"load_from={tmp_path / 'whole.pth'}")
    with pytest.raises(SystemExit, match="load_from names a whole model: give its file as --weig"):
        run_tool("nearest_captions", tiny_captions, "--data", root, "--split", "val", *weights)
    with pytest.raises(SystemExit, match="is no captioner's"):
        run_tool("nearest_captions", next(CONFIGS.glob("vqa_*demo*.py")))
