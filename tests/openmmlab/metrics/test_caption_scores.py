"""Captions' scores against the formulas of BLEU, ROUGE-L and CIDEr-D, written out."""

import math
from collections import Counter

import pytest
from mmengine.registry import METRICS

import msa_backbone  # noqa: F401  (registers)

pytest.importorskip("pycocoevalcap")

from msa_backbone.openmmlab.metrics.caption_scores import words

PREDICTED = ["A red 3 left of a blue 7.", "a dog on a bed", "two cats", "a man, walking"]
TRUTH = [
    ["a red 3 left of a blue 7", "a blue 7"],
    ["A dog lies on a bed.", "the dog on the bed"],
    ["a bird in a tree", "one bird"],
    ["a man is walking a dog", "a woman walking", "a man walking"],
]


def scores(predicted: list[str], truth: list) -> dict[str, float]:
    metric = METRICS.build({"type": "CaptionScores"})
    samples = [{"pred_caption": p, "gt_caption": t} for p, t in zip(predicted, truth, strict=True)]
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def grams(text: str, n: int) -> Counter:
    parts = words(text).split()
    return Counter(tuple(parts[i : i + n]) for i in range(len(parts) - n + 1))


def bleu(n: int) -> float:
    """Clipped n-gram precision over all pictures, with the penalty for being shorter."""
    logs, length, closest = 0.0, 0, 0
    for k in range(1, n + 1):
        right = total = 0
        for said, truth in zip(PREDICTED, TRUTH, strict=True):
            mine = grams(said, k)
            most = Counter()
            for text in truth:
                most |= grams(text, k)
            right += (mine & most).total()
            total += mine.total()
        logs += math.log(right / total)
    for said, truth in zip(PREDICTED, TRUTH, strict=True):
        said_length = grams(said, 1).total()
        lengths = [grams(text, 1).total() for text in truth]
        length += said_length
        closest += min(lengths, key=lambda size: (abs(size - said_length), size))
    return math.exp(logs / n + min(0.0, 1 - closest / length))


def longest_common(a: list[str], b: list[str]) -> int:
    if not a or not b:
        return 0
    if a[-1] == b[-1]:
        return 1 + longest_common(a[:-1], b[:-1])
    return max(longest_common(a[:-1], b), longest_common(a, b[:-1]))


def rouge() -> float:
    total = 0.0
    for said, truth in zip(PREDICTED, TRUTH, strict=True):
        mine = words(said).split()
        common = [(longest_common(mine, words(t).split()), len(words(t).split())) for t in truth]
        precision = max(size / len(mine) for size, _ in common)
        recall = max(size / length for size, length in common)
        if precision and recall:
            total += (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)
    return total / len(TRUTH)


def cider() -> float:
    """CIDEr-D: clipped cosine of tf-idf vectors, Gaussian of the lengths' difference, times 10."""
    documents = [
        {g for text in truth for n in range(1, 5) for g in grams(text, n)} for truth in TRUTH
    ]
    seen = Counter(g for document in documents for g in document)

    def vector(text: str, n: int) -> dict:
        idf = {g: math.log(len(TRUTH)) - math.log(max(1, seen[g])) for g in grams(text, n)}
        return {g: count * idf[g] for g, count in grams(text, n).items()}

    def norm(values: dict) -> float:
        return math.sqrt(sum(v * v for v in values.values()))

    total = 0.0
    for said, truth in zip(PREDICTED, TRUTH, strict=True):
        for text in truth:
            # pycocoevalcap takes the number of bigrams for the length.
            gap = grams(said, 2).total() - grams(text, 2).total()
            for n in range(1, 5):
                mine, theirs = vector(said, n), vector(text, n)
                value = sum(min(mine[g], theirs.get(g, 0)) * theirs.get(g, 0) for g in mine)
                if norm(mine) and norm(theirs):
                    value /= norm(mine) * norm(theirs)
                total += value * math.exp(-(gap**2) / (2 * 6.0**2)) / 4 / len(truth)
    return 10 * total / len(TRUTH)


def test_scores_are_the_formulas():
    found = scores(PREDICTED, TRUTH)
    expected = {f"captions/BLEU-{n}": 100 * bleu(n) for n in (1, 2, 3, 4)}
    expected |= {"captions/ROUGE-L": 100 * rouge(), "captions/CIDEr": 100 * cider()}
    expected["captions/exact"] = 50.0
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_truth_is_the_best_caption():
    best = scores([truth[0] for truth in TRUTH], TRUTH)
    assert best["captions/exact"] == best["captions/ROUGE-L"] == 100
    assert best["captions/BLEU-4"] == pytest.approx(100)
    worse = scores(["a"] * 4, [truth[0] for truth in TRUTH])
    assert all(0 <= worse[name] < best[name] for name in best)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("A dog's ice-cream, eaten!", "a dog 's ice-cream eaten"),
        ("  3.5 metres -- (wide)", "3.5 metres wide"),
        ("Über den Fluß", "über den fluß"),
        ("...", ""),
    ],
)
def test_words(sentence, expected):
    assert words(sentence) == expected


def test_captions_without_words_score_nothing():
    assert scores(["", "..."], [["a b"], ["c d"]])["captions/CIDEr"] == 0
