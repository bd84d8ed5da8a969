"""Multi-Scale Attention over the maps of several modalities, such as RGB and infrared.

By day the colours tell what is there, at night the infrared picture does. So each modality gets
branches of its own, and its gates look at all modalities. In one formula, for the reference x_0,
(N, C_0, H, W), and others x_1 to x_{M-1} of the same size with C_m channels:

    f_m  = fusion_m(cat[conv1x1_m(x_m), conv3x3_m(x_m), conv5x5_m(x_m)])       C_m -> h_m -> C_0
    ca_m = sigmoid(1x1_m(relu(1x1_m(cat over k of average_pool(x_k)))))        (N, C_0, 1, 1)
    sa_m = sigmoid(conv7x7_m(cat over k of [max_c, mean_c, std_c](x_k)))       (N, 1, H, W)
    y    = x_0 + sum over m of f_m * ca_m * sa_m  ( + sum over m > 0 of s_m * P_m x_m )

h_m = max(C_m // r, 1), and the channel gates have C_0 // r hidden channels. With one modality this
is Multi-Scale Attention.

f_m lets through 3 * h_m of the C_m dimensions: too few to stand in for a lost reference. The term
in brackets, `pass_through`, lets all of them through: a 1x1 projection P_m with a learned scale s_m
per channel (LayerScale, https://arxiv.org/abs/2103.17239, section 2). From s_m = 0 y starts as x_0,
from s_m = 1 with equal widths as the sum. Adam moves s_m by about the learning rate a step: a short
training from s_m = 0 hears little of x_m.

That the gates of one modality look at the others is the idea of cross-modal rectification (CMX,
https://arxiv.org/abs/2203.04838, its CM-FRM). Deviations from CMX: multi-scale branches, the
product of both gates instead of a sum, and only the reference's stream receives.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from ...ops.channel_statistics import spatial_statistics
from ..multi_scale_attention import MultiScaleAttention
from .modalities import check_channels, check_maps, gather, if_present, presence_flags
from .scaled_projection import ScaledProjection


class ModalityTerm(MultiScaleAttention):
    """What one modality adds: f_m * ca_m * sa_m, and s_m * P_m x_m with `pass_through`.

    It has the parts of `MultiScaleAttention` with other numbers of channels: the branches take C_m,
    the gates take all modalities, the output has C_0.

    Args:
        modality: m.
        in_channels: C_0 to C_{M-1}.
        reduction_ratio, channel, spatial, dropout, drop_path, gate_norm, pass_through, zero_init,
            layer_scale_init_value: as in `MultiModalAttention`.
    """

    def __init__(
        self,
        modality: int,
        in_channels: tuple[int, ...],
        reduction_ratio: int,
        channel: bool,
        spatial: bool,
        dropout: float,
        drop_path: float,
        gate_norm: bool,
        pass_through: bool,
        zero_init: bool,
        layer_scale_init_value: float | None,
    ) -> None:
        width, reference = in_channels[modality], in_channels[0]
        ratio = min(reduction_ratio, width) if modality else reduction_ratio
        super().__init__(width, ratio, channel, spatial, dropout, drop_path, gate_norm, zero_init)
        if len(in_channels) > 1:
            hidden = reference // reduction_ratio
            if channel:
                self.channel_attention[1] = nn.Conv2d(sum(in_channels), hidden, kernel_size=1)
                self.channel_attention[3] = nn.Conv2d(hidden, reference, kernel_size=1)
            if spatial:
                statistics = 3 * len(in_channels)
                self.spatial_attention[0] = nn.Conv2d(statistics, 1, kernel_size=7, padding=3)
            scales = self.fusion_conv.in_channels
            self.fusion_conv = nn.Conv2d(scales, reference, kernel_size=1)
        self.pass_through = (
            ScaledProjection(width, reference, zero_init, layer_scale_init_value)
            if pass_through and modality
            else None
        )
        self.init_weights()  # once more, for the new fusion convolution

    def gates(
        self, averages: Tensor | None, statistics: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None]:
        """The channel gate ca_m and the spatial gate sa_m, from what they see of all modalities."""
        ca = None if averages is None else self.channel_attention[1:](averages)
        sa = None if statistics is None else self.spatial_attention(statistics)
        return ca, sa

    def add_to(
        self, y: Tensor, x: Tensor, ca: Tensor | None, sa: Tensor | None, flag: Tensor | None
    ) -> Tensor:
        """y and what this modality's map x adds to it: nothing where its flag is 0."""
        f = self.multi_scale_features(x)
        ca = self._drop(ca, f)
        f = if_present(f, flag) if ca is None else f * if_present(ca, flag)
        y = y + f if sa is None else y.addcmul(f, sa)
        if self.pass_through is not None:
            y = y + if_present(self.pass_through(x), flag)
        return y


