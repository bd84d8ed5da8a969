"""What a report counts, against pycocotools, mmdet, mmseg and scikit-learn; and what it reads."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData, LabelData, PixelData

pytest.importorskip("mmdet")
pytest.importorskip("sklearn")
from pycocotools import mask as coco_mask
from sklearn import metrics

from msa_backbone.report.judges.base import Judged, Ranking
from msa_backbone.report.judges.classification import ClassificationJudge
from msa_backbone.report.judges.detection import DetectionJudge, true_instances
from msa_backbone.report.judges.segmentation import SegmentationJudge, log_odds

CLASSES = ("a", "b", "c")
SIZE = (60, 80)


def boxes(random, count: int) -> np.ndarray:
    corners = random.uniform(0, 40, (count, 2))
    return np.concatenate([corners, corners + random.uniform(5, 20, (count, 2))], 1).round(1)


def scene(random, index: int, masks: bool) -> tuple[BaseDataElement, dict]:
    """Truths of classes a and b, one of them a crowd, and predictions near them and elsewhere."""
    from mmdet.structures import DetDataSample

    true = boxes(random, 6)
    labels = random.integers(0, 2, 6)
    chosen = random.integers(0, 6, 9)
    near = true[chosen] + random.uniform(-2, 2, (9, 4))
    found = np.concatenate([near, boxes(random, 3)]).clip(0, 59)
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 2)
    predicted = np.concatenate([labels[chosen], random.integers(0, 3, 3)])
    instances = [
        {"bbox": box.tolist(), "bbox_label": int(label), "ignore_flag": int(row == 5)}
        for row, (box, label) in enumerate(zip(true, labels, strict=True))
    ]
    pred = InstanceData(
        bboxes=torch.from_numpy(found).float(),
        labels=torch.from_numpy(predicted),
        scores=torch.from_numpy(random.random(12)).float(),
    )
    if masks:
        for own in instances:
            left, top, right, bottom = own["bbox"]
            own["mask"] = [[left, top, right, top, right, bottom, left, bottom]]
        grid = torch.zeros(12, *SIZE, dtype=torch.bool)
        for row, (left, top, right, bottom) in enumerate(found.round().astype(int)):
            grid[row, top:bottom, left:right] = True
        pred.masks = grid
    sample = DetDataSample(metainfo={"img_id": index, "ori_shape": SIZE})
    sample.pred_instances = pred
    return sample, {"instances": instances, "img_path": f"{index}.jpg"}


def coco_file(path, infos: list[dict]) -> str:
    """Truths as COCO writes them, for mmdet's metric."""
    annotations = []
    for image, info in enumerate(infos):
        for own in info["instances"]:
            left, top, right, bottom = own["bbox"]
            record = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": own["bbox_label"] + 1,
                "bbox": [left, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
                "iscrowd": own["ignore_flag"],
            }
            if "mask" in own:
                coded = coco_mask.merge(coco_mask.frPyObjects(own["mask"], *SIZE))
                record["segmentation"] = {"size": list(SIZE), "counts": coded["counts"].decode()}
            annotations.append(record)
    images = [
        {"id": i, "height": SIZE[0], "width": SIZE[1], "file_name": ""} for i in range(len(infos))
    ]
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(CLASSES)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content))
    return str(path)


