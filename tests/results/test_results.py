"""Results as plain arrays: json, thresholds, drawing."""

import json

import numpy as np
import pytest

from msa_backbone.results.drawing import Label, at_most, draw_boxes, draw_labels
from msa_backbone.results.objects import Objects
from msa_backbone.results.run_lengths import run_lengths
from msa_backbone.results.segmentation import Segmentation
from msa_backbone.results.whole_picture import Answers, Caption, ClassScores

PALETTE = ((255, 0, 0), (0, 0, 255))


def two_objects(masks: np.ndarray | None = None) -> Objects:
    boxes = np.array([[2, 3, 10.5, 9], [20, 4, 29, 30]], np.float32)
    scores, labels = np.array([0.9, 0.4], np.float32), np.array([1, 0])
    return Objects(boxes, scores, labels, ("ant", "bee"), PALETTE, masks)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 48), (3, 400)])
@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 1.0])
def test_run_lengths_are_cocos(size, density):
    coco = pytest.importorskip("pycocotools.mask")
    mask = np.random.default_rng(0).random(size) < density
    expected = coco.encode(np.asfortranarray(mask, np.uint8))
    found = run_lengths(mask)
    assert found == {"size": list(size), "counts": expected["counts"].decode()}
    assert np.array_equal(coco.decode(found), mask)


def test_objects_by_the_score_of_their_class():
    found = two_objects()
    assert found.names == ["bee", "ant"] and found.words() == "2 objects"
    assert found.above(0.5).names == ["bee"]
    assert found.above((0.3, 0.95)).names == ["ant"]
    assert len(found.above((0.5, 0.95))) == 0


def test_records_are_cocos():
    masks = np.zeros((2, 40, 40), bool)
    masks[0, 3:9, 2:10] = True
    first, second = two_objects(masks).records()
    assert first["bbox"] == [2, 3, 8.5, 6] and first["category_id"] == 2
    assert (first["score"], first["area"], second["area"]) == (0.9, 48, 0)
    json.dumps([first, second])
    assert "segmentation" not in two_objects().records()[0]


def test_boxes_are_drawn_in_their_colours():
    picture = np.full((40, 40, 3), 128, np.uint8)
    drawn = draw_boxes(picture, two_objects().boxes, [PALETTE[1], PALETTE[0]])
    assert drawn[9, 5].tolist() == [0, 0, 255] and drawn[4, 25].tolist() == [255, 0, 0]
    assert drawn[35, 35].tolist() == [128] * 3 and (picture == 128).all()
    assert two_objects().draw(picture).shape == picture.shape


def test_names_do_not_cover_each_other():
    picture = np.zeros((200, 300, 3), np.uint8)
    colours = [(0, 250, 0), (0, 0, 250), (250, 0, 0)]
    labels = [Label("name", (100, 100), colour) for colour in colours]
    drawn = draw_labels(picture, labels)
    counts = [(drawn == colour).all(axis=2).sum() for colour in colours]
    assert min(counts) > 0.9 * max(counts) > 100
    outside = draw_labels(picture, [Label("name", (1000, -50), colours[0])])
    assert (outside == colours[0]).all(axis=2).sum() > 100


def test_a_small_picture_has_no_room_for_names():
    small = np.zeros((64, 90, 3), np.uint8)
    assert not draw_labels(small, [Label("name", (10, 40), (0, 250, 0))]).any()


def test_a_picture_is_made_smaller_only():
    assert at_most(np.zeros((20, 40, 3), np.uint8), 10).shape == (5, 10, 3)
    assert at_most(np.zeros((20, 40, 3), np.uint8), 100).shape == (20, 40, 3)


def test_pixels():
    labels = np.zeros((20, 40), np.uint8)
    labels[:, 30:] = 1
    found = Segmentation(labels, np.zeros((2, 20, 40)), ("ant", "bee"), PALETTE)
    assert found.record() == {"shares": {"ant": 0.75, "bee": 0.25}}
    drawn = found.draw(np.zeros((20, 40, 3), np.uint8))
    assert drawn[1, 39].tolist() == [0, 0, 128] and drawn[19, 0].tolist() == [128, 0, 0]


def test_whole_pictures():
    scores = ClassScores(np.array([0.2, 0.8]), ("ant", "bee"))
    assert scores.words() == "bee (0.80)"
    assert scores.record()["scores"] == {"ant": 0.2, "bee": 0.8}
    answers = Answers(["red?", "where?"], ["no", "left"], [0.9, 0.61234])
    assert answers.words() == "no (0.90); left (0.61)"
    assert answers.record()["answers"][1] == {
        "question": "where?",
        "answer": "left",
        "score": 0.6123,
    }
    picture = np.zeros((400, 400, 3), np.uint8)
    for result in (scores, answers, Caption("a bee")):
        drawn = result.draw(picture)
        assert drawn.shape[0] > 400 and drawn.shape[1] == 400 and drawn[400:].min() < 128
