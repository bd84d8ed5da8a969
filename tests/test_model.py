"""msa_backbone.load: a checkpoint with the config beside it, or an exported file."""

import os
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from exported_models import CLASSES, noise
from PIL import Image

pytest.importorskip("mmdet")
pytest.importorskip("mmpretrain")

import msa_backbone
from msa_backbone.errors import DataError
from msa_backbone.model import Model


@pytest.fixture(scope="module")
def both(trained, exported):
    """A detector, as a checkpoint and exported."""
    kind = "faster-rcnn"
    return msa_backbone.load(trained(kind).checkpoint), msa_backbone.load(exported(kind))


@pytest.mark.slow
def test_a_checkpoint_and_its_file_find_the_same(both, tmp_path):
    picture = noise(97, 131)
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(picture[:, ::-1]).save(tmp_path / "b.png")
    for model in both:
        assert model.task == "detection" and model.classes == CLASSES
        found = model.predict(picture, score_thr=0.1)
        again, mirrored = model.predict(tmp_path, score_thr=0.1)
        assert np.array_equal(found.boxes, again.boxes) and len(found) > 10
        assert not np.array_equal(found.boxes, mirrored.boxes)
        assert found.scores.min() >= 0.1
        (listed,) = model.predict([str(tmp_path / "a.png")], score_thr=0.1)
        assert listed.records() == found.records() and set(found.names) <= set(CLASSES)
        drawn = model.draw(tmp_path / "a.png", found)
        assert drawn.shape == (97, 131, 3) and (drawn != picture).any()
    eager, exported = (model.predict(picture, score_thr=0.1) for model in both)
    assert np.allclose(np.sort(eager.scores), np.sort(exported.scores), atol=1e-4)


def test_what_else_a_program_loads_is_its_own_affair(trained, tmp_path, monkeypatch):
    for name in ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"):
        monkeypatch.delenv(name, raising=False)
    checkpoint, before = trained("fcn").checkpoint, dict(os.environ)
    msa_backbone.load(checkpoint)
    assert os.environ == before
    torch.save(Fraction(1, 3), tmp_path / "own.pth")
    assert torch.load(tmp_path / "own.pth", weights_only=False) == Fraction(1, 3)


@pytest.mark.slow
def test_tiles(both):
    picture = noise(150, 300)
    for model in both:
        whole, tiles = model.predict(picture), model.predict(picture, tiles=128, overlap=0.25)
        assert tiles.boxes[:, 2].max() > 200 and len(tiles) != len(whole)
        small = noise(97, 120)
        assert model.predict(small, tiles=128).records() == model.predict(small).records()


@pytest.mark.slow
def test_thresholds_are_used_and_can_be_replaced(both):
    _, model = both
    picture = noise(97, 131)
    every = model.predict(picture, score_thr=0.0)
    try:
        model.thresholds = (0.9, 0.2, 0.2, 0.2, 0.2)
        found = model.predict(picture)
    finally:
        model.thresholds = None
    limits = np.array([0.9, 0.2, 0.2, 0.2, 0.2])
    assert len(found) == (every.scores >= limits[every.labels]).sum() > 0
    assert len(model.predict(picture)) == (every.scores >= 0.3).sum()


@pytest.mark.slow
def test_what_cannot_be_loaded_or_asked_is_told(both, tmp_path):
    with pytest.raises(DataError, match=r"the model is for detection: leave out questions"):
        both[1].predict(noise(64, 64), questions=["why?"])
    with pytest.raises(DataError, match=r"gone.pth: no such file; check the path"):
        msa_backbone.load(tmp_path / "gone.pth")
    (tmp_path / "a.pth").write_bytes(b"")
    with pytest.raises(DataError, match=r"a.pth: no config beside it; name its config"):
        msa_backbone.load(tmp_path / "a.pth")
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=r"several configs beside it \(one.py, two.py\); name its"):
        msa_backbone.load(tmp_path / "a.pth")


def test_one_question_may_be_given_as_it_is():
    source = SimpleNamespace(
        task="questions about images", classes=(), thresholds=None, modalities=(), questions=()
    )
    for questions in ("is it day?", ["is it day?"]):
        assert Model(source).asking(questions).questions == ("is it day?",)
