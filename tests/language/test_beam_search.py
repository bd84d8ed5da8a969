"""The search against every sentence there is, and against a search written with lists."""

import itertools
import math

import pytest
import torch

from msa_backbone.language.captions.beam_search import beam_search

WORDS, END, BEGIN, SAMPLES = 4, 0, 3, 5


def table(seed: int = 0) -> torch.Tensor:
    """Log-probabilities by sample, length of the beginning and its last two words."""
    torch.manual_seed(seed)
    return (2 * torch.randn(SAMPLES, 9, WORDS, WORDS, WORDS, dtype=torch.float64)).log_softmax(-1)


def model_of(scores: torch.Tensor):
    def next_words(beginnings: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
        t = beginnings.shape[1]
        before = beginnings[:, -2] if t > 1 else torch.full_like(sample, BEGIN)
        return scores[sample, t - 1, before, beginnings[:, -1]]

    return next_words


def log_probability(scores: torch.Tensor, sample: int, sentence: list[int]) -> float:
    words, total = [BEGIN, BEGIN, *sentence], 0.0
    for t in range(len(sentence)):
        total += scores[sample, t, words[t], words[t + 1], words[t + 2]].item()
    return total


def every_sentence(longest: int) -> list[list[int]]:
    """Those that end within `longest` words, and those cut there."""
    sentences = []
    for length in range(1, longest + 1):
        for words in itertools.product(range(WORDS), repeat=length):
            ends = words[-1] == END or length == longest
            if ends and END not in words[:-1]:
                sentences.append(list(words))
    return sentences


def search(scores, longest, beams, penalty):
    begin = torch.full((SAMPLES,), BEGIN)
    return beam_search(model_of(scores), begin, END, longest, beams, penalty)


def cut(tokens: list[int]) -> list[int]:
    return tokens[: tokens.index(END) + 1] if END in tokens else tokens


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.5])
@pytest.mark.parametrize("longest", [1, 2, 4])
def test_with_enough_beams_it_finds_the_best_sentence_of_all(longest, penalty):
    scores, sentences = table(), every_sentence(longest)
    tokens, found = search(scores, longest, WORDS**longest, penalty)
    for n in range(SAMPLES):
        best = max(sentences, key=lambda s: log_probability(scores, n, s) / len(s) ** penalty)
        assert cut(tokens[n].tolist()) == best
        assert abs(found[n].item() - log_probability(scores, n, best)) < 1e-10


def with_lists(scores, sample, longest, beams, penalty):
    beam = [([], 0.0)]
    for _ in range(longest):
        candidates = []
        for words, score in beam:
            if words and words[-1] == END:
                candidates.append((words, score))
                continue
            for word in range(WORDS):
                longer = [*words, word]
                candidates.append((longer, log_probability(scores, sample, longer)))
        beam = sorted(candidates, key=lambda c: -c[1])[:beams]
    return max(beam, key=lambda c: c[1] / len(c[0]) ** penalty)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("beams", [1, 2, 3, 7])
def test_equals_a_search_with_lists(beams, penalty, seed):
    scores = table(seed)
    tokens, found = search(scores, 6, beams, penalty)
    for n in range(SAMPLES):
        words, score = with_lists(scores, n, 6, beams, penalty)
        assert cut(tokens[n].tolist()) == words and math.isclose(found[n].item(), score)
        assert all(token == END for token in tokens[n].tolist()[len(words) :])


def test_one_beam_is_greedy_and_more_find_more():
    scores = table(1)
    greedy = search(scores, 6, 1, 0.0)
    for n in range(SAMPLES):
        words = []
        while len(words) < 6 and END not in words:
            row = scores[n, len(words), ([BEGIN, BEGIN, *words])[-2], ([BEGIN, *words])[-1]]
            words.append(row.argmax().item())
        assert cut(greedy[0][n].tolist()) == words
    exact = search(scores, 6, WORDS**6, 0.0)[1]
    assert (exact >= greedy[1] - 1e-12).all() and (exact > greedy[1] + 1e-6).any()


def test_a_length_penalty_prefers_longer_sentences():
    lengths = [
        sum(len(cut(row)) for row in search(table(2), 6, 64, penalty)[0].tolist())
        for penalty in (0.0, 2.0)
    ]
    assert lengths[0] < lengths[1]


def test_it_stops_when_every_sentence_has_ended():
    scores = torch.full((SAMPLES, 9, WORDS, WORDS, WORDS), -50.0)
    scores[..., END] = 0.0
    tokens, found = search(scores, 8, 1, 0.0)
    assert tokens.tolist() == [[END]] * SAMPLES and not found.any()
    tokens, found = search(scores, 8, 2, 0.0)  # the second one ends a word later
    assert tokens.tolist() == [[END, END]] * SAMPLES and not found.any()


@pytest.mark.parametrize(("longest", "beams"), [(0, 1), (3, 0)])
def test_no_beam_and_no_word_are_refused(longest, beams):
    with pytest.raises(ValueError, match=r"=0 does not fit: choose 1 or more"):
        search(table(), longest, beams, 0.0)
