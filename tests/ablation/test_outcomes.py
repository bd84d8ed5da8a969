"""What runs got right by image: scores on any images as COCO would give them."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pycocotools")
from mmengine.config import Config
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from msa_backbone.ablation.outcomes import keep_outcomes, read_outcomes, write_outcomes

IMAGES, CLASSES = 12, (3, 7, 9)


def scene(seed: int, digits: int = 1) -> tuple[dict, list[dict]]:
    """Truth, and boxes near it and elsewhere; of scores with one digit many are equal."""
    random = np.random.default_rng(seed)
    annotations, results = [], []

    def result(image: int, category: int, box: np.ndarray) -> None:
        score = round(float(random.random()), digits)
        kept = {"image_id": image, "category_id": category, "bbox": box.tolist(), "score": score}
        results.append(kept)

    for image in range(1, IMAGES + 1):
        for category in CLASSES[: 1 + image % 3]:
            for _ in range(int(random.integers(0, 4))):
                box = np.array([*random.uniform(0, 80, 2), *random.uniform(5, 40, 2)])
                annotations.append({
                    "id": len(annotations) + 1, "image_id": image, "category_id": category,
                    "bbox": box.tolist(), "area": box[2] * box[3],
                    "iscrowd": int(random.random() < 0.15),
                })  # fmt: skip
                result(image, category, box + random.normal(0, 2, 4))
            result(image, category, np.array([*random.uniform(0, 80, 2), 20.0, 20.0]))
    truth = {
        "images": [{"id": n, "file_name": f"x/{n}.jpg"} for n in range(1, IMAGES + 1)],
        "annotations": annotations,
        "categories": [{"id": n, "name": f"c{n}"} for n in CLASSES],
    }
    return truth, results


def behind_a_test(truth: dict, folder: Path, classes: tuple = CLASSES) -> SimpleNamespace:
    """What a runner has behind a test."""
    (folder / "all.json").write_text(json.dumps(truth))
    coco = COCO(str(folder / "all.json"))

    CocoMetric = type("CocoMetric", (SimpleNamespace,), {})  # by this name it is found
    images = [image["id"] for image in truth["images"]]
    metric = CocoMetric(_coco_api=coco, cat_ids=classes, img_ids=images, proposal_nums=(100, 1000))
    evaluator = SimpleNamespace(metrics=[object(), metric])
    return SimpleNamespace(test_loop=SimpleNamespace(evaluator=evaluator))


def cocos_ap50(truth: dict, results: list[dict], tmp_path: Path) -> float:
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    coco = COCO(str(tmp_path / "truth.json"))
    judge = COCOeval(coco, coco.loadRes(results), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return 100 * judge.stats[1]


@pytest.mark.parametrize("digits", [1, 9])
@pytest.mark.parametrize("seed", range(4))
def test_ap50_is_cocos_on_all_images_and_on_any_draw(seed, digits, tmp_path):
    truth, results = scene(seed, digits)
    cfg = Config({"test_evaluator": [{"type": "CocoMetric"}, {"type": "VOCMetric"}]})
    keep_outcomes(cfg, tmp_path)
    assert cfg.test_evaluator[0].outfile_prefix == str(tmp_path / "test")
    (tmp_path / "test.bbox.json").write_text(json.dumps(results))
    write_outcomes(behind_a_test(truth, tmp_path), tmp_path)
    outcomes = read_outcomes(tmp_path)
    assert outcomes.images == [f"x/{n}.jpg" for n in range(1, IMAGES + 1)]
    found = outcomes.scores(np.ones(IMAGES, int))
    assert found["box AP50"] == pytest.approx(cocos_ap50(truth, results, tmp_path), abs=1e-9)
    assert 5 < found["box AP50"] < 95 and set(found) == {
        "box AP50",
        *(f"box AP50 c{n}" for n in CLASSES),
    }

    # A draw by hand: images that are there twice or not at all. Where scores are equal, COCO's AP
    # depends on the order of the images.
    if digits == 1:
        return
    times = np.random.default_rng(seed).multinomial(IMAGES, [1 / IMAGES] * IMAGES)
    drawn, boxes = {**truth, "images": [], "annotations": []}, []
    for image, count in enumerate(times, 1):
        for copy in range(count):
            number = 100 * image + copy
            drawn["images"].append({"id": number, "file_name": f"{number}.jpg"})
            for source, target in ((truth["annotations"], drawn["annotations"]), (results, boxes)):
                target += [{**r, "image_id": number} for r in source if r["image_id"] == image]
    drawn["annotations"] = [{**r, "id": n} for n, r in enumerate(drawn["annotations"], 1)]
    expected = cocos_ap50(drawn, boxes, tmp_path)
    assert outcomes.scores(times)["box AP50"] == pytest.approx(expected, abs=1e-9)


def test_a_detector_that_found_nothing(tmp_path):
    (tmp_path / "test.bbox.json").write_text("[]")
    write_outcomes(behind_a_test(scene(0)[0], tmp_path), tmp_path)
    assert read_outcomes(tmp_path).scores(np.ones(IMAGES, int))["box AP50"] == 0


def test_only_the_classes_that_were_tested_count(tmp_path):
    truth, results = scene(1)
    kept = [box for box in results if box["category_id"] == CLASSES[0]]
    (tmp_path / "test.bbox.json").write_text(json.dumps(kept))
    write_outcomes(behind_a_test(truth, tmp_path, CLASSES[:1]), tmp_path)
    found = read_outcomes(tmp_path).scores(np.ones(IMAGES, int))
    assert set(found) == {"box AP50", "box AP50 c3"} and found["box AP50"] > 5


@pytest.mark.parametrize("several", [False, True])
def test_a_classifiers_images(several, tmp_path):
    evaluator = {"type": "mmpretrain.Accuracy"}
    cfg = Config({"test_evaluator": [evaluator, {"type": "Other"}] if several else evaluator})
    (tmp_path / "outcomes.json").write_text("of an earlier run")
    keep_outcomes(cfg, tmp_path)
    assert not (tmp_path / "outcomes.json").exists()
    accuracy, *_, right = cfg.test_evaluator
    assert accuracy == evaluator and right["type"] == "RightByImage"
    told = [["a/1.png", True], ["b/1.png", False]]
    Path(right["file"]).write_text(json.dumps(told))
    write_outcomes(None, tmp_path)
    outcomes = read_outcomes(tmp_path)
    assert outcomes.images == ["a/1.png", "b/1.png"]
    assert outcomes.scores(np.array([3, 1])) == {"top-1": 75.0}


@pytest.mark.parametrize("kind", ["IoUMetric", "CaptionScores", "VOCMetric", "MultiLabelMetric"])
def test_other_tests_stay_as_they_are(kind, tmp_path):
    cfg = Config({"test_evaluator": [{"type": kind}]})
    keep_outcomes(cfg, tmp_path)
    assert cfg.test_evaluator == [{"type": kind}]
    write_outcomes(None, tmp_path)
    assert read_outcomes(tmp_path) is None
