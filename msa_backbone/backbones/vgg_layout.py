"""VGG as data: depths, and the numbering of layers in torchvision's `vggXX().features`.

Convolution, ReLU and pool each count; a norm layer does not, so that a position means the same
layer with and without batch norm (VGG: https://arxiv.org/abs/1409.1556, table 1).
"""

import warnings
from collections.abc import Iterable, Sequence

BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
CHANNEL_MULTIPLIERS = (1, 2, 4, 8, 8)
PLACES = ("conv", "relu", "pool")


def as_tuple(name: str, values: Iterable[int]) -> tuple[int, ...]:
    """The values of an option that takes several.

    Raises:
        ValueError: for a number alone.
    """
    try:
        return tuple(values)
    except TypeError:
        raise ValueError(f"{name}={values} is no list of numbers: write [{values}]") from None


def plain_positions(depth: int, place: str) -> tuple[int, ...]:
    """Position, per stage, of the last convolution, the last ReLU or the pool.

    >>> plain_positions(16, "pool")
    (4, 9, 16, 23, 30)
    """
    positions, first = [], 0
    for convolutions in BLOCKS[depth]:
        pool = first + 2 * convolutions
        positions.append(pool - 2 + PLACES.index(place))
        first = pool + 1
    return tuple(positions)


def resolve_positions(
    positions: str | Sequence[int] | None, depth: int, last_stage: int, out_before_pool: bool
) -> tuple[int, ...]:
    """Attention positions as sorted indices of the plain network.

    Args:
        positions: 'pool', 'relu' or 'conv' (that place in every stage that is built), indices of
            the plain network, or None for the place of the outputs.
        depth: 11, 13, 16 or 19.
        last_stage: the last stage that is built, counted from 0.
        out_before_pool: whether the network ends at the last stage's ReLU rather than at its pool.

    Raises:
        ValueError: for an unknown place, a position that does not exist, one past the last
            output, or one named twice.
    """
    end = plain_positions(depth, "relu" if out_before_pool else "pool")[last_stage]
    if positions is None:
        positions = "relu" if out_before_pool else "pool"
    if isinstance(positions, str):
        if positions not in PLACES:
            raise ValueError(
                f"attention_positions='{positions}' is unknown: "
                f"use one of {', '.join(PLACES)}, a list of layer indices, or None"
            )
        chosen = tuple(p for p in plain_positions(depth, positions) if p <= end)
        if not chosen:
            raise ValueError(
                f"attention_positions='{positions}' lies past the last output, layer {end}: choose "
                "another place, ask for a later stage in out_indices, or give attention=None"
            )
        return chosen
    positions = as_tuple("attention_positions", positions)
    last = plain_positions(depth, "pool")[-1]
    for position in positions:
        if isinstance(position, bool) or not isinstance(position, int):
            raise ValueError(f"attention position {position!r} is not a layer index (an integer)")
        if not 0 <= position <= last:
            raise ValueError(
                f"attention position {position} does not exist: "
                f"the layers of VGG{depth} are 0 to {last}"
            )
        if position > end:
            raise ValueError(
                f"attention position {position} lies past the last output, layer {end}: "
                "leave it out, or ask for a later stage in out_indices"
            )
    if len(set(positions)) != len(positions):
        raise ValueError(f"attention_positions={tuple(positions)} names a layer twice")
    return tuple(sorted(positions))


def warn_of_idle_attention(
    frozen_stages: int, at_identity: Sequence[str], attentions: Iterable[str]
) -> None:
    """Say which attention is frozen before it has learned anything.

    Args:
        at_identity: positions of what is frozen as the identity.
        attentions: all positions.
    """
    trained = tuple(int(name) for name in attentions if name not in at_identity)
    warnings.warn(
        f"frozen_stages={frozen_stages} freezes the attention at {', '.join(at_identity)} at the "
        "identity, where it costs time and does nothing: unless a checkpoint brings its weights, "
        f"omit it by attention_positions={trained}",
        stacklevel=1,  # the same wherever it is built
    )
