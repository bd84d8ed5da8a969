"""Questions and captions as data sets of mmengine, and the order of the questions."""

import json
from collections import Counter
from itertools import chain, groupby

import pytest
from mmengine.registry import DATA_SAMPLERS, DATASETS, METRICS
from PIL import Image

import msa_backbone  # noqa: F401  (registers)
from msa_backbone.errors import DataError
from msa_backbone.openmmlab.datasets import picture_sampler


@pytest.fixture
def root(tmp_path):
    """Six pictures, with one question, two, and so on; each answered 'a0', 'a1', 'a2' ..."""
    questions, annotations = [], []
    (tmp_path / "pictures").mkdir()
    for image in range(1, 7):
        Image.new("RGB", (8, 8), (image, 0, 0)).save(tmp_path / f"pictures/{image:012d}.png")
        for place in range(image):
            number = 100 * image + place
            questions.append({"question_id": number, "image_id": image, "question": f"q {place}"})
            answers = [{"answer": f"a{place}"}] * 6 + [{"answer": "other"}] * 4
            annotations.append({"question_id": number, "answers": answers, "answer_type": "odd"})
    (tmp_path / "q.json").write_text(json.dumps({"questions": questions[::-1]}))
    (tmp_path / "a.json").write_text(json.dumps({"annotations": annotations}))
    return tmp_path


@pytest.fixture
def dataset(root):
    return DATASETS.build(
        {
            "type": "PictureQuestionDataset", "data_root": str(root), "question_file": "q.json",
            "ann_file": "a.json", "data_prefix": {"img": "pictures"},
        }
    )  # fmt: skip


def test_a_sample_is_a_question(dataset, root):
    assert len(dataset) == 21
    assert dataset[0] == {
        "img_path": str(root / "pictures/000000000006.png"), "question": "q 5",
        "question_id": 605, "question_type": "q", "answer_type": "odd", "most_given": "a5",
        "gt_answer": ["a5", "other"], "gt_answer_weight": [0.6, 0.4], "sample_idx": 0,
        "boxes": (),
    }  # fmt: skip
    assert Counter(dataset.texts()) == {f"q {n}": 6 - n for n in range(6)}
    assert dataset.answers() == ["a0", "a1", "a2", "a3", "a4", "a5"]
    assert dataset.answers(most=2) == ["a0", "a1"]


def test_a_question_without_an_image_stops_the_data_set(dataset, root):
    (root / "pictures/000000000003.png").unlink()
    with pytest.raises(DataError, match=r"q\.json: 'q 2': image 3 has no file below .*; 2 more"):
        dataset.load_data_list()


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_questions_of_a_picture_come_together(processes, dataset, monkeypatch):
    def epoch(number: int, rank: int = 0, **options) -> list[int]:
        monkeypatch.setattr(picture_sampler, "get_dist_info", lambda: (rank, processes))
        built = {"type": "PictureSampler", "dataset": dataset, "seed": 3, **options}
        sampler = DATA_SAMPLERS.build(built)
        sampler.set_epoch(number)
        assert len(list(sampler)) == len(sampler) == -(-21 // processes)
        return list(sampler)

    parts = [epoch(0, rank) for rank in range(processes)]
    collected = list(chain(*zip(*parts, strict=True)))[:21]  # as mmengine's collect_results does
    assert sorted(collected) == list(range(21))
    shares = [part[: 21 // processes + (n < 21 % processes)] for n, part in enumerate(parts)]
    together = list(chain(*shares))
    assert sorted(together) == list(range(21))
    pictures = [dataset.get_data_info(index)["img_path"] for index in together]
    assert len([key for key, _ in groupby(pictures)]) == 6
    assert epoch(0) == parts[0] != epoch(1)
    assert epoch(0, seed=4) != parts[0]
    assert epoch(0, shuffle=False) == epoch(1, shuffle=False) == list(range(-(-21 // processes)))


def test_fewer_questions_than_processes(dataset, monkeypatch):
    monkeypatch.setattr(picture_sampler, "get_dist_info", lambda: (39, 40))
    sampler = DATA_SAMPLERS.build({"type": "PictureSampler", "dataset": dataset, "shuffle": False})
    assert list(sampler) == [0]


def test_few_questions_of_a_picture_follow_each_other(dataset):
    sampler = DATA_SAMPLERS.build(
        {"type": "PictureSampler", "dataset": dataset, "seed": 3, "together": 2}
    )
    order = list(sampler)
    assert sorted(order) == list(range(21))
    pictures = [dataset.get_data_info(index)["img_path"] for index in order]
    parts = [len(list(part)) for _, part in groupby(pictures)]
    assert 6 < len(parts) <= 1 + 1 + 2 + 2 + 3 + 3  # of one to six questions; neighbours may meet
    assert max(parts) <= 4
    with pytest.raises(ValueError, match="together=0: give 1 or more"):
        DATA_SAMPLERS.build({"type": "PictureSampler", "dataset": dataset, "together": 0})


def test_a_sample_of_captions_is_a_picture(root):
    records = [{"image": image, "captions": [f"one {image}", "two"]} for image in (2, 1)]
    (root / "c.json").write_text(json.dumps(records))
    dataset = DATASETS.build(
        {
            "type": "PictureCaptionDataset", "data_root": str(root), "ann_file": "c.json",
            "data_prefix": {"img": "pictures"},
        }
    )  # fmt: skip
    first = {"img_path": str(root / "pictures/000000000002.png"), "gt_caption": ["one 2", "two"]}
    assert dataset[0] == {**first, "sample_idx": 0}
    assert dataset.texts() == ["one 2", "two", "one 1", "two"]


def test_exact_accuracy_by_type():
    rows = [
        ("cat", ["dog", "cat"], [0.4, 0.6], "what"),
        ("dog", ["dog", "cat"], [0.4, 0.6], "what"),
        ("dog", "dog", None, "what"),
        ("yes", ["yes"], [1.0], "is"),
    ]
    samples = [
        {"pred_answer": p, "gt_answer": gt, "gt_answer_weight": w, "question_type": kind}
        for p, gt, w, kind in rows
    ]
    metric = METRICS.build({"type": "AnswerAccuracy"})
    metric.process(None, samples)
    scores = metric.evaluate(len(samples))
    assert scores == {
        "answers/exact": 75.0,
        "answers/exact/is": 100.0,
        "answers/exact/what": pytest.approx(200 / 3),
    }
    metric = METRICS.build({"type": "AnswerAccuracy", "by": "answer_type"})
    metric.process(None, samples)
    assert metric.evaluate(4) == {"answers/exact": 75.0, "answers/exact/other": 75.0}
