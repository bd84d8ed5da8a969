"""Detection data in the place of a config's own."""

import json
from pathlib import Path

import pytest
from PIL import Image

from msa_backbone.config.user_data import set_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.detection.index import make_val_split

from ..toy_config import config

INDEX = Path("/nowhere/index")


PACK = {"type": "PackDetInputs"}


@pytest.fixture
def voc_data(tmp_path):
    for name in "abc":
        Image.new("RGB", (32, 24)).save(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.xml").write_text(
            "<annotation><size><width>32</width><height>24</height></size>"
            "<object><name>cell</name><bndbox><xmin>3</xmin><ymin>3</ymin>"
            "<xmax>13</xmax><ymax>13</ymax></bndbox></object></annotation>"
        )
    return make_val_split(find_detection_data(tmp_path))


@pytest.fixture
def coco_data(tmp_path):
    (tmp_path / "images").mkdir()
    for split, name in (("train", "a.png"), ("val", "b.png"), ("test", "c.png")):
        Image.new("RGB", (32, 24)).save(tmp_path / "images" / name)
        content = {
            "images": [{"id": 1, "file_name": name, "width": 32, "height": 24}],
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
            "annotations": [
                {
                    "id": 1,
                    "image_id": 1,
                    "category_id": 2,
                    "bbox": [1, 1, 9, 9],
                    "area": 81,
                    "iscrowd": 0,
                }
            ],
        }
        path = tmp_path / "annotations" / f"instances_{split}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return find_detection_data(tmp_path)


def test_coco_data_replaces_the_dataset_and_keeps_the_rest(coco_data):
    cfg = config()
    set_data(cfg, coco_data, INDEX)
    heads = cfg.model.roi_head.bbox_head
    assert [h.num_classes for h in (*heads, cfg.model.mask_head)] == [2, 2, 2]
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        assert loader.batch_size == 7
        assert loader.dataset.type == "CocoDataset"
        assert loader.dataset.ann_file.endswith(f"annotations/instances_{split}.json")
        assert loader.dataset.metainfo.classes == ("cat", "dog")
        assert loader.dataset.metainfo.palette == [(217, 33, 33), (33, 217, 217)]
        assert loader.dataset.test_mode == (split != "train")
    for split in ("val", "test"):
        (metric,) = cfg[f"{split}_evaluator"]
        assert metric.type == "CocoMetric"
        assert metric.ann_file == cfg[f"{split}_dataloader"].dataset.ann_file


def test_voc_data_is_read_through_the_index_and_judged_both_ways(voc_data):
    cfg = config()
    set_data(cfg, voc_data, INDEX)
    assert cfg.train_dataloader.dataset.ann_file == str(INDEX / "train.json")
    # without a test split, testing uses val
    assert cfg.test_dataloader.dataset.ann_file == str(INDEX / "val.json")
    voc, coco = cfg.test_evaluator
    assert (voc.type, voc.eval_mode) == ("VOCMetric", "area")
    assert (coco.type, coco.ann_file) == ("CocoMetric", str(INDEX / "val.json"))


def test_the_configs_own_filter_and_metric_stay(coco_data):
    cfg = config({"type": "CocoDataset", "pipeline": config().train_dataloader.dataset.pipeline})
    set_data(cfg, coco_data, INDEX)
    filter_cfg = cfg.train_dataloader.dataset.filter_cfg
    assert filter_cfg == {"filter_empty_gt": True, "min_size": 1}
    assert "filter_cfg" not in cfg.val_dataloader.dataset

    cfg = config()
    cfg.train_dataloader.dataset.filter_cfg = {"filter_empty_gt": False}
    cfg.val_evaluator = [{"type": "CocoMetric", "metric": ["bbox", "proposal"]}]
    set_data(cfg, coco_data, INDEX)
    assert cfg.train_dataloader.dataset.filter_cfg == {"filter_empty_gt": False}
    assert cfg.val_evaluator[0].metric == ["bbox", "proposal"]
    assert cfg.test_evaluator[0].metric == "bbox"


