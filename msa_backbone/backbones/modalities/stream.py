"""The stream of a modality beside the reference: a plain VGG that ends where it is last needed."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ..msa_vgg import MSAVGG
from ..vgg_stages import Stage


def layer_number(name: str) -> int:
    """N of `features.N`."""
    return int(name.removeprefix("features."))


def end_at_last_fusion(stream: MSAVGG, stages: Sequence[Stage]) -> None:
    """Make a plain VGG the stream of a modality beside the reference.

    Args:
        stream: with the layers of the reference's stream.
        stages: the reference's, with its fusions.
    """
    names = [name for stage in stages for name in stage.modules]
    while not names[-1].startswith("attentions."):
        names.pop()
    layers = sum(name.startswith("features.") for name in names)
    # What runs behind the last fusion gets no gradient, which stops DistributedDataParallel.
    del stream.features[layers:]
    stream.stages = tuple(
        replace(stage, modules=tuple(name for name in stage.modules if layer_number(name) < layers))
        for stage in stream.stages
    )
    # A fusion keeps its inputs for the backward pass. An activation behind it, which in the
    # reference's stream changes the fusion's output, would change such an input.
    for before, name in pairwise(names):
        layer = None if before.startswith("features.") else stream.features[layer_number(name)]
        if hasattr(layer, "inplace"):
            layer.inplace = False
