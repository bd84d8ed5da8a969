"""Feature-wise linear modulation (FiLM): a sentence scales and shifts every channel.

    y = (1 + g) * x + b        g, b = linear(q), of C channels each

https://arxiv.org/abs/1709.07871, section 2; the 1 is its section 3.2's. Deviations: it stands
where an attention module stands, behind a whole layer, instead of between a norm and its ReLU; and
it can start as the identity.
"""

from torch import Tensor, nn

from .sentences import check_sentences, check_text_channels


def scale_and_shift(x: Tensor, told: Tensor) -> Tensor:
    """(1 + g) * x + b for x, (N, C, H, W), and `told`, (N, 2 C): g, then b."""
    scale, shift = told[:, :, None, None].chunk(2, dim=1)
    return x + x * scale + shift


class FiLM(nn.Module):
    """Scales and shifts the channels as a sentence says.

    Args:
        in_channels: C, channels of the input and of the output.
        text_channels: channels of a sentence's embedding.
        zero_init: start the linear layer at zero, so that y = x until training moves it.

    Raises:
        ValueError: for `text_channels` below 1.
    """

    listens = True

    def __init__(self, in_channels: int, text_channels: int, zero_init: bool = True) -> None:
        super().__init__()
        check_text_channels(text_channels)
        self.text_channels = text_channels
        self.zero_init = zero_init
        self.words_to_channels = nn.Linear(text_channels, 2 * in_channels)
        self.init_weights()

    def init_weights(self) -> None:
        """Restore the identity where it is asked for; mmengine calls this after any `init_cfg`."""
        if self.zero_init:
            nn.init.zeros_(self.words_to_channels.weight)
            nn.init.zeros_(self.words_to_channels.bias)

    def forward(self, x: Tensor, sentence: Tensor | None = None) -> Tensor:
        """(N, C, H, W) and embeddings (N, text_channels) -> (N, C, H, W); x without a sentence.

        Raises:
            ValueError: for a sentence of another shape.
        """
        if sentence is None:
            return x
        check_sentences(sentence, x, self.text_channels)
        return scale_and_shift(x, self.words_to_channels(sentence))
