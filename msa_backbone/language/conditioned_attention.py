"""Multi-Scale Attention that listens: a sentence says which channels and which places matter.

"What colour is the circle?" needs other features of a picture than "is there a triangle?". So the
sentence takes part in both gates. For features x, (N, C, H, W), and an embedding q, (N, T), of one
sentence a picture, with h = C // r and * elementwise:

    f  = fusion_1x1(cat[conv1x1(x), conv3x3(x), conv5x5(x)])                   (N, C, H, W)
    ca = sigmoid(1x1(relu(1x1(global_average_pool(x)) + U q)))                 (N, C, 1, 1)
    sa = sigmoid(conv7x7([max_c(x), mean_c(x), std_c(x)]) + conv7x7'(<P x, V q>))  (N, 1, H, W)
    y  = x + f * ca * sa

U and V are T -> h, P is C -> h at every place, and <., .> is the inner product: how well each place
fits the words. These four have no bias, so an embedding of zeros is no sentence, and what is left
is Multi-Scale Attention.

These gates can only weaken a branch that is small beside x at first, so a network from random
weights learns slowly what its words mean. With `modulate=True` they scale and shift the features
before the formula above takes them; S and B are T -> C, without a bias:

    x' = x + x * S q + B q

That a sentence modulates the channels is FiLM's idea (https://arxiv.org/abs/1709.07871, section 2),
that it scores the places is that of attention over image regions (Show, Attend and Tell,
https://arxiv.org/abs/1502.03044, section 3.1). Deviation: the gates act on a residual branch, so
that without `modulate` the features themselves stay as they are.
"""

import torch
from torch import Tensor, nn

from ..layers.multi_scale_attention import MultiScaleAttention
from ..ops.channel_statistics import divide_by_rms, spatial_statistics
from .film import scale_and_shift
from .sentences import check_sentences, check_text_channels


