import pytest
from mmengine.config import Config

from msa_backbone.config.paired_pipelines import check_paired_pipelines

LOAD = {"type": "LoadModalities", "modalities": []}
COLOURS = {"type": "mmseg.PhotoMetricDistortion"}


def config(*steps: dict, wrapped: tuple[dict, ...] = ()) -> Config:
    dataset = {"type": "CocoDataset", "pipeline": list(steps)}
    if wrapped:
        dataset = {"type": "MultiImageMixDataset", "dataset": dataset, "pipeline": list(wrapped)}
    return Config({"train_dataloader": {"dataset": dataset}})


def test_what_is_wrapped_passes():
    mosaic = {"type": "ThreeChannelsAtATime", "transform": {"type": "Mosaic"}}
    colours = {"type": "OnModality", "transforms": [COLOURS]}
    flip = {"type": "RandomFlip", "prob": 0.5}
    check_paired_pipelines(config(LOAD, flip, colours, wrapped=(mosaic, flip)))


def test_one_camera_needs_no_wrappers():
    check_paired_pipelines(config({"type": "LoadImageFromFile"}, COLOURS))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (COLOURS, r"train_dataloader: PhotoMetricDistortion .*'OnModality'"),
        ({"type": "RandomApply", "transforms": [COLOURS]}, "PhotoMetricDistortion"),
        ({"type": "Mosaic"}, "Mosaic is made for three channels.*'ThreeChannelsAtATime'"),
        ({"type": "CachedMosaic"}, "CachedMosaic does not work .*take Mosaic in"),
    ],
)
def test_what_is_not_wrapped_is_refused(wrong, match):
    for cfg in (config(LOAD, wrong), config(LOAD, wrapped=(wrong,))):
        with pytest.raises(ValueError, match=match):
            check_paired_pipelines(cfg)
