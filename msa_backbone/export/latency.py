"""How long a picture takes in every runtime: plain VGG16 against the one with attention.

Attention that is cheap in PyTorch may be slow elsewhere: its many small steps are fused there, or
are not. So each runtime is compared with itself. All of them take turns in one process; weights are
random, which changes no time but that of objects found.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from ..backbones import MSAVGG
from ..config.options import drop_pretrained, unsync_norms
from ..config_nodes import find_nodes, innermost, type_name, walk
from ..costs.measure import interleave, ratio
from ..inference.predictor import Predictor
from .models.split_branches import split_branches
from .quantise import quantise
from .required_packages import RUNTIMES
from .runtime.predictor import RuntimePredictor
from .runtime.sessions import OnnxSession, OpenVinoSession
from .to_onnx import OPSET, export_onnx
from .to_openvino import convert_to_openvino

VARIANTS = ("plain", "ours")
CALIBRATION = 4
"""Pictures of noise that set the ranges of int8; they change no time."""

Step = Callable[[], object]


def variant(cfg: Config, name: str, size: Sequence[int], folder: Path) -> Predictor:
    """A config's model with random weights, for pictures of one height and width.

    Args:
        cfg: changed in place.
        name: 'plain' leaves the attention out.
        folder: for the checkpoint.

    Raises:
        ValueError: for a config whose backbone is no MSAVGG with attention, or whose pictures no
            Resize brings to a size.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))
    backbone = cfg.model.backbone
    if type_name(backbone) != "MSAVGG" or backbone.get("attention", {}) is None:
        raise ValueError(
            f"config {cfg.filename} has no MSAVGG with attention, which is compared with plain VGG"
        )
    resizes = find_nodes(innermost(cfg.test_dataloader.dataset)[0].pipeline, "Resize")
    if not resizes:
        raise ValueError(
            f"config {cfg.filename}: its test pipeline has no Resize, which would take the size"
        )
    drop_pretrained(cfg)
    unsync_norms(cfg)
    if name == "plain":
        backbone.update(attention=None, attention_positions=None)
    else:
        backbone.zero_init = False  # zeros could be skipped
    for step in resizes:
        step["scale"] = (size[1], size[0])
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    classes = tuple(map(str, range(_num_classes(cfg.model))))
    file = folder / f"{name}.pth"
    meta = {"dataset_meta": {"classes": classes}}
    torch.save({"state_dict": model.state_dict(), "meta": meta}, file)
    return Predictor(cfg, str(file))


def _num_classes(model: dict) -> int:
    """Of a config's model; of several parts that have classes those of the last."""
    found: list[int] = []
    walk(model, lambda node: found.append(node["num_classes"]) if "num_classes" in node else None)
    return found[-1]


def whole_steps(
    load: Callable[[], Config], name: str, size: Sequence[int], runtimes: Sequence[str],
    threads: int, folder: Path,
) -> Iterator[tuple[str, Step]]:  # fmt: skip
    """For each runtime what predicts on a picture, from its pixels to the result.

    Args:
        load: reads the config afresh.
        name: of `VARIANTS`.
        size: height and width.
        runtimes: of `RUNTIMES`.
        threads: of the exported files; torch's are set by the caller.
        folder: for the files.
    """
    folder.mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    cfg = load()
    predictor = variant(cfg, name, size, folder)
    if "eager" in runtimes:
        yield "eager", lambda: predictor([picture], ["picture"])
    if "compile" in runtimes:
        compiled = Predictor(cfg, str(folder / f"{name}.pth"))
        for part in ("backbone", "neck"):
            if getattr(compiled.model, part, None) is not None:
                module = torch.compile(getattr(compiled.model, part), dynamic=False)
                setattr(compiled.model, part, module)
        yield "compile", lambda: compiled([picture], ["picture"])
    runtimes = [runtime for runtime in runtimes if RUNTIMES[runtime]]
    if not runtimes:
        return
    file, small = folder / "model.onnx", folder / "int8.onnx"
    info = export_onnx(cfg, str(folder / f"{name}.pth"), file, size)
    if any("int8" in runtime for runtime in runtimes):
        runtime = RuntimePredictor(file)
        rng = np.random.default_rng(1)
        noise = (rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(CALIBRATION))
        quantise(file, small, map(runtime.inputs, noise), ("",))
    for runtime in runtimes:
        opened = small if "int8" in runtime else file
        if runtime.startswith("openvino"):
            converted = folder / f"{runtime}.xml"
            convert_to_openvino(opened, info, converted)
            opened = converted
        run = RuntimePredictor(opened, threads)
        yield runtime, lambda run=run: run(picture)


