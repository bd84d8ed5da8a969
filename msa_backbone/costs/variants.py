"""What is compared, by the names that tables and options show."""

ATTENTION = {
    "ours": {"type": "MultiScaleAttention"},
    "grouped": {"type": "GroupedMultiScaleAttention"},
    "axial": {"type": "AxialAttention"},
    "linear": {"type": "LinearAttention"},
    "deformable": {"type": "DeformableMultiScaleAttention"},
    "selective": {"type": "SelectiveMultiScaleAttention"},
    "SE": {"type": "TimmAttention", "name": "se", "options": {"rd_ratio": 1 / 16}},
    "ECA": {"type": "TimmAttention", "name": "eca"},
    "CBAM": {"type": "TimmAttention", "name": "cbam", "options": {"rd_ratio": 1 / 16}},
    "coordinate": {"type": "TimmAttention", "name": "coord", "options": {"rd_ratio": 1 / 16}},
}
"""Attention modules by the names that tables show: this package's, then timm's.

Where timm's have a bottleneck, it has 1/16 of the channels, as in this package's default.
"""

VARIANTS = ("plain", "naive", "ours", "fused", "compiled", *list(ATTENTION)[1:])
"""What `backbones.build_variant` builds.

'plain' has no attention, 'naive' has Multi-Scale Attention operation by operation as published,
'ours' has this package's form of it. 'fused' is 'ours' after `fuse`, which prepares inference;
'compiled' is 'ours' under torch.compile. The others are those of `ATTENTION`.
"""

FORMS = ("eager", "graph", "compiled", "compiled-graph")
"""How `backbones.measure` runs a step: as it is, from a CUDA graph, compiled, or both."""
