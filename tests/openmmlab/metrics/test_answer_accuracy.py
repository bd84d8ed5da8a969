"""What several people answered, from the file to the scores, by the formulas of VQA v2."""

import json

import pytest
from PIL import Image

pytest.importorskip("mmpretrain")

from mmpretrain.evaluation import VQAAcc

from msa_backbone.openmmlab.datasets.question_dataset import PictureQuestionDataset
from msa_backbone.openmmlab.metrics.answer_accuracy import AnswerAccuracy


def test_soft_and_exact_accuracy_of_what_ten_people_said(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "1.png")
    said = {
        "what is it": ["cat"] * 7 + ["dog"] * 2 + ["fox"],
        "is it red": ["yes"] * 6 + ["no"] * 4,
        "what colour is it": ["red"] * 10,
    }
    rows = [
        {"image": "1.png", "question": text, "answers": answers, "question_type": text.split()[0]}
        for text, answers in said.items()
    ]
    (tmp_path / "all.json").write_text(json.dumps(rows))
    dataset = PictureQuestionDataset(
        "all.json", data_root=str(tmp_path), data_prefix={"img": ""}, pipeline=[]
    )
    predicted = ("dog", "no", "blue")
    samples = [{**dataset[n], "pred_answer": answer} for n, answer in enumerate(predicted)]
    soft, exact = VQAAcc(), AnswerAccuracy()
    for metric in (soft, exact):
        metric.process(None, samples)
    # Two of ten said dog, four of ten no, nobody blue: min(1, share / 0.3) each.
    assert soft.compute_metrics(soft.results)["acc"] == pytest.approx(
        100 * (2 / 3 + 1 + 0) / 3, abs=0.01
    )
    assert exact.compute_metrics(exact.results) == {"exact": 0, "exact/is": 0, "exact/what": 0}
    exact.results.clear()
    exact.process(None, [{**sample, "pred_answer": "cat"} for sample in samples])
    scores = exact.compute_metrics(exact.results)
    assert scores["exact"] == pytest.approx(100 / 3) and scores["exact/what"] == 50
