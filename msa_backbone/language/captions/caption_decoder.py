"""A transformer that writes a sentence while it looks at the places of a picture."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .positions import sine_positions, sine_positions_2d


class CaptionDecoder(nn.Module):
    """torch's transformer decoder over the places of a backbone's maps.

    Each word attends to the words before it and to all places of all maps
    (https://arxiv.org/abs/1706.03762, section 3). A map's vectors are projected and normalised, as
    a VGG's features are large. Norms come before attention, so that training needs no warm-up
    (https://arxiv.org/abs/2002.04745).

    Args:
        vocabulary_size: number of tokens, V.
        in_channels: of each map.
        channels: D, of the decoder; a multiple of 4 and of `num_heads`.
        num_heads, num_layers, dropout: of the decoder.

    Raises:
        ValueError: for channels that do not fit.
    """

    def __init__(
        self,
        vocabulary_size: int,
        in_channels: Sequence[int],
        channels: int = 256,
        num_heads: int = 4,
        num_layers: int = 3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if num_heads < 1 or channels % 4 or channels % num_heads:
            raise ValueError(
                f"channels={channels} does not fit: choose a multiple of 4 and of "
                f"num_heads={num_heads}"
            )
        self.channels = channels
        self.projections = nn.ModuleList(nn.Linear(width, channels) for width in in_channels)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in in_channels)
        self.embedding = nn.Embedding(vocabulary_size, channels)
        nn.init.normal_(self.embedding.weight, std=channels**-0.5)  # times sqrt(D) when it is read
        layer = nn.TransformerDecoderLayer(
            channels, num_heads, 4 * channels, dropout, batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, num_layers, nn.LayerNorm(channels))
        self.words = nn.Linear(channels, vocabulary_size)

    def read(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps, (N, C_i, H_i, W_i) each, -> what words attend to, (N, sum of H_i * W_i, D)."""
        places = []
        for x, project, norm in zip(maps, self.projections, self.norms, strict=True):
            vectors = norm(project(x.flatten(2).transpose(1, 2)))
            places.append(vectors + sine_positions_2d(*x.shape[2:], self.channels, vectors))
        return torch.cat(places, dim=1)

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        """Scores of the token behind each token, from those up to it.

        Args:
            tokens: (M, L), padded behind: no token sees what comes after it.
            places: from `read`, (M, S, D).

        Returns:
            Logits, (M, L, V).
        """
        length = tokens.shape[1]
        words = self.embedding(tokens) * self.channels**0.5
        words = words + sine_positions(length, self.channels, words)
        later = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
        return self.words(self.decoder(words, places, tgt_mask=later, tgt_is_causal=True))