@pytest.mark.parametrize("masks", [False, True])
def test_average_precision_is_what_mmdet_says(masks, tmp_path):
    from mmdet.evaluation import CocoMetric

    random = np.random.default_rng(0)
    scenes = [scene(random, index, masks) for index in range(12)]
    judge = DetectionJudge(CLASSES, 0.3)
    for index, (sample, info) in enumerate(scenes):
        judge.judge(index, sample, info)
    findings = judge.findings()
    for kind, what in [("bbox", "box"), ("segm", "mask")][: 1 + masks]:
        file = coco_file(tmp_path / "truth.json", [info for _, info in scenes])
        metric = CocoMetric(file, metric=kind, classwise=True)
        metric.dataset_meta = {"classes": CLASSES}
        metric.process({}, [sample.to_dict() for sample, _ in scenes])
        expected = metric.evaluate(len(scenes))
        own = findings.class_scores[f"{what} AP"]
        theirs = [expected[f"coco/{name}_precision"] for name in CLASSES]
        assert np.allclose(own, theirs, atol=5.1e-4, equal_nan=True)
        assert np.isnan(own[2]) and 0.05 < own[0] < 0.95
        at_half = findings.class_scores[f"{what} AP50"]
        assert np.nanmean(at_half) == pytest.approx(expected[f"coco/{kind}_mAP_50"], abs=5.1e-4)
        title = {"box": "Boxes", "mask": "Masks"}[what]
        curves = {curve.name: curve for curve in findings.curves[f"{title}, each class at IoU 0.5"]}
        assert curves["a"].average == pytest.approx(at_half[0])
        assert len(curves["a"].recall) == 101 and (np.diff(curves["a"].precision) <= 0).all()
        means = {c.name: c.average for c in findings.curves[f"{title}, mean over the classes"]}
        assert means["IoU 0.5 to 0.95"] == pytest.approx(np.nanmean(own))
    assert ("mask AP" in findings.class_scores) == masks
    matrix = findings.confusion.matrix
    assert matrix.shape == (4, 4) and matrix[:3].sum() == 12 * 5  # a crowd is no object
    assert findings.class_scores["objects"].tolist() == matrix.sum(axis=1)[:3].tolist()


def detection(found: list[tuple], true: list[tuple]) -> tuple[BaseDataElement, dict]:
    """(box, label, score) and (box, label, ignored)."""
    from mmdet.structures import DetDataSample

    sample = DetDataSample(metainfo={"ori_shape": SIZE})
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([box for box, _, _ in found]).float().view(-1, 4),
        labels=torch.tensor([label for _, label, _ in found]).long(),
        scores=torch.tensor([score for _, _, score in found]).float(),
    )
    names = ("bbox", "bbox_label", "ignore_flag")
    instances = [dict(zip(names, own, strict=True)) for own in true]
    return sample, {"instances": instances, "img_path": "x.jpg"}


def test_boxes_by_hand():
    one, two, far = [0, 0, 10, 10], [20, 20, 40, 40], [50, 30, 60, 40]
    judge = DetectionJudge(CLASSES, 0.3)
    found = [(one, 0, 0.9), (two, 2, 0.8), (far, 1, 0.5), (two, 1, 0.2)]
    judged = judge.judge(0, *detection(found, [(one, 0, 0), (two, 1, 0)]))
    assert judged.score == pytest.approx(2 * 1 / (3 + 2))
    assert judged.words == "1 of 2 found, 2 wrong or too many"
    assert len(judged.sample.pred_instances) == 3  # what is drawn has the score
    # In a crowd of its class nothing is wrong.
    crowd = judge.judge(1, *detection([([2, 2, 9, 9], 0, 0.9)], [(one, 0, 1)]))
    assert np.isnan(crowd.score)
    assert judge.findings().confusion.matrix.tolist() == [
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
        [0, 1, 0, 0],
    ]
    assert "with a score of 0.3 or more" in judge.ranked_by


def test_an_object_in_a_crowd_can_be_found():
    judge = DetectionJudge(CLASSES, 0.3)
    crowd, inside = [0, 0, 40, 40], [10, 10, 20, 20]
    for label in (0, 1):  # in a crowd of its own class, and of another
        found = [(inside, label, 0.9), ([25, 25, 35, 35], 0, 0.8)]
        judged = judge.judge(label, *detection(found, [(crowd, 0, 1), (inside, label, 0)]))
        assert judged.score == 1 and judged.words == "1 of 1 found, 0 wrong or too many"
        assert len(judged.sample.pred_instances) == 1
    judged = judge.judge(2, *detection([(inside, 1, 0.9)], [(crowd, 0, 1)]))
    assert judged.words == "0 of 0 found, 1 wrong or too many"