@pytest.mark.parametrize("kind", ["mmdet.CocoMetric", type("CocoMetric", (), {})])
def test_what_the_configs_metric_scores_stays_however_its_type_is_written(kind, coco_data):
    cfg = config()
    cfg.val_evaluator = {"type": kind, "metric": ["bbox", "segm"]}
    set_data(cfg, coco_data, INDEX)
    assert cfg.val_evaluator[0].metric == ["bbox", "segm"]


VOC = {"type": "VOCMetric", "metric": "mAP", "eval_mode": "11points"}


def test_the_metrics_options_and_other_metrics_stay(coco_data):
    own = {"type": "CocoMetric", "metric": "bbox", "iou_thrs": [0.5], "proposal_nums": (1, 10, 50)}
    dump = {"type": "DumpDetResults", "out_file_path": "found.pkl"}
    lvis, images = {"type": "LVISMetric", "ann_file": "y"}, {"type": "OpenImagesMetric"}
    cfg = config()
    cfg.val_evaluator = [lvis, VOC, own, images, dump]
    cfg.test_evaluator = {"type": "MultiDatasetsEvaluator", "metrics": [own], "prefixes": ["a"]}
    set_data(cfg, coco_data, INDEX)
    file = cfg.val_dataloader.dataset.ann_file
    assert cfg.val_evaluator == [VOC, dump, {**own, "ann_file": file, "classwise": True}]
    file = cfg.test_dataloader.dataset.ann_file
    assert cfg.test_evaluator == [{**own, "ann_file": file, "classwise": True}]


def test_vocs_metric_of_the_config_stays(voc_data):
    cfg = config()
    cfg.val_evaluator = VOC
    set_data(cfg, voc_data, INDEX)
    file = str(INDEX / "val.json")
    coco = {"type": "CocoMetric", "metric": "bbox", "ann_file": file, "classwise": True}
    assert cfg.val_evaluator == [VOC, coco]


def test_class_weights_follow_the_classes(coco_data):
    """A box head's loss has a weight for the background as well."""
    cfg = config()
    cfg.model.roi_head.bbox_head[0].loss_cls = {"class_weight": [1.0] * 80 + [0.1]}
    set_data(cfg, coco_data, INDEX)
    assert cfg.model.roi_head.bbox_head[0].loss_cls.class_weight == [1.0, 1.0, 0.1]


def test_masks_are_asked_for_before_training(coco_data):
    cfg = config(pipeline=[{"type": "LoadAnnotations", "with_mask": True}, PACK])
    with pytest.raises(ValueError, match=r"instances_train.json: annotation 1 has no segmentation"):
        set_data(cfg, coco_data, INDEX)
    for split in coco_data.splits.values():
        split.content["annotations"][0]["segmentation"] = [[1, 1, 9, 1, 9, 9]]
    set_data(cfg, coco_data, INDEX)


def test_wrapped_datasets_keep_their_wrapper(coco_data):
    pipeline = [{"type": "LoadAnnotations"}, {"type": "PackDetInputs"}]
    inner = {"type": "VOCDataset", "pipeline": pipeline}
    joined = {"type": "ConcatDataset", "ignore_keys": ["dataset_type"], "datasets": [inner, inner]}

    cfg = config({"type": "RepeatDataset", "times": 3, "dataset": inner})
    set_data(cfg, coco_data, INDEX)
    dataset = cfg.train_dataloader.dataset
    assert (dataset.type, dataset.times, dataset.dataset.type) == (
        "RepeatDataset",
        3,
        "CocoDataset",
    )

    cfg = config({"type": "RepeatDataset", "times": 3, "dataset": joined})
    set_data(cfg, coco_data, INDEX)
    dataset = cfg.train_dataloader.dataset
    assert (dataset.times, dataset.dataset.type) == (3, "CocoDataset")
    assert dataset.dataset.pipeline[0].type == "LoadAnnotations"

    cfg = config(joined)
    set_data(cfg, coco_data, INDEX)
    assert cfg.train_dataloader.dataset.type == "CocoDataset"


def test_a_config_without_the_loader_is_refused(coco_data):
    cfg = config()
    cfg.val_dataloader = None
    with pytest.raises(ValueError, match="no val_dataloader"):
        set_data(cfg, coco_data, INDEX)
