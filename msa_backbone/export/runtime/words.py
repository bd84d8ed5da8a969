"""Questions as the tokens that an exported file takes."""

from collections.abc import Sequence

import numpy as np

from ...packages import require_packages

PAD, BEGIN, END = 0, 2, 3
"""As in `language.text.tokenizer`, which needs torch."""


def tokens_of(questions: Sequence[str], vocabulary: str) -> np.ndarray:
    """Questions to tokens, (Q, L) of int64: [BOS], the words, [EOS], and [PAD] up to L.

    Args:
        vocabulary: JSON of the tokenizers package.

    Raises:
        ValueError: if the package is not installed.
    """
    require_packages("text", ["tokenizers"])
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(vocabulary)
    tokenizer.encode_special_tokens = True  # as text: a question's "[EOS]" does not end it
    encoded = tokenizer.encode_batch(list(questions))
    tokens = np.full((len(encoded), max(len(e.ids) for e in encoded) + 2), PAD, np.int64)
    for row, question in zip(tokens, encoded, strict=True):
        row[: len(question.ids) + 2] = [BEGIN, *question.ids, END]
    return tokens
