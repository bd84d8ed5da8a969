"""VGG with an attention module behind chosen layers, as a multi-level backbone.

VGG: https://arxiv.org/abs/1409.1556. Parameter names are torchvision's (`features.N.weight`, N as
in `vgg16` or `vgg16_bn`); attention sits beside them as `attentions.P...`, P the plain position.
"""

import math
from collections.abc import Sequence

from mmengine.model import BaseModule, ModuleDict, Sequential
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..layers.attention_builder import build_attention, check_attention_options
from ..layers.recompute import recompute_in_backward
from .fold_norms import fold_norms
from .vgg_layout import BLOCKS, CHANNEL_MULTIPLIERS, resolve_positions, warn_of_idle_attention
from .vgg_stages import Stage, check_stages, make_layers, per_stage, reset_convolutions
from .vgg_weights import load_pretrained, pretrained_cfgs
from .words import Words

DEFAULT_ATTENTION = {"type": "MultiScaleAttention", "reduction_ratio": 16}


class MSAVGG(BaseModule):
    """VGG backbone with Multi-Scale Attention.

    Nothing is built past the last stage in `out_indices`. With `zero_init` and pretrained weights
    the outputs equal plain VGG's until training moves the attention.

    Args:
        depth: 11, 13, 16 or 19.
        in_channels: channels of the input. With other than 3, the first pretrained convolution
            is adapted, and the loading report says so. Of more than 3 the colours come first.
        base_channels: channels of the first stage (64 in VGG); the stages have 1, 2, 4, 8 and 8
            times as many.
        num_stages: stages available to `out_indices`, 1 to 5.
        out_indices: stages to return, counted from 0 and ascending; all by default.
        out_before_pool: return each stage's last ReLU (strides 1 to 16) instead of its pool
            (strides 2 to 32).
        frozen_stages: the first k stages, with their attention, do not train; 0 or -1 for none.
        conv_cfg, norm_cfg, act_cfg: OpenMMLab-style layer dicts; no norm by default.
        norm_eval: keep batch norm's statistics fixed.
        ceil_mode: of the pools; True rounds odd sizes up.
        dilations: dilation of the 3x3 convolutions, per stage.
        pool_strides: 2, or 1 for a size-keeping 3x3 pool (DeepLab's,
            https://arxiv.org/abs/1412.7062, section 3.1), per stage.
        with_cp: recompute activations in the backward pass instead of storing them: a flag, or
            one per stage.
        attention: `dict(type=..., ...)` of a registered module that takes `in_channels` and
            `zero_init`; None builds plain VGG.
        attention_positions: 'pool', 'relu' or 'conv' (the last of its kind in every stage), or
            layer indices of the plain network of the same depth as in torchvision's
            `vgg16().features`; None follows the outputs ('relu' with `out_before_pool`).
        zero_init: start every attention module as the identity; holds through `init_weights()`.
        init_cfg: mmengine initialisation; `dict(type='Pretrained', checkpoint=...)` accepts
            torchvision's, Caffe's and mmpretrain's VGG files and reports what it loaded.

    Attributes:
        stages: what runs in each stage, a `Stage` each, see `vgg_stages`.
        out_channels: channels of each output.
        out_strides: stride of each output, in input pixels.

    Raises:
        ValueError: for a value that does not fit, naming it and the choices.
    """

    def __init__(
        self,
        depth: int = 16,
        in_channels: int = 3,
        base_channels: int = 64,
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
        attention: dict | None = DEFAULT_ATTENTION,
        attention_positions: str | Sequence[int] | None = None,
        zero_init: bool = True,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_stages(depth, num_stages, out_indices, frozen_stages)
        self.out_indices = tuple(range(num_stages) if out_indices is None else out_indices)
        stages = max(self.out_indices) + 1
        dilations = per_stage("dilations", dilations, stages)
        pool_strides = per_stage("pool_strides", pool_strides, stages)
        if not set(pool_strides) <= {1, 2}:
            raise ValueError(f"pool_strides={pool_strides} does not fit: each is 1 or 2")
        with_cp = (with_cp,) * 5 if isinstance(with_cp, bool) else with_cp
        self.with_cp = per_stage("with_cp", with_cp, stages)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        positions: tuple[int, ...] = ()
        if attention is not None:
            check_attention_options(attention)
            positions = resolve_positions(attention_positions, depth, stages - 1, out_before_pool)
        elif attention_positions is not None:
            raise ValueError("attention_positions is given but attention=None builds plain VGG")

        channels = [base_channels * multiplier for multiplier in CHANNEL_MULTIPLIERS[:stages]]
        layers = make_layers(
            BLOCKS[depth], channels, in_channels, out_before_pool,
            conv_cfg, norm_cfg, act_cfg, dilations, pool_strides, ceil_mode,
        )  # fmt: skip
        features: list[nn.Module] = []
        attentions: dict[str, nn.Module] = {}
        seeds: set[tuple] = set()
        names: list[list[str]] = [[] for _ in channels]
        # Each layer, and behind it an attention module where the position asks for one.
        for position, (stage, width, modules) in enumerate(layers):
            for module in modules:
                names[stage].append(f"features.{len(features)}")
                features.append(module)
            if position in positions:
                names[stage].append(f"attentions.{position}")
                attentions[str(position)] = build_attention(
                    attention, self._attended(width), zero_init, seeds
                )
        # mmengine's asks layers such as DCN for their own start, behind any `init_cfg`.
        self.features = Sequential(*features)
        self.attentions = ModuleDict(attentions)
        strides = [math.prod(pool_strides[: i + (not out_before_pool)]) for i in range(stages)]
        self.stages = tuple(map(Stage, channels, strides, map(tuple, names)))
        self.out_channels = tuple(self.stages[i].channels for i in self.out_indices)
        self.out_strides = tuple(self.stages[i].stride for i in self.out_indices)
        self._paused: list[str] | None = None  # while attention is frozen: what trains otherwise
        reset_convolutions(self.features)  # attention modules keep their own start
        self._freeze(zero_init)

    def _attended(self, width: int) -> int | tuple[int, ...]:
        """`in_channels` of the attention behind a layer of `width` channels."""
        return width

    def init_weights(self) -> None:
        """Apply `init_cfg`; pretrained weights go last and through our report."""
        if self.is_init:
            return
        configured, pretrained = self.init_cfg, pretrained_cfgs(self.init_cfg)
        cfgs = [configured] if isinstance(configured, dict) else configured or []
        self.init_cfg = [cfg for cfg in cfgs if cfg not in pretrained]
        super().init_weights()
        self.init_cfg = configured
        self.load_configured_weights()

    def load_configured_weights(self) -> None:
        """Load the files that `init_cfg` names; raises what `load_pretrained` does."""
        for cfg in pretrained_cfgs(self.init_cfg):
            load_pretrained(self, cfg["checkpoint"], prefix=cfg.get("prefix"))

    def _frozen_modules(self) -> list[str]:
        """Names of what runs in frozen stages, and of all attention while that is frozen."""
        stages = self.stages[: max(self.frozen_stages, 0)]
        names = [name for stage in stages for name in stage.modules]
        if self._paused is not None:
            names += [f"attentions.{name}" for name in self.attentions]
        return names

    def _freeze(self, zero_init: bool) -> None:
        frozen = self._frozen_modules()
        for name in frozen:
            self.get_submodule(name).requires_grad_(False)
        self.train(self.training)  # norms that are frozen are in eval mode from the start
        at_identity = [name for name in self.attentions if f"attentions.{name}" in frozen]
        if zero_init and at_identity:
            warn_of_idle_attention(self.frozen_stages, at_identity, self.attentions)

    def _pausable(self) -> nn.Module:
        """What `freeze_attention` freezes."""
        return self.attentions

    def freeze_attention(self, frozen: bool = True) -> None:
        """Stop the training of all attention modules, or let it go on.

        While frozen they take no gradient and stay in eval mode: no dropout, and norms keep their
        statistics. Afterwards trains what trained before; frozen stages stay frozen.

        Raises:
            ValueError: without attention.
        """
        if not self.attentions:
            raise ValueError("freeze_attention needs attention: this backbone has none")
        attention = self._pausable()
        parameters = dict(attention.named_parameters())
        if frozen and self._paused is None:
            self._paused = [name for name, p in parameters.items() if p.requires_grad]
            attention.requires_grad_(False).zero_grad()
        elif not frozen and self._paused is not None:
            for name in self._paused:
                parameters[name].requires_grad_(True)
            self._paused = None
        self.train(self.training)

    def train(self, mode: bool = True) -> "MSAVGG":
        """Set training mode; what is frozen and, with `norm_eval`, all batch norm stay in eval."""
        super().train(mode)
        for name in self._frozen_modules():
            self.get_submodule(name).eval()
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def fuse(self) -> "MSAVGG":
        """Prepare for inference: batch norms go into the convolutions before them.

        The outputs stay the same but for rounding. Norms that are folded are gone for good: train
        and save the model before. Those without running statistics stay.

        Returns:
            self, in eval mode.
        """
        fold_norms(self.eval().features)
        return self

    def forward(
        self, x: Tensor, sentence: Tensor | None = None, picture: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """(N, in_channels, H, W) -> one (N, C_i, ceil or floor(H / s_i), ...) per out_indices.

        Attention that listens takes `sentence`, embeddings, (N, T). Several a picture, (M, T), need
        `picture`, (M,): which of the N each is about.
        """
        words = Words.given(self, sentence, picture)
        outputs = []
        for number, stage in enumerate(self.stages):
            if self.with_cp[number] and self.training:
                x = recompute_in_backward(self, self._run, x, stage, *words)
            else:
                x = self._run(x, stage, *words)
            if number in self.out_indices:
                outputs.append(x)
        return tuple(outputs)

    def _run(self, x: Tensor, stage: Stage, words: Words | None = None) -> Tensor:
        for name in stage.modules:
            module = self.get_submodule(name)
            x = module(x) if words is None else words.run(name, module, x)
        return x
