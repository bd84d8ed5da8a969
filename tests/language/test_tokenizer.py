"""Sentences to tokens and back, and the vocabulary as part of a model's weights."""

import copy
import json
import pickle
import sys

import pytest
import torch

pytest.importorskip("tokenizers")

from msa_backbone.errors import DataError
from msa_backbone.language.text.stored_text import StoredText, read_stored_text
from msa_backbone.language.text.tokenizer import (
    BEGIN,
    END,
    PAD,
    UNKNOWN,
    Tokenizer,
    train_vocabulary,
)

TEXTS = ["What colour is the circle?", "Is there a circle?", "is there a red square", "  "]


def test_words_are_counted_and_the_most_frequent_stay():
    tokenizer = Tokenizer(train_vocabulary(TEXTS))
    words = {word for text in TEXTS for word in text.lower().replace("?", " ?").split()}
    assert len(tokenizer) == 4 + len(words) == 14
    few = json.loads(train_vocabulary(TEXTS, size=8))["model"]["vocab"]
    assert len(few) == 8 and "is" in few
    assert set(few) - {"[PAD]", "[UNK]", "[BOS]", "[EOS]"} <= {"is", "there", "a", "circle", "?"}
    often = json.loads(train_vocabulary(TEXTS, min_frequency=2))["model"]["vocab"]
    assert set(often) == {"[PAD]", "[UNK]", "[BOS]", "[EOS]", "is", "there", "a", "circle", "?"}


def test_a_missing_package_is_named(monkeypatch):
    vocabulary = train_vocabulary(TEXTS)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    for read in (lambda: train_vocabulary(TEXTS), lambda: Tokenizer(vocabulary)):
        with pytest.raises(ValueError, match="text needs tokenizers: pip install tokenizers"):
            read()


def test_sentences_are_framed_padded_and_read_back():
    tokenizer = Tokenizer(train_vocabulary(TEXTS))
    tokens = tokenizer(["Is there a CIRCLE?", "red", ""])
    assert tokens.dtype == torch.int64 and tokens.shape == (3, 7)
    assert tokens[:, 0].tolist() == [BEGIN] * 3
    assert tokens[0, -1] == END and not (tokens[0] == PAD).any()
    assert tokens[1, 2:].tolist() == [END] + [PAD] * 4
    assert tokens[2].tolist() == [BEGIN, END] + [PAD] * 5
    assert tokenizer.decode(tokens) == ["is there a circle?", "red", ""]
    assert tokenizer([]).shape == (0, 0)
    after_end = torch.cat([tokens[1:2], tokens[0:1, 1:3]], 1)
    assert tokenizer.decode(after_end) == ["red"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a man's t-shirt, 3.5 m long. two.", ["man", "'s", "t-shirt", ",", "3.5", "."]),
        ("they don't, he'll: (maybe) yes; no!", ["don", "'t", "'ll", ":", "(", "maybe", ")", ";"]),
    ],
)
def test_a_sentence_reads_as_it_was_written(text, words):
    tokenizer = Tokenizer(train_vocabulary([text]))
    assert tokenizer.decode(tokenizer([text])) == [text]
    assert set(words) < set(json.loads(str(tokenizer.text))["model"]["vocab"])
    assert tokenizer.decode(tokenizer([text.replace("'", "\u2019")])) == [text]


def test_a_quoted_word_is_the_word():
    tokenizer = Tokenizer(train_vocabulary(["does the sign say stop ' ?"]))
    assert UNKNOWN not in tokenizer(["does the sign say 'stop'?"])


def test_unknown_words_and_special_names_in_the_text():
    tokenizer = Tokenizer(train_vocabulary(TEXTS))
    assert tokenizer(["is there a zebra"])[0].tolist()[4] == UNKNOWN
    for text in ("zebra", "猫", "\u0000", "\n", "'"):
        assert tokenizer([text]).shape[0] == 1
    written = Tokenizer(train_vocabulary([*TEXTS, "a [ eos ] sign"]))
    for tokenizer in (written, copy.deepcopy(written)):
        (tokens,) = tokenizer(["is there a [EOS] sign"])
        assert tokens.tolist().count(END) == 1 and UNKNOWN not in tokens
        assert tokenizer.decode(tokens[None]) == ["is there a [eos] sign"]
        assert PAD not in tokenizer(["[PAD] a [UNK] [BOS]"])
    by_bytes = Tokenizer(train_vocabulary(TEXTS, kind="bpe", size=300))
    assert by_bytes.decode(by_bytes(["a [EOS] sign"])) == ["a [eos] sign"]


def test_bytes_know_every_word():
    tokenizer = Tokenizer(train_vocabulary(TEXTS, kind="bpe", size=300))
    sentences = ["is there a zebra?", "猫 on a mat", "what's up"]
    tokens = tokenizer(sentences)
    assert not (tokens == UNKNOWN).any()
    assert tokenizer.decode(tokens) == sentences
    assert len(tokenizer(["circle"])[0]) < len("circle") + 2


@pytest.mark.parametrize("texts", [[], ["", "  "], ["once"]])
def test_an_empty_vocabulary_is_refused(texts):
    with pytest.raises(DataError, match=r"the vocabulary is empty: no word occurs 2 times in"):
        train_vocabulary(texts, min_frequency=2)


def test_what_is_no_vocabulary_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"kind='char' of a vocabulary is unknown"):
        train_vocabulary(TEXTS, kind="char")
    with pytest.raises(DataError, match=r"nowhere\.json: no such vocabulary"):
        Tokenizer(tmp_path / "nowhere.json")
    with pytest.raises(DataError, match="the vocabulary is no JSON of the tokenizers package"):
        Tokenizer("{}")
    other = train_vocabulary(TEXTS).replace("[UNK]", "[OTHER]")
    with pytest.raises(DataError, match="the vocabulary begins with"):
        Tokenizer(other)


def test_a_file_serves_as_the_text_does(tmp_path):
    text = train_vocabulary(TEXTS)
    (tmp_path / "vocabulary.json").write_text(text, encoding="utf-8")
    stored = Tokenizer(tmp_path / "vocabulary.json")
    assert torch.equal(stored(TEXTS), Tokenizer(text)(TEXTS))
    for again in (copy.deepcopy(stored), pickle.loads(pickle.dumps(stored))):
        assert torch.equal(again(TEXTS), stored(TEXTS))


def test_the_vocabulary_is_saved_with_the_weights(tmp_path):
    first, other = (Tokenizer(train_vocabulary(texts)) for texts in (TEXTS, TEXTS[:1]))
    torch.save(first.state_dict(), tmp_path / "weights.pth")
    tensors = torch.load(tmp_path / "weights.pth", weights_only=True)
    again = Tokenizer(read_stored_text(tensors, "text"))
    again.load_state_dict(tensors)
    assert torch.equal(again(TEXTS), first(TEXTS))
    with pytest.raises(ValueError, match="the weights belong to another vocabulary than") as caught:
        other.load_state_dict(tensors)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="the checkpoint holds no text 'answers'"):
        read_stored_text(tensors, "answers")


def test_any_text_survives():
    text = "naïve 猫 \N{GRINNING FACE}\n"
    assert str(StoredText(text, "text")) == text
    assert str(StoredText(text, "text").half()) == text
