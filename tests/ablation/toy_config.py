"""A small config of a detector, for data of --data."""

from mmengine.config import Config


def config() -> Config:
    """Its model is one that can be built: the preprocessor alone."""
    steps = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations", "with_bbox": True},
        {"type": "PackDetInputs"},
    ]
    loader = {
        "batch_size": 1,
        "num_workers": 0,
        "sampler": {"type": "DefaultSampler", "shuffle": False},
        "dataset": {"type": "CocoDataset", "pipeline": steps},
    }
    return Config({
        "default_scope": "mmdet",
        "model": {"type": "DetDataPreprocessor"},
        "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1}},
        **{f"{part}_dataloader": loader for part in ("train", "val", "test")},
        **{f"{part}_evaluator": {"type": "CocoMetric"} for part in ("val", "test")},
    })  # fmt: skip
