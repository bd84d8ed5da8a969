"""What in a config depends on the number of classes."""

import colorsys
from collections.abc import Sequence

from ..config_nodes import walk


def set_num_classes(node: object, classes: int, keep_weights: bool = True) -> None:
    """Give every part of a model, or of another node of a config, so many classes.

    A head with as many output channels as classes keeps it so.

    Args:
        node: changed in place.
        keep_weights: fit the losses' lists of class weights, where that is possible; a model that
            only predicts can do without them.

    Raises:
        ValueError: for class weights that differ and are not one for each class.
    """
    parts: list[dict] = []
    walk(node, parts.append)
    before = next((part["num_classes"] for part in parts if "num_classes" in part), None)
    for part in parts:
        if "num_classes" in part:
            if part.get("out_channels") == part["num_classes"]:
                part["out_channels"] = classes
            part["num_classes"] = classes
        weights = part.get("class_weight")
        if isinstance(weights, list | tuple) and before is not None:
            part["class_weight"] = _fit_weights(weights, before, classes) if keep_weights else None


def _fit_weights(weights: Sequence[float], before: int, classes: int) -> list[float]:
    """Weights of a loss over `before` classes, for `classes`."""
    # Some losses have a last weight more: of "no object" (Mask2Former), of the background.
    of_nothing = weights[-1:] if len(weights) == before + 1 else []
    of_classes = weights[: len(weights) - len(of_nothing)]
    if len(set(of_classes)) == 1:
        return [of_classes[0]] * classes + list(of_nothing)
    if len(of_classes) != classes:
        raise ValueError(
            f"the config's class_weight has {len(weights)} weights, the data {classes} classes: "
            "give a weight for each, or leave class_weight out"
        )
    return list(weights)


def make_palette(classes: int) -> list[tuple[int, ...]]:
    """A colour for every class, (R, G, B) in 0..255: mmdet's own end at 80."""
    colours = [colorsys.hsv_to_rgb(index / classes, 0.85, 0.85) for index in range(classes)]
    return [tuple(round(255 * channel) for channel in colour) for colour in colours]
