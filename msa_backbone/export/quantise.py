"""8-bit weights and features, by ONNX Runtime's static quantisation, and what they cost in score.

Whole numbers of 8 bits are faster to multiply and a quarter as large. The range of each feature map
is measured on the user's pictures. What that costs is measured as well, and where it is too much
fewer parts are quantised: first the heads stay as they are, whose outputs are boxes and scores,
then the attention, whose gates look at small differences.

Source: https://arxiv.org/abs/1712.05877, section 2.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from ..config.user_data import use_data
from ..config_nodes import innermost
from ..errors import DataError
from ..files.images import read_image
from ..files.loaded_modalities import loaded_modalities
from ..files.modality import split_stack
from ..files.modality_files import read_scene
from ..files.whole_files import write_whole
from ..tasks import task_of
from ..training.tool_runner import ToolRunner
from .prepare_testing import prepare_exported_testing, use_exported
from .runtime.predictor import RuntimePredictor

PARTS: dict[str, tuple[str, ...]] = {
    "the whole model": ("",),
    "backbone and neck": (".backbone.", ".neck."),
    "the backbone's own convolutions": (".features.",),
}
"""Parts to quantise, the most first: what one of the names of a weight has to contain."""

OPERATORS = ("Conv", "Gemm")
MOST_PICTURES = 64
MOST_LOSS = 1.0
"""Points of 100 that quantisation may cost."""


def quantise_for(
    load: Callable[[], Config], file: Path, out: Path, data: str, classes: Sequence[str] | None
) -> list[str]:
    """Write a quantised file that loses at most a point of its score on the user's data.

    Args:
        load: reads the config afresh.
        file: the exported file, in float32.
        out: where to.
        data: a folder as of --data: the pictures of its train split set the ranges, those of test,
            or else val, give the score.
        classes: of `data`.

    Returns:
        Lines for the user: the scores before and after.

    Raises:
        DataError: if every choice of parts loses more.
    """
    with TemporaryDirectory() as folder:
        cfg = load()
        cfg.work_dir = str(Path(folder, "float"))
        lines = prepare_exported_testing(cfg, str(file), data=data, classes=classes)
        pictures = TrainPictures(
            training_config(load(), Path(folder, "train"), data, classes), file
        )
        name, before = score_of(cfg, "float")
        lines.append(f"float32: {name} {before:.1f}")
        tried = []
        for number, (part, names) in enumerate(PARTS.items()):
            candidate = Path(folder, f"{number}.onnx")
            nodes = quantise(file, candidate, pictures.inputs(), names)
            if not nodes:
                continue
            use_exported(cfg, str(candidate))
            _, after = score_of(cfg, f"int8-{number}")
            tried.append(
                f"int8 of {part}, {nodes} layers: {name} {after:.1f}, {after - before:+.1f}"
            )
            if before - after <= MOST_LOSS:
                write_whole(out, candidate.read_bytes())
                return [*lines, *tried, f"ranges from {len(pictures)} pictures; {part} is in int8"]
    if not tried:
        raise DataError(f"{file} has no layer that int8 could serve: leave --int8 out")
    raise DataError(
        f"int8 costs more than {MOST_LOSS:.0f} point of {name} on {data}, whatever is left out "
        f"({'; '.join(tried)}): leave --int8 out"
    )


def training_config(
    cfg: Config, work_dir: Path, data: str, classes: Sequence[str] | None
) -> Config:
    """The config with the user's data and all that a training reads of them; a test needs less."""
    cfg.work_dir = str(work_dir)
    use_data(cfg, data, classes).write_index()
    return cfg


class TrainPictures:
    """At most `MOST_PICTURES` of those that the config's training reads, spread over all.

    Args:
        file: what they are for.
    """

    def __init__(self, cfg: Config, file: Path) -> None:
        init_default_scope(cfg.get("default_scope", "mmengine"))
        source = innermost(cfg.train_dataloader.dataset)[0]
        self.dataset = DATASETS.build({**source, "pipeline": []})
        self.modalities = loaded_modalities(cfg)
        self.predictor = RuntimePredictor(file)
        self.numbers = spread_numbers(len(self.dataset))

    def __len__(self) -> int:
        return len(self.numbers)

    def inputs(self) -> Iterator[dict[str, np.ndarray]]:
        """What the file takes, picture by picture."""
        for number in self.numbers:
            record = self.dataset.get_data_info(number)
            path = Path(record["img_path"])
            if self.modalities:
                picture = split_stack(read_scene(path, self.modalities), self.modalities)
            else:
                picture = read_image(path)
            questions = [record["question"]] if self.predictor.info.vocabulary else ()
            yield self.predictor.inputs(picture, questions)


def spread_numbers(total: int) -> list[int]:
    """At most `MOST_PICTURES` of the numbers below `total`, as evenly spread as can be.

    Class folders are read class by class: without the end of them some classes set no range.
    """
    return np.linspace(0, total - 1, min(total, MOST_PICTURES)).round().astype(int).tolist()


def score_of(cfg: Config, name: str) -> tuple[str, float]:
    """The score that leads for the config's task, and its value in points of 100."""
    cfg.experiment_name = name
    cfg.custom_hooks = []  # no report of this
    scores = ToolRunner.from_cfg(cfg).test()
    leading = next(score for score in task_of(cfg).headline_scores if score in scores)
    unit = 100 if leading.startswith(("coco/", "pascal_voc/")) else 1
    return leading, unit * float(scores[leading])


def quantise(
    file: Path, out: Path, inputs: Iterator[dict[str, np.ndarray]], names: Sequence[str]
) -> int:
    """Quantise the layers with one of `names` in their weight's name; return their number.

    Args:
        inputs: what the file takes, for the ranges of its features.

    Returns:
        0 where there are none; then nothing is written.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    graph = onnx.load(file).graph
    layers = [
        node.name
        for node in graph.node
        if node.op_type in OPERATORS and any(name in node.input[1] for name in names)
    ]
    if not layers:  # which ONNX Runtime takes for all
        return 0
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises optimisations that the exporter has made already
    try:
        quantize_static(
            file,
            out,
            _Calibration(inputs),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=layers,
            op_types_to_quantize=list(OPERATORS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    finally:
        logger.setLevel(level)
    return len(layers)


class _Calibration:
    """Hands what the file takes to ONNX Runtime's calibration, one picture at a time."""

    def __init__(self, inputs: Iterator[dict[str, np.ndarray]]) -> None:
        self._inputs = inputs

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._inputs, None)
