"""Sentences as vectors: an embedding of the words and a recurrent network that reads them."""

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from .tokenizer import PAD


@MODELS.register_module()
class GRUTextEncoder(nn.Module):
    """The state of a gated recurrent unit (https://arxiv.org/abs/1406.1078) behind the last word.

    It reads from left to right, so what stands behind a sentence cannot change its state there:
    padding needs no mask.

    Args:
        vocabulary_size: number of tokens.
        channels: of the sentence's embedding.
        word_channels: of a word's embedding.
        num_layers: of the recurrent network.
        dropout: in training, probability of leaving out a channel of a word.

    Raises:
        ValueError: for a vocabulary without a token.
    """

    def __init__(
        self,
        vocabulary_size: int,
        channels: int = 128,
        word_channels: int = 64,
        num_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if vocabulary_size < 1:
            raise ValueError(
                f"vocabulary_size={vocabulary_size}: an empty vocabulary reads nothing"
            )
        self.channels = channels
        self.embedding = nn.Embedding(vocabulary_size, word_channels, padding_idx=PAD)
        self.drop = nn.Dropout(dropout)
        self.gru = nn.GRU(word_channels, channels, num_layers, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens, (N, L), padded behind -> (N, channels).

        A sentence needs a token, as [BOS] and [EOS] are.
        """
        states, _ = self.gru(self.drop(self.embedding(tokens)))
        last = (tokens != PAD).sum(1) - 1
        return states[torch.arange(len(tokens), device=tokens.device), last]
