"""Each edit of an mmseg config changes what it names and leaves the rest."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from msa_backbone.config import segmentation_testing as edits
from msa_backbone.config.user_data import set_data
from msa_backbone.data.segmentation.find import find_segmentation_data
from msa_backbone.data.segmentation.index import write_index

INDEX = Path("/nowhere/index")


@pytest.fixture
def data(tmp_path):
    for split in ("train", "val", "test"):
        for folder, mode in (("images", "RGB"), ("masks", "L")):
            path = tmp_path / folder / split / f"{split[0]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new(mode, (32, 24)).save(path)
    return find_segmentation_data(tmp_path, ["sky", "road", "car"])


LOAD = [{"type": "LoadImageFromFile"}, {"type": "Resize", "scale": (64, 48)}]
CROP = {"type": "RandomCrop", "crop_size": (96, 60)}


def config(annotations=None, **model) -> Config:
    steps = [*LOAD, annotations or {"type": "LoadAnnotations"}, {"type": "PackSegInputs"}]
    dataset = {"type": "ADE20KDataset", "data_root": "data/ade", "pipeline": steps}
    train = {**dataset, "pipeline": [*steps[:-1], CROP, steps[-1]]}
    metric = {"type": "IoUMetric", "iou_metrics": ["mIoU", "mDice"]}
    return Config(
        {
            "model": {
                "decode_head": {"num_classes": 150, "loss_decode": {"type": "CrossEntropyLoss"}},
                "auxiliary_head": [{"num_classes": 150}],
                "test_cfg": {"mode": "whole"},
                **model,
            },
            "train_dataloader": {"batch_size": 7, "dataset": train},
            "val_dataloader": {"batch_size": 1, "dataset": dataset},
            "test_dataloader": {"batch_size": 1, "dataset": dataset},
            "val_evaluator": metric,
            "test_evaluator": metric,
        }
    )


def test_the_data_replace_the_dataset_and_the_rest_stays(data):
    cfg = config()
    set_data(cfg, data, INDEX)
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        dataset = loader.dataset
        assert loader.batch_size == (7 if split == "train" else 1)
        assert dataset.type == "BaseSegDataset" and dataset.test_mode == (split != "train")
        assert dataset.ann_file == str(INDEX / f"{split}.txt")
        assert dataset.data_prefix.img_path == str(data.root / "images" / split)
        assert dataset.data_prefix.seg_map_path == str(data.root / "masks" / split)
        assert dataset.metainfo.classes == ("sky", "road", "car")
        assert len({tuple(colour) for colour in dataset.metainfo.palette}) == 3
        assert dataset.pipeline[0] == LOAD[0]
    for name in ("val_evaluator", "test_evaluator"):
        assert cfg[name] == [{"type": "ClasswiseIoUMetric", "iou_metrics": ["mIoU", "mDice"]}]
    assert cfg.model.decode_head.num_classes == 3
    assert cfg.model.auxiliary_head[0].num_classes == 3


def test_masks_count_from_zero_also_where_the_configs_own_did_not(data):
    cfg = config({"type": "LoadAnnotations", "reduce_zero_label": True})
    set_data(cfg, data, INDEX)
    for split in ("train", "val", "test"):
        dataset = cfg[f"{split}_dataloader"].dataset
        assert dataset.reduce_zero_label is False
        assert "reduce_zero_label" not in dataset.pipeline[2]


def test_a_reader_that_turns_palettes_into_colours_is_refused(data):
    cfg = config({"type": "LoadAnnotations", "imdecode_backend": "cv2"})
    with pytest.raises(ValueError, match="cv2, which turns the indices of a palette PNG"):
        set_data(cfg, data, INDEX)


def test_out_channels_follow_the_classes(data):
    cfg = config(decode_head={"num_classes": 150, "out_channels": 150})
    set_data(cfg, data, INDEX)
    assert cfg.model.decode_head.out_channels == 3


def test_class_weights_of_other_classes_are_refused(data):
    loss = {"type": "CrossEntropyLoss", "class_weight": [1.0] * 149 + [2.0]}
    cfg = config(decode_head={"num_classes": 150, "loss_decode": loss})
    with pytest.raises(ValueError, match="150 weights, the data 3 classes"):
        set_data(cfg, data, INDEX)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1.0] * 150, [1.0] * 3),
        ([1.0] * 150 + [0.1], [1.0] * 3 + [0.1]),  # Mask2Former's, with "no object"
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
    ],
)
def test_class_weights_that_fit_or_can_be_made_to(data, weights, expected):
    loss = {"type": "CrossEntropyLoss", "class_weight": weights}
    cfg = config(decode_head={"num_classes": 150, "loss_decode": loss})
    set_data(cfg, data, INDEX)
    assert cfg.model.decode_head.loss_decode.class_weight == expected


def test_the_configs_metric_keeps_its_options_and_is_not_required(data):
    cfg = config()
    cfg.val_evaluator = [{"type": "mmseg.IoUMetric", "iou_metrics": ["mFscore"], "prefix": "a"}]
    cfg.pop("test_evaluator")
    set_data(cfg, data, INDEX)
    own = {"type": "ClasswiseIoUMetric", "iou_metrics": ["mFscore"], "prefix": "a"}
    assert cfg.val_evaluator == [own]
    assert cfg.test_evaluator == [{"type": "ClasswiseIoUMetric", "iou_metrics": ["mIoU"]}]


def test_values_to_ignore_reach_mmseg_as_255(tmp_path, data, tmp_path_factory):
    pytest.importorskip("mmseg")
    from mmengine.registry import DATASETS

    import msa_backbone  # noqa: F401

    for mask in tmp_path.glob("masks/*/*.png"):
        pixels = np.resize(np.arange(3, dtype=np.uint8), (24, 32))
        Image.fromarray(pixels).save(mask)
    data = find_segmentation_data(tmp_path, ["sky", "void", "car"])
    cfg = config()
    index = tmp_path_factory.mktemp("index")
    set_data(cfg, data, index)
    write_index(data, index)
    dataset = cfg.train_dataloader.dataset
    assert dataset.type == "LabelMapDataset" and cfg.model.decode_head.num_classes == 2
    dataset.pipeline = [{"type": "mmseg.LoadAnnotations"}]
    sample = DATASETS.build(dataset)[0]
    assert sample["gt_seg_map"][0, :6].tolist() == [0, 255, 1, 0, 255, 1]


@pytest.mark.parametrize(
    ("crop", "own", "expected"),
    [
        (None, {}, ((96, 60), (64, 40))),  # the training crop
        (None, {"crop_size": 90}, ((90, 90), (60, 60))),
        (48, {"crop_size": 90}, ((48, 48), (32, 32))),
    ],
)
def test_sliding_window(crop, own, expected):
    cfg = config(test_cfg={"mode": "whole", **own})
    assert "Sliding window" in edits.set_sliding_window(cfg, crop)
    assert cfg.model.test_cfg == {"mode": "slide", "crop_size": expected[0], "stride": expected[1]}


def test_sliding_window_of_a_model_without_test_cfg_and_of_no_size():
    cfg = config(test_cfg=None)
    edits.set_sliding_window(cfg)
    assert cfg.model.test_cfg.mode == "slide"
    with pytest.raises(ValueError, match="--slide -4: give the side"):
        edits.set_sliding_window(cfg, -4)


def test_sliding_window_needs_a_size_and_a_segmentor():
    cfg = config()
    cfg.train_dataloader.dataset.pipeline = []
    with pytest.raises(ValueError, match="--slide 512"):
        edits.set_sliding_window(cfg)
    cfg.model.pop("decode_head")
    for edit in (edits.set_sliding_window, edits.set_flip_augmentation):
        with pytest.raises(ValueError, match="serves segmentation configs"):
            edit(cfg)


def test_flips_come_before_the_truth_is_loaded():
    cfg = config()
    assert "mirror image" in edits.set_flip_augmentation(cfg)
    assert cfg.model.type == "SegTTAModel" and cfg.model.module.decode_head.num_classes == 150
    load, augment = cfg.test_dataloader.dataset.pipeline
    assert load.type == "LoadImageFromFile"
    kinds = [[step.type for step in steps] for steps in augment.transforms]
    assert kinds == [
        ["Resize"],
        ["RandomFlip", "RandomFlip"],
        ["LoadAnnotations"],
        ["PackSegInputs"],
    ]
    assert [flip.prob for flip in augment.transforms[1]] == [0.0, 1.0]


def test_the_configs_own_augmentation_is_used():
    cfg = config()
    cfg.tta_pipeline = [{"type": "LoadImageFromFile"}, {"type": "TestTimeAug", "transforms": []}]
    assert "tta_pipeline" in edits.set_flip_augmentation(cfg)
    assert cfg.test_dataloader.dataset.pipeline == cfg.tta_pipeline


def test_the_configs_own_tta_model_and_all_of_several_test_sets_are_used():
    cfg = config()
    cfg.tta_model = {"type": "OwnTTAModel", "average": "median"}
    own = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = {"type": "ConcatDataset", "datasets": [own, dict(own)]}
    edits.set_flip_augmentation(cfg)
    assert cfg.model.type == "OwnTTAModel" and cfg.model.average == "median"
    for dataset in cfg.test_dataloader.dataset.datasets:
        assert dataset.pipeline[1].type == "TestTimeAug"


def test_scopes_in_names_do_not_matter(data):
    cfg = config({"type": "mmseg.LoadAnnotations", "reduce_zero_label": True})
    cfg.test_dataloader.dataset.pipeline[-1].type = "mmseg.PackSegInputs"
    cfg.tta_pipeline = [{"type": "mmseg.LoadAnnotations", "reduce_zero_label": True}]
    set_data(cfg, data, INDEX)
    assert "reduce_zero_label" not in cfg.train_dataloader.dataset.pipeline[2]
    assert "reduce_zero_label" not in cfg.tta_pipeline[0]
    cfg.pop("tta_pipeline")
    edits.set_flip_augmentation(cfg)
    kinds = [
        [s.type for s in steps] for steps in cfg.test_dataloader.dataset.pipeline[1].transforms
    ]
    assert kinds[2:] == [["mmseg.LoadAnnotations"], ["mmseg.PackSegInputs"]]
