"""A VGG for several modalities, such as RGB and infrared, fused at chosen layers.

Each modality has a stream of layers. The reference's, the first, is what MSAVGG is, under the same
names: `features.N`; that of modality m is `streams.m.features.N`, with the same N for the same
layer. Where attention sits in MSAVGG, a fusion sits here, `attentions.P`: what it makes of all
streams' maps goes on in the reference's stream, the others run on as they are.
"""

from collections.abc import Sequence

from mmengine.logging import MMLogger
from mmengine.model import ModuleDict
from torch import Tensor, nn

from ..files.checkpoints import read_state_dict
from ..layers.fusion.builder import fusion_cfg
from ..layers.fusion.modalities import check_channels
from .modalities import (
    check_probabilities,
    check_sensors,
    per_modality,
    split_channels,
    which_are_present,
)
from .modalities.exchange import exchanges
from .modalities.stream import end_at_last_fusion, layer_number
from .msa_vgg import MSAVGG
from .vgg_stages import Stage
from .vgg_weights import load_pretrained, pretrained_cfgs


class MultiModalMSAVGG(MSAVGG):
    """VGG backbone with a stream for each modality, fused by Multi-Scale Attention.

    The input is one tensor, the modalities' channels stacked in the order of `in_channels`: so
    geometric transforms move all alike. The streams beside the reference's end at the last fusion;
    nothing is built that gets no gradient. With one modality this is MSAVGG.

    An absent modality is zeros after normalisation, and flagged: its stream runs, so that every
    parameter has a gradient, but no fusion takes anything from it. Black is a picture as any other.
    Where no flags are given, a modality counts as absent in a sample whose channels are zero
    everywhere. A camera whose real pictures can be black needs a mean that is not 0 to normalise
    by, as `MultiModalPreprocessor` has, or flags.

    Args:
        in_channels: channels of each modality, the reference's first, e.g. (3, 1).
        base_channels: channels of the first stage, for all modalities or one for each.
        fusion: 'attention' (`MultiModalAttention`), 'sum', 'concat', 'se' or 'cbam', a
            `dict(type=..., ...)` of a module from `layers/fusion` or one like it, or None for the
            plain sum.
        exchange: whether the other streams receive from the reference's as well, by fusions of
            their own, at every position but the last.
        attention_positions: where the streams are fused, as in MSAVGG.
        modality_dropout: in training, probability of leaving a modality out of a sample, for all
            modalities or one for each; at least one that is there stays. Batch norms count the
            zeros in their statistics: `norm_eval` keeps those. Black pictures, which a covered
            lens gives, are for the data pipeline to draw.
        sensors: the modalities in use, counted from 0; the others count as absent, in training and
            after it. None for all. Can be set later, as `backbone.sensors = (1,)`.
        frozen_stages: the first k stages of every stream do not train. Their fusions do: unlike
            the streams, which a checkpoint starts, they have learned nothing yet.
        init_cfg: as in MSAVGG; a checkpoint of one VGG goes into every stream that is as wide as
            the reference's, its first convolution adapted to the modality's channels. Its attention
            is left out where there are several modalities: fusions have other parts.
        depth, num_stages, out_indices, out_before_pool, conv_cfg, norm_cfg, act_cfg, norm_eval,
            ceil_mode, dilations, pool_strides, with_cp, zero_init: as in MSAVGG, for every stream.

    Attributes:
        streams: the streams beside the reference's, by the number of their modality.
        attentions: the fusions, by position.
        exchanges: those of the other streams, see `modalities/exchange.py`; empty without.
        stages, out_channels, out_strides: of the reference's stream, as in MSAVGG.

    Raises:
        ValueError: for a value that does not fit, naming it and the choices.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (3, 1),
        depth: int = 16,
        base_channels: int | Sequence[int] = 64,
        num_stages: int = 5,
        out_indices: Sequence[int] | None = None,
        out_before_pool: bool = False,
        frozen_stages: int = 0,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        act_cfg: dict = {"type": "ReLU"},  # noqa: B006 (never changed)
        norm_eval: bool = False,
        ceil_mode: bool = False,
        dilations: Sequence[int] = (1, 1, 1, 1, 1),
        pool_strides: Sequence[int] = (2, 2, 2, 2, 2),
        with_cp: bool | Sequence[bool] = False,
        fusion: str | dict | None = "attention",
        exchange: bool = False,
        attention_positions: str | Sequence[int] | None = None,
        modality_dropout: float | Sequence[float] = 0.0,
        sensors: Sequence[int] | None = None,
        zero_init: bool = True,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        in_channels = check_channels(in_channels)
        base_channels = per_modality("base_channels", base_channels, len(in_channels))
        dropout = per_modality("modality_dropout", modality_dropout, len(in_channels))
        check_probabilities("modality_dropout", dropout)
        layers = {
            "depth": depth,
            "num_stages": num_stages,
            "out_indices": out_indices,
            "out_before_pool": out_before_pool,
            "frozen_stages": frozen_stages,
            "conv_cfg": conv_cfg,
            "norm_cfg": norm_cfg,
            "act_cfg": act_cfg,
            "norm_eval": norm_eval,
            "ceil_mode": ceil_mode,
            "dilations": dilations,
            "pool_strides": pool_strides,
        }
        self._base_channels = base_channels  # which `_attended` needs while MSAVGG is built
        self._fused_channels: list[tuple[int, ...]] = []  # at each position; `_attended` tells
        super().__init__(
            in_channels=in_channels[0],
            base_channels=base_channels[0],
            with_cp=with_cp,
            attention=fusion_cfg(fusion),
            attention_positions=attention_positions,
            zero_init=zero_init,
            init_cfg=init_cfg,
            **layers,
        )
        if not self.attentions:
            raise ValueError(f"attention_positions={attention_positions} leaves nothing to fuse at")
        self.in_channels = in_channels
        self.modality_dropout = dropout
        self.sensors = sensors
        self.streams = ModuleDict()
        for modality in range(1, len(in_channels)):
            stream = MSAVGG(
                in_channels=in_channels[modality],
                base_channels=base_channels[modality],
                attention=None,
                **layers,
            )
            end_at_last_fusion(stream, self.stages)
            self.streams[str(modality)] = stream
        fused = zip(self.attentions, self._fused_channels, strict=True) if exchange else ()
        self.exchanges = exchanges(fusion_cfg(fusion), dict(fused), zero_init)

    @property
    def sensors(self) -> tuple[int, ...]:
        """The modalities in use, counted from 0; the others count as absent."""
        return self._sensors

    @sensors.setter
    def sensors(self, sensors: Sequence[int] | None) -> None:
        self._sensors = check_sensors(sensors, len(self.in_channels))

    def _attended(self, width: int) -> tuple[int, ...]:
        reference = self._base_channels[0]
        self._fused_channels.append(tuple(width * b // reference for b in self._base_channels))
        return self._fused_channels[-1]

    def _frozen_modules(self) -> list[str]:
        """As MSAVGG's, but the fusions of frozen stages train."""
        names = super()._frozen_modules()
        if self._paused is not None:
            return [*names, *(f"exchanges.{name}" for name in self.exchanges)]
        return [name for name in names if not name.startswith("attentions.")]

    def _pausable(self) -> nn.Module:
        """As MSAVGG's: the fusions of all streams."""
        return ModuleDict({"attentions": self.attentions, "exchanges": self.exchanges})

    def load_configured_weights(self) -> None:
        """Load the files that `init_cfg` names; raises what `load_pretrained` does.

        A file with streams is of a model like this. Any other is of one VGG, which all streams of
        its width get.
        """
        for cfg in pretrained_cfgs(self.init_cfg):
            source, prefix = cfg["checkpoint"], cfg.get("prefix")
            if any("streams." in name for name in read_state_dict(source)):
                load_pretrained(self, source, prefix=prefix)
                continue
            for modality, stream in self.streams.items():
                width, reference = self._base_channels[int(modality)], self._base_channels[0]
                if width == reference:
                    MMLogger.get_current_instance().info(f"Modality {modality}, as the reference:")
                    load_pretrained(
                        stream, source, prefix, skip_other_attention=True, ends_early=True
                    )
                else:
                    MMLogger.get_current_instance().info(
                        f"Modality {modality} has base_channels={width}, the reference "
                        f"{reference}: its stream keeps its random start"
                    )
            reference = nn.ModuleDict({"features": self.features, "attentions": self.attentions})
            load_pretrained(reference, source, prefix, skip_other_attention=bool(self.streams))

    def fuse(self) -> "MultiModalMSAVGG":
        """As MSAVGG's: batch norms go into the convolutions before them, in every stream."""
        for stream in self.streams.values():
            stream.fuse()
        return super().fuse()

    def forward(self, x: Tensor, present: Tensor | None = None) -> tuple[Tensor, ...]:
        """Maps of the reference's stream.

        Args:
            x: (N, sum of in_channels, H, W), normalised; zeros where a modality is absent.
            present: flags, (N, M), or (M,) for the whole batch, see the class.

        Returns:
            One (N, C_i, ceil or floor(H / s_i), ...) per out_indices.

        Raises:
            ValueError: for another number of channels, or flags of another shape.
        """
        pictures = split_channels(x, self.in_channels)
        if len(pictures) > 1:
            dropped = self.modality_dropout if self.training else ()
            present = which_are_present(pictures, present, self.sensors, dropped)
            pictures = [
                picture.masked_fill(~flag[:, None, None, None], 0)
                for picture, flag in zip(pictures, present.unbind(1), strict=True)
            ]
        return tuple(maps[0] for _, *maps in super().forward((present, *pictures)))

    def _run(self, x: tuple[Tensor | None, ...], stage: Stage) -> tuple[Tensor | None, ...]:
        """Flags and the streams' maps -> the same behind a stage."""
        present, *maps = x
        for name in stage.modules:
            module = self.get_submodule(name)
            if name.startswith("attentions."):
                y, position = module(*maps, present=present), name.removeprefix("attentions.")
                if position in self.exchanges:
                    maps[1:] = self.exchanges[position](*maps, present=present)
                maps[0] = y
                continue
            maps[0] = module(maps[0])
            for modality, stream in enumerate(self.streams.values(), 1):
                if layer_number(name) < len(stream.features):
                    maps[modality] = stream.get_submodule(name)(maps[modality])
        return present, *maps
