"""Words below pictures: which, and that they leave the picture as it is."""

import numpy as np
import pytest
from mmengine.structures import BaseDataElement

from msa_backbone.plots.words_below import sentences_of, words_below


def sample(**fields) -> BaseDataElement:
    made = BaseDataElement()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"question": "is it?", "gt_answer": ["yes", "no"], "pred_answer": "no"},
         ["is it?", "true: yes", "answer: no"]),
        ({"question": ["is it?", "where?"], "pred_answer": ["no", "here"]},
         ["is it? no", "where? here"]),
        ({"gt_caption": ["a cat", "cat"], "pred_caption": "a dog"},
         ["true: a cat", "caption: a dog"]),
        ({"gt_label": 3}, []),
    ],
)  # fmt: skip
def test_what_a_sample_says(fields, expected):
    assert sentences_of(sample(**fields)) == expected


def test_truth_or_prediction_alone():
    asked = sample(question="is it?", gt_answer="yes", pred_answer="no")
    assert sentences_of(asked, prediction=False) == ["is it?", "true: yes"]
    assert sentences_of(asked, truth=False) == ["is it?", "answer: no"]


def test_the_picture_stays_and_words_come_below():
    picture = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    page = words_below(picture, ["is it red?"], least_side=300)
    assert page.shape[1] == 400 and (page[:300] == picture).all()
    below = page[300:]
    assert 15 < len(below) < 60 and (below == 255).mean() > 0.8 and below.min() < 100
    longer = words_below(picture, ["is it red? " * 30], least_side=300)
    assert len(longer) > len(page) + 3 * 15
    right = longer[300:, -5:]
    assert (right == 255).all()  # broken before the edge
    assert words_below(picture[:30, :40], ["x"]).shape[1] == round(40 * 320 / 30)
