"""What modules that listen to a sentence check of it."""

from torch import Tensor


def check_text_channels(text_channels: int) -> None:
    """Refuse an embedding without channels.

    Raises:
        ValueError: naming the value.
    """
    if text_channels < 1:
        raise ValueError(
            f"text_channels={text_channels} does not fit: give the channels of the text encoder"
        )


def check_sentences(sentence: Tensor, x: Tensor, text_channels: int) -> None:
    """Refuse embeddings that are not one for each map.

    Args:
        sentence: should be (N, text_channels).
        x: (N, C, H, W).

    Raises:
        ValueError: naming both shapes.
    """
    if sentence.shape != (x.shape[0], text_channels):
        raise ValueError(
            f"sentence has shape {tuple(sentence.shape)}, expected ({x.shape[0]}, {text_channels}):"
            " an embedding for each picture of the batch"
        )
