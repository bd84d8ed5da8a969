"""A model that answers questions as a tensor function of a picture and tokens."""

import copy

import torch
from torch import Tensor, nn

from ...errors import DataError


class Answerer(nn.Module):
    """Answers to any number of questions about one picture.

    The picture runs through the backbone once, up to the first module that listens.

    Args:
        model: `MSAAnswerer` that sees the picture and reads the question.
    """

    outputs = ("scores", "logits")
    reads = True

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.reader = copy.deepcopy(model.text_encoder)
        self.reader.gru = OnnxGRU(self.reader.gru)

    def forward(
        self, x: Tensor, resized: Tensor, original: Tensor, tokens: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Answer.

        Args:
            x: the picture, normalised, (1, C, H, W).
            resized, original: not looked at; detectors have them.
            tokens: Q questions, (Q, L), as `Tokenizer` gives them.

        Returns:
            Probabilities and logits of the answers, (Q, answers) each.
        """
        model = self.model
        sentence = self.reader(tokens)
        picture = torch.zeros_like(tokens[:, 0])
        if model.conditioning.backbone_hears:
            features = model.backbone(x, sentence=sentence, picture=picture)[-1]
        else:
            features = model.backbone(x)[-1][picture]
        seen = [pooled(features, model.pool).flatten(1)]
        if "question" in model.conditioning.head_sees:
            seen.append(sentence)
        logits = model.head(torch.cat(seen, dim=1))
        return logits.softmax(dim=1), logits


def pooled(x: Tensor, pool: nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d) -> Tensor:
    """`pool` of maps whose height and width are not known to the exporter.

    Output i is over the rows from floor(i * H / size) to ceil((i + 1) * H / size), and over the
    columns likewise. The means are two products with matrices of their weights.

    Args:
        x: (N, C, H, W).

    Returns:
        (N, C, size, size).
    """
    rows, columns = (_inside(length, pool.output_size) for length in x.shape[2:])
    if isinstance(pool, nn.AdaptiveAvgPool2d):
        return _weights(rows) @ x @ _weights(columns).T
    nothing = -torch.inf
    x = torch.stack([x.masked_fill(~row[:, None], nothing).amax(2) for row in rows], dim=2)
    return torch.stack([x.masked_fill(~column, nothing).amax(3) for column in columns], dim=3)


def _inside(length: int, size: int) -> Tensor:
    """Which places belong to each output, (size, length)."""
    number, place = torch.arange(size)[:, None], torch.arange(length)[None]
    return (place >= number * length // size) & (place < -(-(number + 1) * length // size))


def _weights(inside: Tensor) -> Tensor:
    """Of the means, (size, length): the rows add up to 1."""
    return inside.float() / inside.sum(dim=1, keepdim=True)


class OnnxGRU(nn.Module):
    """torch's GRU as ONNX's operator.

    torch.export would unroll it for the example's number of words. ONNX orders the gates as update,
    reset, new, where torch has reset, update, new. With linear_before_reset=1 its formula is
    torch's.
    """

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        self.channels = gru.hidden_size
        self.layers = nn.ModuleList()
        for number in range(gru.num_layers):
            layer = nn.Module()
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                reset, update, new = getattr(gru, f"{name}_l{number}").detach().chunk(3)
                layer.register_buffer(name, torch.cat([update, reset, new])[None])
            layer.register_buffer("bias", torch.cat([layer.bias_ih, layer.bias_hh], dim=1))
            self.layers.append(layer)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """(N, L, C) -> all states of the last layer, (N, L, channels)."""
        states = x.transpose(0, 1)
        for layer in self.layers:
            states = torch.onnx.ops.symbolic(
                "GRU",
                (states, layer.weight_ih, layer.weight_hh, layer.bias),
                {"hidden_size": self.channels, "linear_before_reset": 1},
                dtype=states.dtype,
                shape=(states.shape[0], 1, states.shape[1], self.channels),
            )[:, 0]
        return states.transpose(0, 1), None


def require_symbolic_operators() -> None:
    """Raise DataError for a torch that cannot name an operator of ONNX."""
    if not hasattr(torch.onnx, "ops"):
        raise DataError(
            f"torch {torch.__version__} cannot export a model that reads text: pip install "
            "'torch>=2.8'"
        )