class MultiModalAttention(ModalityTerm):
    """Multi-Scale Attention over several modalities, added to the reference's map.

    The module itself holds the parts of the reference's term, under the names of
    `MultiScaleAttention`; those of modality m are in `others.m`. So with one modality it loads
    that class's weights.

    An absent modality adds nothing, and the gates see zeros in its place. The reference's own map
    goes on in any case: it carries what earlier fusions have put into it.

    Args:
        in_channels: C_0 to C_{M-1}, channels of each modality's map, the reference's first.
        reduction_ratio: r; the branches work on max(C_m // r, 1) channels, the channel gates on
            C_0 // r.
        channel, spatial, dropout, drop_path: as in `MultiScaleAttention`, for every modality; what
            is dropped is drawn for each modality by itself.
        gate_norm: as in `MultiScaleAttention`, each modality by its own root mean square.
        pass_through: add s_m * P_m x_m for the modalities beside the reference.
        zero_init: start the fusion convolutions at zero: y = x_0, and what passes in full, until
            training moves them.
        layer_scale_init_value: what the s_m of `pass_through` start at; None for 0 with `zero_init`
            and 1 without.

    Raises:
        ValueError: for channels that are no sequence, or a `layer_scale_init_value` without
            `pass_through`; else as `MultiScaleAttention`.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        reduction_ratio: int = 16,
        channel: bool = True,
        spatial: bool = True,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        gate_norm: bool = False,
        pass_through: bool = False,
        zero_init: bool = True,
        layer_scale_init_value: float | None = None,
    ) -> None:
        in_channels = check_channels(in_channels)
        if layer_scale_init_value is not None and not pass_through:
            raise ValueError(
                f"layer_scale_init_value={layer_scale_init_value} is for what passes in full: "
                "set pass_through=True, or leave it out"
            )
        options = (
            *(in_channels, reduction_ratio, channel, spatial),
            *(dropout, drop_path, gate_norm, pass_through, zero_init, layer_scale_init_value),
        )
        super().__init__(0, *options)
        self.in_channels = in_channels
        self.others = nn.ModuleDict(
            {str(m): ModalityTerm(m, *options) for m in range(1, len(in_channels))}
        )

    def init_weights(self) -> None:
        """Restore the identity where it is asked for; mmengine calls this after any `init_cfg`."""
        super().init_weights()
        for part in self.modules():
            if part is not self and hasattr(part, "init_weights"):
                part.init_weights()

    def modality_gates(
        self, x: Tensor, *others: Tensor, present: Tensor | None = None
    ) -> list[tuple[Tensor | None, Tensor | None]]:
        """The gates of each modality, ca_m, (N, C_0, 1, 1), and sa_m, (N, 1, H, W).

        The arguments are those of `forward`. A gate that is switched off is None.
        """
        maps = (x, *others)
        check_maps(maps, self.in_channels)
        flags = presence_flags(present, x, len(maps))
        averages = statistics = None
        if self.channel_attention is not None:
            pool = self.channel_attention[0]
            averages = gather([pool(x_m) for x_m in maps], flags)
        if self.spatial_attention is not None:
            statistics = gather([self._gate_input(spatial_statistics(x_m)) for x_m in maps], flags)
        return [term.gates(averages, statistics) for term in self._terms()]

    def forward(self, x: Tensor, *others: Tensor, present: Tensor | None = None) -> Tensor:
        """Fuse the maps.

        Args:
            x: the reference's, (N, C_0, H, W).
            others: (N, C_m, H, W) each.
            present: flags, (N, M), or (M,) for the whole batch; None where all are present.

        Returns:
            (N, C_0, H, W).

        Raises:
            ValueError: for maps or flags of other shapes.
        """
        if not (others or self.others) and present is None:
            return super().forward(x)
        gates = self.modality_gates(x, *others, present=present)
        flags = presence_flags(present, x, len(gates))
        y = x
        for term, x_m, (ca, sa), flag in zip(
            self._terms(), (x, *others), gates, flags, strict=True
        ):
            y = term.add_to(y, x_m, ca, sa, flag)
        return y

    def _terms(self) -> list[ModalityTerm]:
        return [self, *self.others.values()]
