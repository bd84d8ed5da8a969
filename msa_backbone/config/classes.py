"""What in a config depends on the number of classes."""

from collections.abc import Sequence

from ..config_nodes import type_name, walk


def set_num_classes(node: object, classes: int, keep_weights: bool = True) -> None:
    """Give every part of a model, or of another node of a config, so many classes.

    A head with as many output channels as classes keeps it so. STDC's auxiliary head for
    borders keeps its number.

    Args:
        node: changed in place.
        keep_weights: fit the losses' lists of class weights, where that is possible; a model that
            only predicts can do without them.

    Raises:
        ValueError: for class weights that differ and are not one for each class, and for panoptic
            models of another number of classes: their stuff has no boxes.
    """
    parts: list[dict] = []
    walk(_without_borders(node), parts.append)
    before = next(filter(None, map(_number, parts)), None)
    for part in parts:
        if part.get("num_stuff_classes") and _number(part) != classes:
            raise ValueError(
                f"the config's model is panoptic, with {part['num_stuff_classes']} classes of "
                f"stuff, and the data has {classes} classes of objects: take a config of instances"
            )
        if "num_things_classes" in part and not part.get("num_stuff_classes"):
            part["num_things_classes"] = classes
        if "num_classes" in part:
            if part.get("out_channels") == part["num_classes"]:
                part["out_channels"] = classes
            part["num_classes"] = classes
        weights = part.get("class_weight")
        if isinstance(weights, list | tuple) and before is not None:
            part["class_weight"] = _fit_weights(weights, before, classes) if keep_weights else None


def _number(part: dict) -> int | None:
    """How many classes a part of a model has; mmdet's panoptic heads tell them apart."""
    if "num_things_classes" in part:
        return part["num_things_classes"] + part.get("num_stuff_classes", 0)
    return part.get("num_classes")


def _without_borders(node: object) -> object:
    """A node, of mmseg's STDC without the auxiliary head that finds the borders of all classes."""
    if not isinstance(node, dict) or not isinstance(heads := node.get("auxiliary_head"), list):
        return node
    return {**node, "auxiliary_head": [head for head in heads if type_name(head) != "STDCHead"]}


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
