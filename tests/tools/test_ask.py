"""Questions and captions at new pictures, from the command line: predict.py and visualize.py."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

pytest.importorskip("mmpretrain")
pytest.importorskip("mmdet")  # for run_tool
pytest.importorskip("tokenizers")

from answerers import ANSWERS, QUESTIONS, small_answerer

from msa_backbone.config.load import load_config
from msa_backbone.files.images import read_image
from msa_backbone.inference.explain.question_gates import question_gates
from msa_backbone.inference.explain.word_changes import word_changes
from msa_backbone.inference.predictor import Predictor
from msa_backbone.language import train_vocabulary
from msa_backbone.language.shared_pictures import shared_pictures


@pytest.fixture
def trained(tmp_path):
    """Call `trained("vqa")`: a small config and a checkpoint with words of its own."""
    return partial(small_answerer, tmp_path)


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    random = np.random.default_rng(0)
    files = [tmp_path / f"{name}.png" for name in "ab"]
    for file, size in zip(files, ((80, 100, 3), (64, 48, 3)), strict=True):
        Image.fromarray(random.integers(0, 255, size, np.uint8)).save(file)
    return files


@pytest.mark.parametrize("batch", [1, 2])
def test_answers_are_the_models(batch, run_tool, trained, pictures, tmp_path, capfd):
    config, checkpoint = trained("vqa")
    out = tmp_path / "out"
    asked = ("--question", *QUESTIONS, "--batch-size", batch)
    run_tool("predict", config, checkpoint, *pictures, "--out", out, *asked)
    shown = capfd.readouterr().out
    found = json.loads((out / "predictions.json").read_text())["images"]
    assert [image["file_name"] for image in found] == ["a.png", "b.png"]

    predictor = Predictor(load_config(str(config), None, {}), str(checkpoint), "cpu", QUESTIONS)
    assert predictor.model.answers == ANSWERS
    for image, file in zip(found, pictures, strict=True):
        assert [answer["question"] for answer in image["answers"]] == QUESTIONS
        resized = np.asarray(Image.open(file))
        data = predictor.inputs([resized], ["x"])
        assert data["inputs"].shape == (2, 3, 64, 64)
        images = predictor.model.data_preprocessor(data)["images"]
        scores = predictor.model.logits(images, QUESTIONS).softmax(1)
        for answer, probabilities in zip(image["answers"], scores, strict=True):
            assert answer["answer"] == ANSWERS[probabilities.argmax()]
            assert answer["score"] == pytest.approx(probabilities.max().item(), abs=1e-3)
        assert f"{image['file_name']}: {image['answers'][0]['answer']} (" in shown
        drawn = read_image(out / "pictures" / image["file_name"])
        assert drawn.shape[0] > drawn.shape[1] * resized.shape[0] / resized.shape[1] + 20
        assert (drawn[-20:] == 255).mean() > 0.5  # the words' page


def test_captions_are_written_under_the_pictures(run_tool, trained, pictures, tmp_path, capfd):
    config, checkpoint = trained("captions")
    out = tmp_path / "out"
    run_tool("predict", config, checkpoint, *pictures, "--out", out)
    shown = capfd.readouterr().out
    for image in json.loads((out / "predictions.json").read_text())["images"]:
        assert isinstance(image["caption"], str)
        assert f"{image['file_name']}: {image['caption']}" in shown
    assert len(list((out / "pictures").iterdir())) == 2


def test_questions_belong_to_models_that_answer(run_tool, trained, pictures, tmp_path):
    config, checkpoint = trained("vqa")
    with pytest.raises(SystemExit, match="for questions about images: give --question"):
        run_tool("predict", config, checkpoint, *pictures, "--out", tmp_path / "out")
    config, checkpoint = trained("captions")
    with pytest.raises(SystemExit, match="the config is for captions: leave out --question"):
        run_tool("predict", config, checkpoint, *pictures, "--question", "is it?")


def test_gates_of_several_questions(run_tool, trained, pictures, tmp_path, capfd):
    config, checkpoint = trained("vqa")
    predictor = Predictor(load_config(str(config), None, {}), str(checkpoint), "cpu", QUESTIONS)
    answers, gates = question_gates(predictor, read_image(pictures[0]))
    assert len(answers) == 2 and set(answers) <= set(ANSWERS)
    assert {name: tuple(seen.shape) for name, seen in gates.items()} == {
        "10": (3, 8, 8),
        "15": (3, 4, 4),
    }
    for seen in gates.values():
        assert 0 < seen.min() < seen.max() < 1
        assert (seen[1] - seen[2]).abs().max() > 1e-4  # questions differ
        assert (seen[0] - seen[1]).abs().max() > 1e-4

    # By the module itself, from what reaches it.
    model = predictor.model
    images = model.data_preprocessor(predictor.inputs([read_image(pictures[0])], ["x"]))["images"]
    one, picture = shared_pictures(images)
    assert len(one) == 1 and picture.tolist() == [0, 0]
    x = one
    for name in model.backbone.stages[0].modules + model.backbone.stages[1].modules:
        x = model.backbone.get_submodule(name)(x)
    for name in model.backbone.stages[2].modules:
        if name != "attentions.10":
            x = model.backbone.get_submodule(name)(x)
    module, sentence = model.backbone.attentions["10"], model.encode(QUESTIONS)
    told = module.modulated(x[[0, 0]], sentence)
    expected = module.spatial_weights_given(told, sentence)[:, 0]
    assert (gates["10"][1:] - expected).abs().max() < 1e-5
    assert (gates["10"][0] - module.spatial_weights(x)[0, 0]).abs().max() < 1e-5

    for attention in model.backbone.attentions.values():
        torch.nn.init.kaiming_normal_(attention.fusion_conv.weight)
    changes = word_changes(predictor, read_image(pictures[0]))
    assert {name: tuple(c.shape) for name, c in changes.items()} == {
        "10": (2, 8, 8),
        "15": (2, 4, 4),
    }
    with torch.no_grad():
        ca = module.channel_weights_given(told, sentence)
        asked = (
            module.multi_scale_features(told) * ca * module.spatial_weights_given(told, sentence)
        )
        unasked = module.multi_scale_features(x) * module.channel_weights(x)
        expected = (asked - unasked * module.spatial_weights(x)).norm(dim=1)
    assert expected.max() > 1e-3 and (changes["10"] - expected).abs().max() < 1e-5

    asked = ("--question", *QUESTIONS, "--out", tmp_path / "out")
    run_tool("visualize", "questions", config, checkpoint, pictures[0], *asked)
    assert "a.png: 6 maps in" in capfd.readouterr().out
    assert read_image(tmp_path / "out/a.png.questions.png").std() > 5


def test_how_much_of_the_change_lies_on_what_is_named(run_tool, trained, pictures, tmp_path, capfd):
    """By hand: each question about its picture, and the other's words about it; one box each."""
    config, checkpoint = trained("vqa")
    cfg = Config.fromfile(config)
    init_default_scope(cfg.default_scope)
    cfg.model.vocabulary, cfg.model.answers = train_vocabulary(QUESTIONS), ANSWERS
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    for attention in model.backbone.attentions.values():  # a tenth of x: else nothing is added
        torch.nn.init.normal_(attention.fusion_conv.weight, std=0.1)
    torch.save({"state_dict": model.state_dict()}, checkpoint)
    boxes = ([8, 16, 40, 32], [0, 0, 24, 40])  # of 100x80 and 48x64 pixels
    rows = [
        {"image": file.name, "question": text, "answer": "yes", "boxes": [box]}
        for file, text, box in zip(pictures, QUESTIONS, boxes, strict=True)
    ]
    unclear = [
        {**rows[0], "question": "which?", "boxes": boxes},
        {**rows[0], "question": "no box?"},
    ]
    del unclear[1]["boxes"]
    (tmp_path / "all.json").write_text(json.dumps([*rows, *unclear]))
    data = ("ann_file=all.json", "question_file=", "data_prefix.img=", f"data_root={tmp_path}")
    options = ("--cfg-options", *(f"test_dataloader.dataset.{option}" for option in data))
    run_tool("visualize", "words", config, checkpoint, "--out", tmp_path / "out", *options)
    table = (tmp_path / "out/words.md").read_text()
    assert table in capfd.readouterr().out

    predictor = Predictor(load_config(str(config), None, {}), str(checkpoint), "cpu", QUESTIONS)
    expected = {"10": [], "15": []}
    for place, (file, (x, y, width, height)) in enumerate(zip(pictures, boxes, strict=True)):
        picture = read_image(file)
        inside = np.zeros(picture.shape[:2])
        inside[y : y + height, x : x + width] = 1
        for position, changes in word_changes(predictor, picture).items():
            shares = []
            for change in changes.numpy():
                high, wide = (
                    np.arange(side) * cells // side
                    for side, cells in zip(inside.shape, change.shape, strict=True)
                )
                there = change[high][:, wide]
                shares.append((there * inside).sum() / there.sum())
            own, other = shares if place == 0 else shares[::-1]
            expected[position].append((own, other, inside.mean()))
    for position, shares in expected.items():
        own, other, area = np.mean(shares, axis=0)
        assert f"| {position} | {own:.3f} | {other:.3f} | {area:.3f} | 2 |" in table
        assert min(abs(own - area), abs(own - other)) > 0.001  # there is something to see

    with pytest.raises(SystemExit, match="--most 1: give 2 or more"):
        run_tool("visualize", "words", config, checkpoint, "--most", 1, *options)
    film = ", attention=dict(_delete_=True, type='MultiScaleAttention')"
    deaf, other = trained("vqa", film + "), conditioning='concat', text_encoder=dict(channels=64")
    with pytest.raises(SystemExit, match="no attention of the model listens: it needs cond"):
        run_tool("visualize", "words", deaf, other, *options)
    config, checkpoint = trained("vqa")  # the config again, and weights that add nothing
    for change, expected in (
        ({}, "words change nothing that attention adds: train the model first"),
        ({"question": "is it?"}, "all questions are 'is it\\?': give others to compare with"),
        (
            {"boxes": [[900, 0, 5, 5]]},
            r"the box \(900, 0, 5, 5\) of .* lies outside of the picture",
        ),
    ):
        (tmp_path / "all.json").write_text(json.dumps([{**row, **change} for row in rows]))
        with pytest.raises(SystemExit, match=expected):
            run_tool("visualize", "words", config, checkpoint, *options)
    for row in rows:
        del row["boxes"]
    (tmp_path / "all.json").write_text(json.dumps(rows))
    with pytest.raises(SystemExit, match="no two questions with one box each: give the annot"):
        run_tool("visualize", "words", config, checkpoint, *options)


def test_a_model_without_such_gates_is_refused(run_tool, trained, pictures, tmp_path):
    film = ", attention=dict(_delete_=True, type='FiLM', text_channels=64)"
    config, checkpoint = trained("vqa", film)
    with pytest.raises(SystemExit, match="no attention of the model has a spatial gate"):
        run_tool("visualize", "questions", config, checkpoint, pictures[0], "--question", "is it?")