class LanguageConditionedAttention(MultiScaleAttention):
    """Multi-Scale Attention whose gates also take a sentence.

    Without a sentence it is `MultiScaleAttention`, whose weights it loads: what a file has nothing
    of, the part for language as a whole, keeps its start.

    Only the fusion convolution starts at zero with `zero_init`. If the part for language did so,
    too, each of both would wait for the other, and the text encoder would learn nothing. So it is
    the identity at the start, but for S and B of `modulate`.

    Args:
        in_channels: C, channels of the input and of the output.
        text_channels: T, channels of a sentence's embedding.
        reduction_ratio, channel, spatial, dropout, drop_path, zero_init: as in
            `MultiScaleAttention`.
        gate_norm: as there, and P x is divided by its root mean square in the sample.
        modulate: let the sentence scale and shift the features first.
        zero_language: start U and V, S and B at zero, so that no sentence changes anything until
            training moves them: for a start from attention that is trained already.

    Raises:
        ValueError: for `text_channels` below 1, for both gates switched off; else as
            `MultiScaleAttention`.
    """

    listens = True
    """Backbones give the sentence to modules that say so."""

    language_parts = (
        "words_to_channels",
        "words_to_places",
        "words_to_features",
        "match_features",
        "match_conv",
    )
    """What files of Multi-Scale Attention have nothing of."""

    zero_language = False

    def __init__(
        self,
        in_channels: int,
        text_channels: int,
        reduction_ratio: int = 16,
        channel: bool = True,
        spatial: bool = True,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        gate_norm: bool = False,
        modulate: bool = False,
        zero_language: bool = False,
        zero_init: bool = True,
    ) -> None:
        check_text_channels(text_channels)
        if not (channel or spatial):
            raise ValueError(
                "channel=False and spatial=False leave no gate to take the sentence: use "
                "MultiScaleAttention, or switch one of them on"
            )
        super().__init__(
            in_channels, reduction_ratio, channel, spatial, dropout, drop_path, gate_norm, zero_init
        )
        hidden = in_channels // reduction_ratio
        self.text_channels = text_channels
        self.zero_language = zero_language
        self.words_to_features = (
            nn.Linear(text_channels, 2 * in_channels, bias=False) if modulate else None
        )
        self.words_to_channels = nn.Linear(text_channels, hidden, bias=False) if channel else None
        if spatial:
            self.words_to_places = nn.Linear(text_channels, hidden, bias=False)
            self.match_features = nn.Conv2d(in_channels, hidden, kernel_size=1, bias=False)
            self.match_conv = nn.Conv2d(1, 1, kernel_size=7, padding=3, bias=False)
        else:
            self.words_to_places = self.match_features = self.match_conv = None
        self.register_load_state_dict_pre_hook(_keep_language)
        self.init_weights()

    def init_weights(self) -> None:
        """Restore the zeros that are asked for; mmengine calls this after any `init_cfg`."""
        super().init_weights()
        if self.zero_language:
            for words in (self.words_to_channels, self.words_to_places, self.words_to_features):
                if words is not None:
                    nn.init.zeros_(words.weight)

    def modulated(self, x: Tensor, sentence: Tensor) -> Tensor:
        """What branches and gates take, (N, C, H, W): x' with `modulate`, else x."""
        if self.words_to_features is None:
            return x
        return scale_and_shift(x, self.words_to_features(sentence))

    def channel_weights_given(self, x: Tensor, sentence: Tensor) -> Tensor:
        """The channel gate ca, (N, C, 1, 1), in 0..1. Needs `channel=True`."""
        pool, reduce, relu, expand, sigmoid = self.channel_attention
        words = self.words_to_channels(sentence)[:, :, None, None]
        return sigmoid(expand(relu(reduce(pool(x)) + words)))

    def spatial_weights_given(self, x: Tensor, sentence: Tensor) -> Tensor:
        """The spatial gate sa, (N, 1, H, W), in 0..1. Needs `spatial=True`."""
        conv, sigmoid = self.spatial_attention
        seen = conv(self._gate_input(spatial_statistics(x)))
        return sigmoid(seen + self.match_conv(self.match(x, sentence)))

    def match(self, x: Tensor, sentence: Tensor) -> Tensor:
        """How well each place fits the words, <P x, V q>, (N, 1, H, W). Needs `spatial=True`."""
        features = self.match_features(x)
        if self.gate_norm:
            features = divide_by_rms(features, [1, 2, 3])
        match = torch.einsum("nchw,nc->nhw", features, self.words_to_places(sentence))
        largest = torch.finfo(match.dtype).max  # in half precision, large features pass it
        return match.clamp(-largest, largest)[:, None]

    def forward(self, x: Tensor, sentence: Tensor | None = None) -> Tensor:
        """Gate the multi-scale branch by the picture and by what is asked of it.

        Args:
            x: (N, C, H, W).
            sentence: embeddings, (N, T); None for no sentence.

        Returns:
            (N, C, H, W).

        Raises:
            ValueError: for a sentence of another shape.
        """
        if sentence is None:
            return super().forward(x)
        check_sentences(sentence, x, self.text_channels)
        x = self.modulated(x, sentence)
        f = self.multi_scale_features(x)
        listens = self.channel_attention is not None
        ca = self._drop(self.channel_weights_given(x, sentence) if listens else None, x)
        if ca is not None:
            f = f * ca
        if self.spatial_attention is None:
            return x + f
        return torch.addcmul(x, f, self.spatial_weights_given(x, sentence))


def _keep_language(
    module: LanguageConditionedAttention, tensors: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Let a file of Multi-Scale Attention without words leave the part for them as it is."""
    tensors_here = module.state_dict().items()
    part = {name: t for name, t in tensors_here if name.split(".")[0] in module.language_parts}
    has_attention = f"{prefix}fusion_conv.weight" in tensors
    if has_attention and not any(f"{prefix}{name}" in tensors for name in part):
        tensors.update({f"{prefix}{name}": tensor for name, tensor in part.items()})
