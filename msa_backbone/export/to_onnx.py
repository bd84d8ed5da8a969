"""From a trained model to one ONNX file that takes pictures and gives results."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import onnx_ir as ir
import torch
from mmengine.config import Config
from torch import nn

from ..files.whole_files import write_whole
from ..inference.predictor import Predictor
from ..tasks import Task
from ..version import __version__
from .models.build import as_tensor_function
from .picture_graph import take_pictures
from .picture_steps import picture_steps
from .runtime.file_info import TOKENS, FileInfo

OPSET = 20
EXAMPLE_SIDES = 256, 384
"""Of the input that the network is traced with. Of no map may a side be 1, as torch.export takes it
for a constant: RetinaNet's smallest has a side in 128."""
EXAMPLE_QUESTIONS = 3, 7
"""Questions and their words."""

NOISE = (
    ".*create_unbacked_symint.*",
    ".*isinstance.treespec, LeafSpec.*",
    ".*deprecated.*",
    ".*meshgrid.*",
)


def export_onnx(
    cfg: Config,
    checkpoint: str,
    file: Path,
    size: Sequence[int] | None = None,
    dtype: str | None = None,
) -> FileInfo:
    """Write a model, from picture to result, as an ONNX file.

    Args:
        cfg: the config of the training; its model is fitted to the checkpoint's classes.
        checkpoint: a file.
        file: where to; it appears when it is complete and checked.
        size: height and width of all pictures; None allows any.
        dtype: of the pictures, see `picture_steps`.

    Returns:
        What the file says about itself.

    Raises:
        DataError, ValueError: for a model, a step or a checkpoint that cannot be exported.
    """
    predictor = Predictor(cfg, checkpoint)
    steps = picture_steps(cfg, predictor.model.data_preprocessor, dtype)
    network = as_tensor_function(predictor.model, predictor.task)
    one = predictor.task.finds_objects or predictor.task is Task.QUESTIONS
    channels = sum(camera.channels for camera in steps.cameras)
    model = network_to_onnx(network, 1 if one else 2, channels)
    take_pictures(model, steps, 1 if one else "batch", size)
    info = describe(predictor, Path(cfg.filename).stem, steps.dtype)
    model.metadata_props.update(info.to_metadata())
    write_checked(model, file)
    return info


def network_to_onnx(network: nn.Module, batch: int, channels: int = 3) -> ir.Model:
    """A tensor function of `models/` as a graph for any height and width.

    Args:
        batch: 1 for networks that take one picture; 2 allows any number.
        channels: of a picture.
    """
    any_size = torch.export.Dim.DYNAMIC
    example = torch.zeros(batch, channels, *EXAMPLE_SIDES)
    sides = torch.tensor([float(side) for side in EXAMPLE_SIDES])
    dynamic = {2: any_size, 3: any_size, **({0: any_size} if batch > 1 else {})}
    words = [torch.ones(EXAMPLE_QUESTIONS, dtype=torch.int64)] if network.reads else []
    with warnings.catch_warnings():
        for message in NOISE:
            warnings.filterwarnings("ignore", message=message)
        program = torch.onnx.export(
            network,
            (example, sides, sides.clone(), *words),
            dynamo=True,
            dynamic_shapes=(dynamic, None, None, *({0: any_size, 1: any_size} for _ in words)),
            input_names=["x", "resized", "original", *(TOKENS for _ in words)],
            output_names=list(network.outputs),
            opset_version=OPSET,
            verbose=False,
        )
    return program.model


def describe(predictor: Predictor, config: str, dtype: str) -> FileInfo:
    """What a file of this model says about itself."""
    settings = predictor.model.test_cfg if predictor.task.finds_objects else {}
    settings = settings.get("rcnn") or settings
    head = getattr(predictor.model, "decode_head", None)
    reads = predictor.task is Task.QUESTIONS
    return FileInfo(
        task=predictor.task.title,
        classes=tuple(predictor.classes),
        palette=tuple(tuple(int(value) for value in colour) for colour in predictor.palette),
        score_thr=float(settings.get("score_thr", 0)),
        mask_thr=float(settings.get("mask_thr_binary") or getattr(head, "threshold", None) or 0.5),
        model=type(predictor.model).__name__,
        config=config,
        version=__version__,
        modalities=tuple(predictor.modalities),
        dtype=dtype,
        thresholds=predictor.thresholds or (),
        vocabulary=str(predictor.model.tokenizer.text) if reads else "",
    )


def write_checked(model: ir.Model, file: Path) -> None:
    """Write a model that ONNX's checker finds sound."""
    content = ir.to_proto(model)
    onnx.checker.check_model(content, full_check=True)
    write_whole(file, content.SerializeToString())