def backbone_steps(
    positions: str, name: str, size: Sequence[int], runtimes: Sequence[str], threads: int,
    folder: Path,
) -> Iterator[tuple[str, Step]]:  # fmt: skip
    """As `whole_steps`, of VGG16 alone: features of a normalised picture.

    Args:
        positions: of the attention, 'pool' or 'relu'.
    """
    folder.mkdir(parents=True)
    attention = {"type": "MultiScaleAttention"} if name == "ours" else None
    places = positions if attention else None
    torch.manual_seed(0)
    backbone = MSAVGG(attention=attention, attention_positions=places, zero_init=False).eval()
    x = torch.randn(1, 3, *size)
    if "eager" in runtimes:
        yield "eager", lambda: backbone(x)
    if "compile" in runtimes:
        compiled = torch.compile(copy.deepcopy(backbone), dynamic=False)
        yield "compile", lambda: compiled(x)
    runtimes = [runtime for runtime in runtimes if RUNTIMES[runtime]]
    if not runtimes:
        return
    file, small = folder / "backbone.onnx", folder / "int8.onnx"
    exported = copy.deepcopy(backbone)
    split_branches(exported)
    program = torch.onnx.export(
        exported, (x,), dynamo=True, input_names=["x"], opset_version=OPSET, verbose=False
    )
    program.save(file)
    given = {"x": x.numpy()}
    if any("int8" in runtime for runtime in runtimes):
        quantise(file, small, iter([given] * CALIBRATION), ("",))
    for runtime in runtimes:
        session = OpenVinoSession if runtime.startswith("openvino") else OnnxSession
        opened = session(small if "int8" in runtime else file, threads)
        yield runtime, lambda opened=opened: opened.run(given)


def measure_latency(
    steps_of: Callable[[str, Path], Iterator[tuple[str, Step]]], rounds: int, folder: Path
) -> dict[tuple[str, str], list[float]]:
    """Seconds of each round by runtime and variant.

    Args:
        steps_of: gives the steps of one of `VARIANTS` and a folder for its files, by runtime.
    """
    steps = {
        (runtime, name): step
        for name in VARIANTS
        for runtime, step in steps_of(name, folder / name)
    }
    with torch.inference_mode():
        return interleave(steps, rounds)


def latency_table(times: Mapping[tuple[str, str], Sequence[float]]) -> str:
    """Medians in ms, the ratio of ours to plain, and how much faster than eager ours is."""
    lines = ["| runtime | plain, ms | ours, ms | ours to plain | ours, faster than eager |"]
    lines.append("| --- | --- | --- | --- | --- |")
    eager = times.get(("eager", "ours"))
    for runtime in RUNTIMES:
        if (runtime, "ours") not in times:
            continue
        plain, ours = (times[runtime, name] for name in VARIANTS)
        faster = f"{ratio(eager, ours):.2f}" if eager else "-"
        medians = " | ".join(f"{1000 * float(np.median(t)):.1f}" for t in (plain, ours))
        lines.append(f"| {runtime} | {medians} | {ratio(ours, plain):.2f} | {faster} |")
    return "\n".join(lines)
