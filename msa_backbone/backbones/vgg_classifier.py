"""The article's classifier: VGG16 with attention, average pool to 7x7 and three linear layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .msa_vgg import DEFAULT_ATTENTION, MSAVGG
from .vgg_weights import load_pretrained


class VGGClassifier(MSAVGG):
    """MSAVGG with torchvision's VGG head (7x7 average pool, 4096-4096-num_classes, dropout).

    Parameter names are torchvision's, so its VGG files load with their classifier.

    Args:
        num_classes: outputs of the last linear layer.
        dropout: probability after each hidden linear layer.
        depth, in_channels, norm_cfg, attention, attention_positions, zero_init: as in MSAVGG.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.5,
        depth: int = 16,
        in_channels: int = 3,
        norm_cfg: dict | None = None,
        attention: dict | None = DEFAULT_ATTENTION,
        attention_positions: str | Sequence[int] | None = None,
        zero_init: bool = True,
    ) -> None:
        super().__init__(
            depth=depth,
            in_channels=in_channels,
            out_indices=(4,),
            norm_cfg=norm_cfg,
            attention=attention,
            attention_positions=attention_positions,
            zero_init=zero_init,
        )
        self.num_classes = num_classes
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(self.out_channels[-1] * 49, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        for linear in self.classifier:
            if isinstance(linear, nn.Linear):
                nn.init.normal_(linear.weight, std=0.01)
                nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W), H and W at least 32 -> logits (N, num_classes)."""
        features = super().forward(x)[-1]
        return self.classifier(torch.flatten(self.avgpool(features), start_dim=1))


def vgg16_msa(
    num_classes: int = 1000,
    attention_positions: str | Sequence[int] | None = None,
    reduction_ratio: int = 16,
    zero_init: bool = True,
    in_channels: int = 3,
    dropout: float = 0.5,
    weights: str | None = None,
) -> VGGClassifier:
    """VGG16 classifier with Multi-Scale Attention.

    Args:
        num_classes: outputs; a checkpoint with another number keeps its last layer to itself.
        attention_positions: as in MSAVGG; by default after each pool.
        reduction_ratio: r of the attention.
        zero_init: start as plain VGG16.
        in_channels: channels of the input.
        dropout: probability in the head.
        weights: a file, URL, or e.g. 'torchvision://vgg16'; None keeps the random start.

    Example:
        >>> model = vgg16_msa(num_classes=10, weights="torchvision://vgg16")  # doctest: +SKIP
    """
    model = VGGClassifier(
        num_classes=num_classes,
        dropout=dropout,
        in_channels=in_channels,
        attention={"type": "MultiScaleAttention", "reduction_ratio": reduction_ratio},
        attention_positions=attention_positions,
        zero_init=zero_init,
    )
    if weights is not None:
        load_pretrained(model, weights)
    return model
