"""Text that is saved with a model's weights: its vocabulary, its answers.

Row 17 of an embedding means nothing without the vocabulary's word 17. So the words are part of the
state dict. Checkpoints are read tensors only: the text is stored as its bytes.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class StoredText(nn.Module):
    """A text as a buffer, which refuses the weights of a model with another text.

    Args:
        text: the text.
        name: what it is, for the error.
    """

    def __init__(self, text: str, name: str) -> None:
        super().__init__()
        self.name = name
        self.register_buffer("utf8", torch.tensor(list(text.encode()), dtype=torch.uint8))

    def __str__(self) -> str:
        return bytes(self.utf8.tolist()).decode()

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Tensor], prefix: str, *others: object
    ) -> None:
        stored = state_dict.get(f"{prefix}utf8")
        if stored is not None and not torch.equal(stored.cpu(), self.utf8.cpu()):
            raise ValueError(
                f"the weights belong to another {self.name} than the model's: build the model "
                f"with the checkpoint's, which is its tensor '{prefix}utf8'"
            )
        super()._load_from_state_dict(state_dict, prefix, *others)


def read_stored_text(tensors: Mapping[str, Tensor], name: str) -> str:
    """The text that a state dict holds.

    Args:
        tensors: a model's state dict.
        name: of the `StoredText` in the model, such as 'answers'.

    Raises:
        ValueError: if there is none of this name.
    """
    if f"{name}.utf8" not in tensors:
        raise ValueError(f"the checkpoint holds no text '{name}': it is of a model without one")
    return bytes(tensors[f"{name}.utf8"].tolist()).decode()