def test_nothing_found_and_nothing_there():
    judge = DetectionJudge(CLASSES, 0.3)
    assert np.isnan(judge.judge(0, *detection([], [])).score)
    assert judge.judge(1, *detection([], [([0, 0, 9, 9], 1, 0)])).score == 0
    findings = judge.findings()
    assert np.array_equal(findings.class_scores["box AP"], [np.nan, 0, np.nan], equal_nan=True)
    with pytest.raises(ValueError, match="needs boxes: the model predicts none"):
        judge.judge(2, BaseDataElement(), {})


def test_run_length_codes_are_masks_too():
    mask = np.zeros(SIZE, np.uint8)
    mask[5:15, 10:20] = 1
    code = coco_mask.encode(np.asfortranarray(mask))
    code["counts"] = code["counts"].decode()
    own = {"bbox": [10, 5, 20, 15], "bbox_label": 1, "ignore_flag": 0, "mask": code}
    truth, ignored = true_instances({"instances": [own]}, SIZE, True)
    assert np.array_equal(truth.masks[0].numpy(), mask.astype(bool)) and not ignored.any()
    truth, ignored = true_instances({"instances": []}, SIZE, True)
    assert len(truth.bboxes) == len(ignored) == 0 and truth.masks.shape == (0, *SIZE)


def pixels(random, binary: bool = False) -> BaseDataElement:
    """An image with what mmseg makes of a head's logits; of one channel it is a probability."""
    from mmseg.models.segmentors import BaseSegmentor

    truth = random.integers(0, 2 if binary else 3, SIZE)
    logits = random.normal(0, 6, (1 if binary else 3, *SIZE)).astype(np.float32)
    for label in range(1, 2) if binary else range(3):
        logits[0 if binary else label] += 4 * (truth == label)
    truth[:5] = 255
    (sample,) = BaseSegmentor.postprocess_result(
        SimpleNamespace(decode_head=SimpleNamespace(threshold=0.5)), torch.from_numpy(logits)[None]
    )
    sample.gt_sem_seg = PixelData(data=torch.from_numpy(truth)[None])
    return sample


@pytest.mark.parametrize("binary", [False, True])
def test_pixels_are_counted_as_mmseg_and_scikit_learn_do(binary):
    from mmseg.evaluation import IoUMetric

    classes = CLASSES[:2] if binary else CLASSES
    random = np.random.default_rng(0)
    samples = [pixels(random, binary) for _ in range(4)]
    judge = SegmentationJudge(classes, 0.3)
    judged = [judge.judge(index, sample, {}) for index, sample in enumerate(samples)]
    findings = judge.findings()
    truth = np.stack([s.gt_sem_seg.data[0].numpy() for s in samples])
    kept = truth != 255
    predicted = np.stack([s.pred_sem_seg.data[0].numpy() for s in samples])[kept]
    expected = metrics.confusion_matrix(truth[kept], predicted)
    assert np.array_equal(findings.confusion.matrix, expected)
    metric = IoUMetric()
    metric.dataset_meta = {"classes": classes}
    metric.process({}, [sample.to_dict() for sample in samples])
    scores = metric.evaluate(4)
    assert findings.class_scores["IoU (%)"].mean() == pytest.approx(scores["mIoU"], abs=0.006)
    assert findings.class_scores["recall (%)"].mean() == pytest.approx(scores["mAcc"], abs=0.006)
    scores = torch.stack([s.seg_logits.data for s in samples]).double()
    shares = (torch.cat([1 - scores, scores], 1) if binary else scores.softmax(1)).numpy()
    for label, curve in enumerate(findings.curves["Pixels of each class"]):
        exact = metrics.average_precision_score(truth[kept] == label, shares[:, label][kept])
        assert curve.average == pytest.approx(exact, abs=2e-4)
    assert judge.counts.nbytes < 1e6  # whatever the number of pixels
    own = metrics.jaccard_score(
        truth[0][kept[0]], samples[0].pred_sem_seg.data[0][kept[0]], average=None
    )
    assert judged[0].score == pytest.approx(own.mean())
    assert "seg_logits" not in judged[0].sample and "seg_logits" in samples[0]


