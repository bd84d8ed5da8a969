"""Fusions by short names."""

import inspect

from ..blocks import resolve_type

FUSIONS = {
    "attention": "MultiModalAttention",
    "sum": "SumFusion",
    "concat": "ConcatFusion",
    "se": "SEFusion",
    "cbam": "CBAMFusion",
}


def fusion_cfg(fusion: str | dict | None) -> dict:
    """A fusion as the dict that `attention_builder` takes.

    Args:
        fusion: a name of `FUSIONS`, an OpenMMLab-style dict of a registered fusion, or None for
            the plain sum.

    Raises:
        ValueError: for an unknown name, or a module that does not fuse maps.
    """
    if fusion is None:
        fusion = "sum"
    if isinstance(fusion, str):
        if fusion not in FUSIONS:
            raise ValueError(
                f"fusion '{fusion}' is unknown: choose one of {', '.join(FUSIONS)}, "
                "or give a dict with a 'type'"
            )
        return {"type": FUSIONS[fusion]}
    cls, _ = resolve_type(fusion, {}, "fusion")
    if "present" not in inspect.signature(cls.forward).parameters:
        raise ValueError(
            f"fusion type '{cls.__name__}' does not fuse several maps: choose one of "
            f"{', '.join(FUSIONS.values())}"
        )
    return fusion
