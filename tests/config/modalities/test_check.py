from pathlib import Path

import pytest
from mmengine.config import Config

from msa_backbone import MultiModalMSAVGG
from msa_backbone.config.load import load_config
from msa_backbone.config.modalities.check import check_modalities
from msa_backbone.config.rehearse import rehearse

CONFIGS = Path(__file__).parents[3] / "configs/multimodal"
VISIBLE, INFRARED = {"name": "visible", "channels": 3}, {"name": "infrared", "channels": 1}
LOAD = {"type": "LoadModalities", "modalities": [VISIBLE, INFRARED]}
COLOURS = {"type": "mmseg.PhotoMetricDistortion"}


def config(*steps: dict, wrapped: tuple[dict, ...] = ()) -> Config:
    dataset = {"type": "CocoDataset", "pipeline": list(steps)}
    if wrapped:
        dataset = {"type": "MultiImageMixDataset", "dataset": dataset, "pipeline": list(wrapped)}
    return Config({"train_dataloader": {"dataset": dataset}})


def model(modalities=(VISIBLE, INFRARED), in_channels=(3, 1), dropout=None, **backbone) -> Config:
    """The config of a model beside the pipeline of two modalities."""
    cfg = config(LOAD)
    cfg.model = {
        "data_preprocessor": {
            "type": "MultiModalPreprocessor",
            "modalities": list(modalities),
            "dropout": dropout,
        },
        "backbone": {"type": "MultiModalMSAVGG", "in_channels": in_channels, **backbone},
    }
    return cfg


def test_what_is_wrapped_passes():
    mosaic = {"type": "ThreeChannelsAtATime", "transform": {"type": "Mosaic"}}
    colours = {"type": "OnModality", "transforms": [COLOURS]}
    flip = {"type": "RandomFlip", "prob": 0.5}
    check_modalities(config(LOAD, flip, colours, wrapped=(mosaic, flip)))


def test_one_camera_needs_no_wrappers():
    check_modalities(config({"type": "LoadImageFromFile"}, COLOURS))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (COLOURS, r"train_dataloader: PhotoMetricDistortion .*'OnModality'"),
        ({"type": "RandomApply", "transforms": [COLOURS]}, "PhotoMetricDistortion"),
        ({"type": "Mosaic"}, "Mosaic is made for three channels.*'ThreeChannelsAtATime'"),
        ({"type": "CachedMosaic"}, "CachedMosaic does not work .*take Mosaic in"),
        ({"type": "RandAugment"}, "RandAugment does not work .* photometric ones in OnModality"),
        ({"type": "Pad", "pad_val": {"img": (114, 114, 114)}}, "Pad is made for three channels"),
        ({"type": "ShearX"}, "ShearX is made for three channels.*'ThreeChannelsAtATime'"),
        ({"type": "TranslateY"}, "TranslateY is made for three channels.*'ThreeChannelsAtATime'"),
        ({"type": "RandomGrayscale"}, "RandomGrayscale is made for three .*'OnModality'"),
        ({"type": "Albu"}, "Albu does not work .*take it into OnModality for changes of colours"),
        ({"type": "InstaBoost"}, "InstaBoost does not work .*take Mosaic or MixUp in"),
        ({"type": "Normalize"}, "Normalize does not work .*take mean and std of the modalities"),
    ],
)
def test_what_is_not_wrapped_is_refused(wrong, match):
    for cfg in (config(LOAD, wrong), config(LOAD, wrapped=(wrong,))):
        with pytest.raises(ValueError, match=match):
            check_modalities(cfg)


def test_a_model_that_fits_passes():
    check_modalities(model())
    check_modalities(model(in_channels=(4,)))  # early fusion
    policies = [[{"type": "OnModality", "transforms": [COLOURS]}]]
    check_modalities(config(LOAD, {"type": "AutoAugment", "policies": policies}))
    check_modalities(model(dropout={"absent": 0.1}, modality_dropout=0.0))
    check_modalities(model(modality_dropout=(0.0, 0.2)))
    alone = model(in_channels=(1,))
    alone.model.data_preprocessor.only = ["infrared"]
    check_modalities(alone)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"modalities": (INFRARED, VISIBLE)}, r"expects infrared \(1 channels\), visible .* same"),
        ({"modalities": (VISIBLE, {**INFRARED, "unknown": True})}, r"expects .* and a mask\)"),
        ({"modalities": (VISIBLE,)}, "give both the same list"),
        ({"in_channels": (3, 3)}, r"in_channels=\(3, 3\), but visible, infrared have \(3, 1\)"),
        ({"in_channels": (1, 3)}, r"in_channels=\(1, 3\), but .* have \(3, 1\): .* in this order"),
        (
            {"dropout": {"absent": 0.1}, "modality_dropout": (0.0, 0.1)},
            "dropout of the data_preprocessor and modality_dropout of the backbone .* keep one",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused(options, match):
    with pytest.raises(ValueError, match=match):
        check_modalities(model(**options))


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"mean": 20.0}, r"train_dataloader loads infrared with mean=20\.0, .* has 0\.0"),
        ({"std": [9.0]}, r"infrared with std=\[9\.0\], .* has 1\.0"),
    ],
)
def test_numbers_that_have_no_effect_are_refused(values, match):
    cfg = model(modalities=(VISIBLE, INFRARED))
    cfg.train_dataloader.dataset.pipeline[0].modalities = [VISIBLE, {**INFRARED, **values}]
    with pytest.raises(ValueError, match=match):
        check_modalities(cfg)
    cfg.model.data_preprocessor.modalities = [VISIBLE, {**INFRARED, **values}]
    check_modalities(cfg)


