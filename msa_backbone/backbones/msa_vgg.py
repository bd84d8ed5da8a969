"""VGG with an attention module behind chosen layers, as a multi-level backbone.

VGG: https://arxiv.org/abs/1409.1556. Parameter names are torchvision's (`features.N.weight`, N as
in `vgg16` or `vgg16_bn`); attention sits beside them as `attentions.P...`, P the plain position.
"""

import math
import warnings
from collections.abc import Sequence

from mmengine.model import BaseModule, ModuleDict
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..layers.attention_builder import build_attention, check_attention_options
from ..layers.blocks import build_activation, build_conv3x3, build_norm, build_pool
from ..layers.recompute import recompute_in_backward
from .vgg_layout import BLOCKS, CHANNEL_MULTIPLIERS, resolve_positions
from .vgg_weights import load_pretrained, pretrained_cfgs

DEFAULT_ATTENTION = {"type": "MultiScaleAttention", "reduction_ratio": 16}


@MODELS.register_module()
class MSAVGG(BaseModule):
    """VGG backbone with Multi-Scale Attention.

    Nothing is built past the last stage in `out_indices`. With `zero_init` and pretrained weights
    the outputs equal plain VGG's until training moves the attention.

    Args:
        depth: 11, 13, 16 or 19.
        in_channels: channels of the input. With other than 3, the first pretrained convolution
            is adapted, and the loading report says so.
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
        if depth not in BLOCKS:
            raise ValueError(
                f"depth={depth} is not a VGG: choose one of {', '.join(map(str, BLOCKS))}"
            )
        if not 1 <= num_stages <= 5:
            raise ValueError(f"num_stages={num_stages} does not fit: choose 1 to 5")
        self.out_indices = tuple(range(num_stages) if out_indices is None else out_indices)
        valid = sorted(set(self.out_indices) & set(range(num_stages)))
        if not valid or list(self.out_indices) != valid:
            raise ValueError(
                f"out_indices={self.out_indices} does not fit: choose from 0 to {num_stages - 1}, "
                "each once, in ascending order"
            )
        last_stage = max(self.out_indices)
        if not -1 <= frozen_stages <= last_stage + 1:
            raise ValueError(
                f"frozen_stages={frozen_stages} does not fit: choose 0 to {last_stage + 1}, "
                "the number of stages built"
            )
        dilations = _per_stage("dilations", dilations, last_stage + 1)
        pool_strides = _per_stage("pool_strides", pool_strides, last_stage + 1)
        if not set(pool_strides) <= {1, 2}:
            raise ValueError(f"pool_strides={pool_strides} does not fit: each is 1 or 2")
        with_cp = (with_cp,) * 5 if isinstance(with_cp, bool) else with_cp
        self.with_cp = _per_stage("with_cp", with_cp, last_stage + 1)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval

        positions = ()
        if attention is not None:
            check_attention_options(attention)
            positions = resolve_positions(attention_positions, depth, last_stage, out_before_pool)
        elif attention_positions is not None:
            raise ValueError("attention_positions is given but attention=None builds plain VGG")

        layers: list[nn.Module] = []
        attentions: dict[str, nn.Module] = {}
        # Index in `features` after whose layer an attention module runs, and the module's name.
        self._attention_after: dict[int, str] = {}
        # Indices in `features` that make up each stage; a stage ends where its output is taken.
        self._stage_layers: list[range] = []
        position = 0
        channels = in_channels

        def add(*modules: nn.Module) -> None:
            """Append what counts as one layer of the plain network, and its attention."""
            nonlocal position
            layers.extend(modules)
            if position in positions:
                self._attention_after[len(layers) - 1] = str(position)
                attentions[str(position)] = build_attention(attention, channels, zero_init)
            position += 1

        for stage in range(last_stage + 1):
            first = self._stage_layers[-1].stop if self._stage_layers else 0
            for _ in range(BLOCKS[depth][stage]):
                width = base_channels * CHANNEL_MULTIPLIERS[stage]
                conv = build_conv3x3(conv_cfg, channels, width, dilations[stage])
                channels = width
                add(*([conv] if norm_cfg is None else [conv, build_norm(norm_cfg, width)]))
                add(build_activation(act_cfg))
            if out_before_pool:
                self._stage_layers.append(range(first, len(layers)))
            if not out_before_pool or stage < last_stage:
                add(build_pool(pool_strides[stage], ceil_mode))
            if not out_before_pool:
                self._stage_layers.append(range(first, len(layers)))
        self.features = nn.Sequential(*layers)
        self.attentions = ModuleDict(attentions)
        # While attention is frozen: names of its parameters that train otherwise.
        self._resting: list[str] | None = None

        self.out_channels = tuple(base_channels * CHANNEL_MULTIPLIERS[i] for i in self.out_indices)
        self.out_strides = tuple(
            math.prod(pool_strides[: i if out_before_pool else i + 1]) for i in self.out_indices
        )
        self._reset_parameters()
        self._freeze(zero_init)

    def _reset_parameters(self) -> None:
        """torchvision's VGG initialisation; attention modules keep their own."""
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

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

    def _frozen_modules(self) -> list[nn.Module]:
        """Layers and attention modules of the frozen stages; all attention while it is frozen."""
        modules = [] if self._resting is None else list(self.attentions.values())
        for stage in self._stage_layers[: max(self.frozen_stages, 0)]:
            for index in stage:
                modules.append(self.features[index])
                if index in self._attention_after:
                    modules.append(self.attentions[self._attention_after[index]])
        return modules

    def _freeze(self, zero_init: bool) -> None:
        frozen = self._frozen_modules()
        for module in frozen:
            module.requires_grad_(False)
        at_identity = [name for name, module in self.attentions.items() if module in frozen]
        if zero_init and at_identity:
            trained = tuple(int(name) for name in self.attentions if name not in at_identity)
            warnings.warn(
                f"frozen_stages={self.frozen_stages} freezes the attention at "
                f"{', '.join(at_identity)} at the identity, where it costs time and does nothing: "
                "unless a checkpoint brings its weights, leave it out with "
                f"attention_positions={trained}",
                stacklevel=3,
            )

    def freeze_attention(self, frozen: bool = True) -> None:
        """Stop the training of all attention modules, or let it go on.

        While frozen they take no gradient and stay in eval mode: no dropout, and norms keep their
        statistics. Afterwards trains what trained before; frozen stages stay frozen.

        Raises:
            ValueError: without attention.
        """
        if not self.attentions:
            raise ValueError("freeze_attention needs attention: this backbone has none")
        parameters = dict(self.attentions.named_parameters())
        if frozen and self._resting is None:
            self._resting = [name for name, p in parameters.items() if p.requires_grad]
            self.attentions.requires_grad_(False).zero_grad()
        elif not frozen and self._resting is not None:
            for name in self._resting:
                parameters[name].requires_grad_(True)
            self._resting = None
        self.train(self.training)

    def train(self, mode: bool = True) -> "MSAVGG":
        """Set training mode; what is frozen and, with `norm_eval`, all batch norm stay in eval."""
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
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
        self.eval()
        for index in range(1, len(self.features)):
            conv, norm = self.features[index - 1], self.features[index]
            foldable = isinstance(norm, _BatchNorm) and norm.running_mean is not None
            if foldable and type(conv) is nn.Conv2d and not conv._forward_pre_hooks:
                self.features[index - 1] = fuse_conv_bn_eval(conv, norm)
                self.features[index] = nn.Identity()
        return self

    def _run_stage(self, x: Tensor, stage: range) -> Tensor:
        for index in stage:
            x = self.features[index](x)
            if index in self._attention_after:
                x = self.attentions[self._attention_after[index]](x)
        return x

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, in_channels, H, W) -> one (N, C_i, ceil or floor(H / s_i), ...) per out_indices."""
        outputs = []
        for number, stage in enumerate(self._stage_layers):
            if self.with_cp[number] and self.training:
                x = recompute_in_backward(self, self._run_stage, x, stage)
            else:
                x = self._run_stage(x, stage)
            if number in self.out_indices:
                outputs.append(x)
        return tuple(outputs)


def _per_stage(name: str, values: Sequence, stages: int) -> tuple:
    values = tuple(values)
    if len(values) < stages:
        raise ValueError(f"{name}={values} is too short: one value for each of {stages} stages")
    return values[:stages]
