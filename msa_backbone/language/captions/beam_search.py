"""The most probable sentence, word by word: greedy and beam search."""

from collections.abc import Callable

import torch
from torch import Tensor


def beam_search(
    next_words: Callable[[Tensor, Tensor], Tensor],
    begin: Tensor,
    end: int,
    longest: int,
    beams: int = 1,
    length_penalty: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Keep the `beams` most probable beginnings at every word; with one, the search is greedy.

    A sentence that has ended stays among them with its probability, as long as it is one of the
    most probable. The best of those that are left at the end is taken.

    Args:
        next_words: called with beginnings, (M, t), and with the sample of each, (M,); gives the
            log-probabilities of their next token, (M, V).
        begin: first token of each sample, (N,).
        end: token that ends a sentence.
        longest: most tokens behind the first, the end among them.
        beams: beginnings kept for each sample.
        length_penalty: a; at the end, log-probabilities are compared over (tokens behind the
            first) ** a: 0 compares the probabilities, 1 those of an average word.

    Returns:
        Tokens behind the first, (N, L) with L <= `longest`, filled up with `end`; and the
        log-probability of each sentence, (N,).

    Raises:
        ValueError: for less than one beam or one token.
    """
    for name, value in (("beams", beams), ("longest", longest)):
        if value < 1:
            raise ValueError(f"{name}={value} does not fit: choose 1 or more")
    samples = torch.arange(len(begin), device=begin.device)[:, None].expand(-1, beams)
    words = begin[:, None, None].expand(-1, beams, 1)  # (N, B, t)
    # At first all beginnings of a sample are the same: only one counts.
    score = torch.zeros(samples.shape, device=begin.device)
    score[:, 1:] = -torch.inf
    ended = torch.zeros_like(score, dtype=torch.bool)
    length = torch.zeros_like(score)
    for _ in range(longest):
        steps = next_words(words.flatten(0, 1), samples.flatten()).unflatten(0, samples.shape)
        vocabulary = steps.shape[-1]
        only_end = torch.full_like(steps[0, 0], -torch.inf)
        only_end[end] = 0
        steps = torch.where(ended[:, :, None], only_end, steps)
        total = (score.to(steps.dtype)[:, :, None] + steps).flatten(1)  # (N, B * V)
        score, best = total.topk(beams, dim=1)
        source, word = best // vocabulary, best % vocabulary
        words = torch.cat(
            [words.gather(1, source[:, :, None].expand_as(words)), word[..., None]], 2
        )
        was_ended = ended.gather(1, source)
        length = length.gather(1, source) + ~was_ended
        ended = was_ended | (word == end)
        if ended.all():
            break
    chosen = (score / length**length_penalty).argmax(1, keepdim=True)
    found = words.gather(1, chosen[:, :, None].expand(-1, -1, words.shape[2]))[:, 0, 1:]
    return found, score.gather(1, chosen)[:, 0]
