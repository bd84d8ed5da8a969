"""The scores of a run: on the test images, and on those that it was trained on."""

import os
from collections.abc import Mapping

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner, TestLoop

from ..config_nodes import innermost, walk


def score_test(runner: Runner) -> dict[str, float]:
    """Test the runner's trained model as its config says.

    `Runner.test` would begin another run. There `EMAHook` begins its average of the weights anew,
    and the scores would not be those of the checkpoint, which holds the average.

    Args:
        runner: after the training.
    """
    return plain_scores(runner.test_loop.run(), runner.test_loop.evaluator)


def score_train(runner: Runner, loader: ConfigDict, evaluator: object) -> dict[str, float]:
    """Test the runner's model on the images of its training.

    Args:
        runner: after the training.
        loader, evaluator: from `train_as_test`.
    """
    loop = TestLoop(runner, loader, evaluator)
    dataset = loop.dataloader.dataset
    for metric in _coco_metrics(loop.evaluator):  # the file may tell of more than was trained on
        metric.img_ids = [dataset.get_data_info(n)["img_id"] for n in range(len(dataset))]
    return plain_scores(loop.run(), loop.evaluator)


def train_as_test(cfg: Config) -> tuple[ConfigDict, object]:
    """The test's dataloader and evaluator on the training's images.

    A score on these beside the one on the test images shows how much a model overfits. The images
    go through the pipeline of the test, without the training's random changes.

    Raises:
        ValueError: for a training on several datasets, of which a test scores one.
    """
    copy = Config(cfg._cfg_dict.to_dict())
    sources = innermost(copy.train_dataloader.dataset)
    if len(sources) > 1:
        raise ValueError(
            f"--train-scores needs one training dataset, the config has {len(sources)}"
        )
    source, target = sources[0], innermost(copy.test_dataloader.dataset)[0]
    for key in ("ann_file", "question_file", "data_root", "data_prefix", "indices", "filter_cfg"):
        target.pop(key, None)
        if key in source:
            target[key] = source[key]
    if "test_mode" in target:
        target.test_mode = False  # which filters the images as for training, and so counts them

    def score_source(node: dict) -> None:
        if "ann_file" in node:
            node["ann_file"] = os.path.join(source.get("data_root") or "", source["ann_file"])

    walk(copy.test_evaluator, score_source)
    return copy.test_dataloader, copy.test_evaluator


def plain_scores(metrics: Mapping[str, object], evaluator: Evaluator) -> dict[str, float]:
    """The scores that are numbers.

    Of a detector that finds nothing at all CocoMetric tells nothing. Its precision is 0, and a mean
    over seeds without it would be too good.
    """
    scores = {k: float(v) for k, v in metrics.items() if np.ndim(v) == 0 and not isinstance(v, str)}
    for metric in _coco_metrics(evaluator):
        items = metric.metric_items or ("mAP", "mAP_50", "mAP_75")
        for kind in (kind for kind in metric.metrics if kind in ("bbox", "segm")):
            start = f"{metric.prefix}/{kind}_"
            if not (metric.format_only or any(name.startswith(start) for name in scores)):
                scores |= {start + item: 0.0 for item in items}
    return scores


def _coco_metrics(evaluator: Evaluator) -> list:
    return [metric for metric in evaluator.metrics if type(metric).__name__ == "CocoMetric"]
