"""Sentences as numbers: a vocabulary learned from the data's text, by the `tokenizers` package."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...errors import DataError
from ...packages import require_packages
from .stored_text import StoredText

if TYPE_CHECKING:
    import tokenizers

WORD = r"\w+(?:[-.]\w+)*|(?<=\w)'\w+"
"""A word, such as 'ice-cream', '3.5', and the two of "dog's"; captions are judged by such words."""

APOSTROPHE = "\u2019"
"""As books print it; it counts as '."""

TIGHT = re.compile(r" (?=[.,!?;:)\]]|'\w)|(?<=[(\[]) ")
"""Spaces between words that are not written: before a mark and the 's of "dog's", behind (."""

SPECIAL = ("[PAD]", "[UNK]", "[BOS]", "[EOS]")
PAD, UNKNOWN, BEGIN, END = range(4)
"""Tokens of every vocabulary: padding, a word that it lacks, begin and end of a sentence."""


def _package() -> "tokenizers":
    require_packages("text", ["tokenizers"])
    import tokenizers

    return tokenizers


def train_vocabulary(
    texts: Iterable[str], kind: str = "word", size: int = 10_000, min_frequency: int = 1
) -> str:
    """Learn a vocabulary.

    Text is taken in lower case, and punctuation marks count as words.

    Args:
        texts: the training data's sentences.
        kind: 'word', where what is not among the words becomes [UNK]; or 'bpe', pieces of words
            merged from bytes (byte-pair encoding, https://arxiv.org/abs/1508.07909, section 3.2),
            where nothing is unknown.
        size: most tokens, the four special ones among them; the most frequent stay.
        min_frequency: how often a word, or a pair to merge, has to occur.

    Returns:
        The vocabulary as `Tokenizer` takes it: JSON in the format of `tokenizers`.

    Raises:
        ValueError: for another kind.
        DataError: if the texts hold no word.
    """
    package = _package()
    if kind == "word":
        model = package.Tokenizer(package.models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
        word_or_mark = package.Regex(rf"{WORD}|[^\w\s]")
        model.pre_tokenizer = package.pre_tokenizers.Split(word_or_mark, "removed", invert=True)
        trainer, alphabet = package.trainers.WordLevelTrainer, {}
    elif kind == "bpe":
        model = package.Tokenizer(package.models.BPE())
        model.pre_tokenizer = package.pre_tokenizers.ByteLevel()
        model.decoder = package.decoders.ByteLevel()
        alphabet = {"initial_alphabet": package.pre_tokenizers.ByteLevel.alphabet()}
        trainer = package.trainers.BpeTrainer
    else:
        raise ValueError(f"kind='{kind}' of a vocabulary is unknown: choose 'word' or 'bpe'")
    normalizers = package.normalizers
    model.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(APOSTROPHE, "'")]
    )
    texts = [text for text in texts if text.strip()]
    model.train_from_iterator(
        texts,
        trainer(
            vocab_size=size,
            min_frequency=min_frequency,
            special_tokens=list(SPECIAL),
            show_progress=False,
            **alphabet,
        ),
    )
    if not texts or model.get_vocab_size() <= len(SPECIAL):
        raise DataError(
            f"the vocabulary is empty: no word occurs {min_frequency} times in {len(texts)} "
            "sentences of the training data; add sentences or lower min_frequency"
        )
    return model.to_str()


class Tokenizer(nn.Module):
    """Sentences to tokens and back. The vocabulary is saved with the weights of the model.

    Args:
        vocabulary: what `train_vocabulary` returns, or the path of a file with it.

    Raises:
        DataError: if it is none.
    """

    def __init__(self, vocabulary: str | os.PathLike) -> None:
        super().__init__()
        text = os.fspath(vocabulary)
        if not text.lstrip().startswith("{"):
            if not Path(text).is_file():
                raise DataError(f"{text}: no such vocabulary; train one with train_vocabulary")
            text = Path(text).read_text(encoding="utf-8")
        package = _package()
        try:
            self._tokenizer = package.Tokenizer.from_str(text)
        except Exception as error:  # the package raises plain Exceptions
            raise DataError(
                f"the vocabulary is no JSON of the tokenizers package: {error}"
            ) from None
        found = tuple(self._tokenizer.id_to_token(token) for token in range(len(SPECIAL)))
        if found != SPECIAL:
            raise DataError(
                f"the vocabulary begins with {found}, expected {SPECIAL}: train one with "
                "train_vocabulary"
            )
        self.text = StoredText(text, "vocabulary")

    def __len__(self) -> int:
        """How many tokens there are."""
        return self._tokenizer.get_vocab_size()

    def forward(self, sentences: Sequence[str]) -> Tensor:
        """Sentences to tokens, (N, L) of int64: [BOS], the words, [EOS], and [PAD] up to L."""
        # Somebody's "[EOS]" is text as any other. Copies of the package's object forget this.
        self._tokenizer.encode_special_tokens = True
        encoded = [[BEGIN, *e.ids, END] for e in self._tokenizer.encode_batch(list(sentences))]
        longest = max(map(len, encoded), default=0)
        padded = [tokens + [PAD] * (longest - len(tokens)) for tokens in encoded]
        device = self.text.utf8.device
        return torch.tensor(padded, dtype=torch.int64, device=device).view(len(encoded), longest)

    def decode(self, tokens: Tensor) -> list[str]:
        """Tokens, (N, L), to sentences: the words up to the first [EOS]."""
        sentences = []
        for row in tokens.tolist():
            row = row[: row.index(END)] if END in row else row
            sentence = self._tokenizer.decode(row, skip_special_tokens=True).strip()
            # Of bytes the spaces are known, between words they are not.
            by_bytes = self._tokenizer.decoder is not None
            sentences.append(sentence if by_bytes else TIGHT.sub("", sentence))
        return sentences