def test_another_order_of_colours_is_refused_and_one_number_stands_for_three():
    cfg = model(modalities=({**VISIBLE, "mean": 0.0, "bgr_to_rgb": True}, INFRARED))
    with pytest.raises(ValueError, match=r"visible with bgr_to_rgb=False, .* has True"):
        check_modalities(cfg)
    load = cfg.train_dataloader.dataset.pipeline[0]
    load.modalities = [{**VISIBLE, "mean": [0, 0, 0], "bgr_to_rgb": True}, INFRARED]
    check_modalities(cfg)


def test_every_data_set_and_the_pipeline_of_tta_are_looked_at():
    """The cameras of a second data set would be taken for one another."""
    swapped = {"type": "LoadModalities", "modalities": [INFRARED, VISIBLE]}
    cfg = model()
    one, two = ({"type": "CocoDataset", "pipeline": [step]} for step in (LOAD, swapped))
    cfg.train_dataloader = {"dataset": {"type": "ConcatDataset", "datasets": [one, two]}}
    with pytest.raises(ValueError, match=r"train_dataloader loads infrared .* expects visible"):
        check_modalities(cfg)
    cfg = model()
    cfg.tta_pipeline = [swapped, {"type": "TestTimeAug", "transforms": [[{"type": "Resize"}]]}]
    with pytest.raises(ValueError, match=r"tta_pipeline loads infrared .* expects visible"):
        check_modalities(cfg)
    cfg.tta_pipeline[0] = LOAD
    check_modalities(cfg)
    cfg.tta_pipeline[1].transforms = [[COLOURS]]
    with pytest.raises(ValueError, match="tta_pipeline: PhotoMetricDistortion is made for"):
        check_modalities(cfg)


def test_the_default_of_the_backbone_is_looked_at():
    """Infrared first: its channel and two colours would run through the colours' stream."""
    cfg = model(modalities=(INFRARED, VISIBLE))
    cfg.train_dataloader.dataset.pipeline[0].modalities = [INFRARED, VISIBLE]
    del cfg.model.backbone["in_channels"]
    with pytest.raises(ValueError, match=r"in_channels=\(3, 1\), but infrared, visible have"):
        check_modalities(cfg)
    cfg.model.backbone.in_channels = (1, 3)
    check_modalities(cfg)


def test_neighbours_may_share_a_stream():
    depth = {"name": "depth", "channels": 1}
    three = (VISIBLE, INFRARED, depth)
    for channels in ((3, 1, 1), (3, 2), (4, 1), (5,)):
        cfg = model(modalities=three, in_channels=channels)
        cfg.train_dataloader.dataset.pipeline[0].modalities = list(three)
        check_modalities(cfg)
    cfg.model.backbone.in_channels = (2, 3)
    with pytest.raises(ValueError, match=r"in_channels=\(2, 3\)"):
        check_modalities(cfg)


def test_the_backbone_may_be_given_as_a_class():
    cfg = model()
    cfg.model.backbone = {"type": MultiModalMSAVGG}
    check_modalities(cfg)
    cfg.model.data_preprocessor.only = ["infrared"]
    with pytest.raises(ValueError, match=r"in_channels=\(3, 1\), but infrared have \(1,\)"):
        check_modalities(cfg)


def test_a_file_that_is_not_read_is_told_to_the_network():
    cfg = model()
    cfg.train_dataloader.dataset.pipeline[0].absent = ["infrared"]
    with pytest.raises(ValueError, match=r"does not read infrared .*absent=\['infrared'\] too"):
        check_modalities(cfg)
    cfg.model.data_preprocessor.absent = ["infrared"]
    check_modalities(cfg)
    alone = model(in_channels=(3,))
    alone.train_dataloader.dataset.pipeline[0].absent = ["infrared"]
    alone.model.data_preprocessor.only = ["visible"]  # the network gets nothing of infrared
    check_modalities(alone)


def test_padding_by_one_value_fills_four_channels():
    for value in (114, (114, 114, 114, 0)):
        check_modalities(config(LOAD, {"type": "Pad", "size": (9, 9), "pad_val": {"img": value}}))
    depth = {"name": "depth", "channels": 1, "unknown": True}
    wide = {"type": "LoadModalities", "modalities": [VISIBLE, INFRARED, depth]}
    with pytest.raises(ValueError, match="Pad is made for three channels"):
        check_modalities(config(wide, {"type": "Pad", "size_divisor": 32}))


@pytest.mark.parametrize("name", ["DetDataPreprocessor", "SegDataPreProcessor"])
def test_a_preprocessor_that_would_cut_channels_is_refused(name):
    cfg = model()
    cfg.model.data_preprocessor = {"type": name, "bgr_to_rgb": True}
    with pytest.raises(ValueError, match=f"{name} would keep three channels: write .*then=dict"):
        check_modalities(cfg)


def test_what_tests_and_predicts_is_checked_too():
    """All tools rehearse; a test's pipeline is looked at as a training's."""
    pytest.importorskip("mmdet")
    path = CONFIGS / "faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py"
    cfg = load_config(str(path), None, {})
    cfg.test_dataloader.dataset.pipeline.insert(1, COLOURS)
    with pytest.raises(ValueError, match="test_dataloader: PhotoMetricDistortion is made for"):
        rehearse(cfg, ())


def test_the_configs_of_several_cameras_fit():
    paths = sorted(CONFIGS.glob("*multimodal-msa*.py"))
    assert len(paths) >= 5
    for path in paths:
        check_modalities(load_config(str(path), None, {}))
