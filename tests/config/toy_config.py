"""A small config of a detector."""

from mmengine.config import Config


def config(train_dataset=None, pipeline=()) -> Config:
    steps = pipeline or [
        {"type": "LoadAnnotations", "with_bbox": True},
        {"type": "PackDetInputs"},
    ]
    dataset = {"type": "CocoDataset", "data_root": "data/coco/", "pipeline": steps}
    loader = {"batch_size": 7, "dataset": dataset}
    return Config(
        {
            "model": {
                "backbone": {"type": "MSAVGG", "init_cfg": None},
                "roi_head": {"bbox_head": [{"num_classes": 80}, {"num_classes": 80}]},
                "mask_head": {"num_classes": 80},
            },
            "train_dataloader": {"batch_size": 7, "dataset": train_dataset or dataset},
            "val_dataloader": loader,
            "test_dataloader": loader,
            "val_evaluator": {"type": "CocoMetric", "ann_file": "x"},
            "test_evaluator": {"type": "CocoMetric", "ann_file": "x"},
            "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1}},
        }
    )
