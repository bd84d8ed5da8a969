"""What input a checkpoint was trained on. Another one spoils its scores without a word.

Two configs can have one network and differ in the order of colours, or in what is subtracted and
divided by. A checkpoint of the one then fits the other, tensor by tensor.
"""

import ast
from collections.abc import Mapping

import numpy as np
from mmengine.config import Config

_NUMBERS = {"mean": 0.0, "std": 1.0}
_FLAGS = ("bgr_to_rgb", "rgb_to_bgr", "to_rgb")


def check_input(cfg: Config, checkpoint: str, trained: str | None) -> None:
    """Refuse a config that feeds a checkpoint another input than its training did.

    Args:
        cfg: the config.
        checkpoint: a name for the message.
        trained: the text of the training's config, as mmengine keeps it in `meta`; None passes.

    Raises:
        ValueError: naming what differs.
    """
    before = _input(_settings(trained if isinstance(trained, str) else ""))
    now = _input(cfg)
    if before and now and (other := [name for name in before if before[name] != now.get(name)]):
        was, told = (", ".join(f"{n}={values.get(n)}" for n in other) for values in (before, now))
        raise ValueError(
            f"checkpoint {checkpoint} was trained on pictures with {was}, and the config feeds it "
            f"{told}: give the config of its training, or these values"
        )


def _input(cfg: Mapping) -> dict[str, object]:
    """What the preprocessor makes of the pictures; empty where the config does not say."""
    model = cfg.get("model") or {}
    found = model.get("data_preprocessor") or cfg.get("data_preprocessor") or {}
    cameras = found.get("modalities") or [found] * bool(found)
    values = {}
    for camera in cameras:
        if found.get("only") and camera.get("name") not in found["only"]:
            continue
        prefix = f"{camera['name']}." if "name" in camera else ""
        for name, unchanged in _NUMBERS.items():
            given = camera.get(name)
            numbers = np.ravel(unchanged if given is None else given).tolist()
            # One number stands for all channels.
            values[prefix + name] = numbers[0] if len(set(numbers)) == 1 else numbers
        values |= {prefix + name: bool(camera.get(name)) for name in _FLAGS}
    return values


def _settings(text: str) -> dict[str, object]:
    """Plain data of a config's text. None of it is run: it is a stranger's."""
    try:
        lines = ast.parse(text).body
    except (SyntaxError, ValueError):
        return {}
    named = [line for line in lines if isinstance(line, ast.Assign)]
    settings = {line.targets[0].id: line for line in named if isinstance(line.targets[0], ast.Name)}
    wanted = ("model", "data_preprocessor")
    plain = {name: _plain(settings[name].value) for name in wanted if name in settings}
    return {name: value for name, value in plain.items() if isinstance(value, dict)}


def _plain(node: ast.expr) -> object:
    """`dict(...)`, lists and literals as they are; None for anything else."""
    if isinstance(node, ast.Call):
        return {keyword.arg: _plain(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.List | ast.Tuple):
        return [_plain(item) for item in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