def test_masks_that_do_not_fit_are_named():
    judge = SegmentationJudge(CLASSES, 0.3)
    sample = pixels(np.random.default_rng(0))
    sample.gt_sem_seg = PixelData(data=torch.zeros(1, 30, 40, dtype=torch.long))
    with pytest.raises(ValueError, match=r"x\.png: its mask is \(30, 40\) and its prediction"):
        judge.judge(0, sample, {"img_path": "x.png"})
    with pytest.raises(ValueError, match="needs the truth beside the prediction"):
        judge.judge(0, BaseDataElement(), {})


def classified(truth: list[int], scores: list[float]) -> BaseDataElement:
    label = LabelData(label=torch.tensor(truth)).label
    return BaseDataElement(gt_label=label, pred_score=torch.tensor(scores))


def test_classes_are_counted_as_scikit_learn_does():
    random = np.random.default_rng(0)
    truths, scores = random.integers(0, 3, 50), random.dirichlet(np.ones(3), 50)
    judge = ClassificationJudge(CLASSES, 0.3)
    judged = [
        judge.judge(i, classified([int(truths[i])], scores[i].tolist()), {}) for i in range(50)
    ]
    findings = judge.findings()
    predicted = scores.argmax(1)
    expected = metrics.confusion_matrix(truths, predicted)
    assert np.array_equal(findings.confusion.matrix, expected)
    rates = metrics.precision_recall_fscore_support(truths, predicted)
    for name, values in zip(("precision", "recall", "F1", "images"), rates, strict=True):
        assert np.allclose(findings.class_scores[name], values), name
    for label in range(3):
        average = metrics.average_precision_score(truths == label, scores[:, label])
        assert findings.class_scores["average precision"][label] == pytest.approx(average)
    assert judged[7].score == pytest.approx(scores[7, truths[7]])
    names = [name for name, _ in judged[7].guesses]
    assert names == [CLASSES[i] for i in np.argsort(-scores[7])]
    with pytest.raises(ValueError, match="several labels an image are not served"):
        judge.judge(0, classified([0, 1], [0.1, 0.2, 0.7]), {})


def test_one_class_and_a_diverged_segmenter():
    with pytest.raises(ValueError, match="needs two classes or more"):
        SegmentationJudge(("only",), 0.3)
    judge = SegmentationJudge(CLASSES, 0.3)
    logits = torch.full((1, 3, 2, 2), float("nan"))
    judge._count_scores(log_odds(logits[0].double().flatten(1)), torch.zeros(4).long())
    assert judge.counts[1].sum() == 3 * 4


def test_the_ranking_keeps_the_extremes_and_none_twice():
    def of(most: int, scores: list[float]) -> tuple[list[int], list[int]]:
        ranking = Ranking(most)
        for index, score in enumerate(scores):
            ranking.add(Judged(index, score, index % 2, "", None))
        assert len(ranking.worst) <= 2 * most
        best, worst = ranking.best_and_worst()
        return [own.index for own in best], [own.index for own in worst]

    assert of(2, [0.5, float("nan"), 0.9, 0.1, 0.7]) == ([2, 4], [3, 0])
    assert of(2, [1, 1, 1, 0, 0, 0]) == ([1, 0], [3, 5])  # the heavier of equals first
    assert of(2, [0, 0, 0, 0, 0]) == ([1, 3], [0, 2])
    assert of(2, [0.3, 0.2, 0.1]) == ([0, 1], [2])
    assert of(0, [0.3]) == ([], [])
    unjudged = [float("nan")] * 6
    assert of(5, [0.1, 0.2, 0.3, 0.4, *unjudged]) == ([3, 2], [0, 1])
