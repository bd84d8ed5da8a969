"""A small network that is asked about one of four patterns learns to look at that one."""

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.structures import BaseDataElement

pytest.importorskip("tokenizers")

from msa_backbone.inference.explain.word_changes import share_inside
from msa_backbone.language import LanguageConditionedAttention, train_vocabulary

COLOURS = {"red": [0], "green": [1], "blue": [2], "yellow": [0, 1], "pink": [0, 2], "cyan": [1, 2]}
NAMES = "abcdefgh"
PATTERNS = torch.rand(8, 4, 4, generator=torch.Generator().manual_seed(3)) > 0.5
PATTERNS = PATTERNS.float().repeat_interleave(2, 1).repeat_interleave(2, 2)  # of 8x8 pixels
QUESTION = "what colour is the {}?"
Scenes = tuple[torch.Tensor, list[BaseDataElement], list[list[int]]]


def draw(count: int, seed: int) -> Scenes:
    """Pictures of four coloured patterns, a question about one of them, and where it is."""
    generator = torch.Generator().manual_seed(seed)

    def integers(most: int, size: int) -> list[int]:
        return torch.randint(most, (size,), generator=generator).tolist()

    pictures = 0.1 * torch.randn(count, 3, 32, 32, generator=generator)
    samples, boxes = [], []
    for picture in pictures:
        quarters = torch.randperm(4, generator=generator).tolist()
        patterns = torch.randperm(8, generator=generator)[:4].tolist()
        colours = [list(COLOURS)[number] for number in integers(6, 4)]
        places = [(16 * (quarter % 2) + 4, 16 * (quarter // 2) + 4) for quarter in quarters]
        for (x, y), pattern, colour in zip(places, patterns, colours, strict=True):
            picture[COLOURS[colour], y : y + 8, x : x + 8] += PATTERNS[pattern]
        (asked,) = integers(4, 1)
        sample = BaseDataElement()
        sample.question = QUESTION.format(NAMES[patterns[asked]])
        sample.gt_answer = colours[asked]
        samples.append(sample)
        boxes.append([*places[asked], 8, 8])
    return pictures, samples, boxes


def build():
    torch.manual_seed(0)
    return MODELS.build(
        {
            "type": "MSAAnswerer",
            "vocabulary": train_vocabulary([QUESTION.format(name) for name in NAMES]),
            "answers": list(COLOURS),
            "text_encoder": {"type": "GRUTextEncoder", "channels": 16, "word_channels": 16},
            "backbone": {
                "type": "MSAVGG", "depth": 11, "base_channels": 16, "num_stages": 3,
                "out_indices": (2,), "norm_cfg": {"type": "BN"}, "attention_positions": (5, 10),
                "attention": {
                    "type": "LanguageConditionedAttention", "text_channels": 16,
                    "reduction_ratio": 2, "gate_norm": True,
                },
                "zero_init": False,
            },
            "conditioning": "backbone_only",
            "hidden_channels": 32,
        }
    )  # fmt: skip


def told_and_shuffled(model, scenes: Scenes) -> tuple[float, float, float]:
    """The share of right answers; the words' change inside the asked pattern, and inside another
    question's.

    It is taken at the first module that listens, before pictures are averaged.
    """
    pictures, samples, boxes = scenes
    module = next(m for m in model.modules() if isinstance(m, LanguageConditionedAttention))
    seen = []
    hook = module.register_forward_hook(lambda _, inputs, y: seen.append((*inputs, y)))
    with torch.no_grad():
        answered = model.eval()(pictures, samples, mode="predict")
        hook.remove()
        ((x, sentence, y),) = seen
        nobody = module(x)
        other = module(x, sentence.roll(1, 0))
    right = sum(sample.pred_answer == sample.gt_answer for sample in answered) / len(samples)
    shares = [
        sum(share_inside(change, [box], (32, 32))[0] for change, box in zip(c, boxes, strict=True))
        / len(boxes)
        for c in ((y - nobody).norm(dim=1), (other - nobody).norm(dim=1))
    ]
    return right, *shares


@pytest.mark.slow
def test_the_words_change_what_they_name():
    scenes = draw(200, seed=1)
    model = build()
    right, told, shuffled = told_and_shuffled(model, scenes)
    assert right < 0.4 and abs(told - shuffled) < 0.02  # before it has learned anything
    optimiser = torch.optim.Adam(model.train().parameters(), lr=1e-3)
    for step in range(400):
        pictures, samples, _ = draw(64, seed=100 + step)
        optimiser.zero_grad()
        model(pictures, samples, mode="loss")["loss"].backward()
        optimiser.step()
    right, told, shuffled = told_and_shuffled(model, scenes)
    area = 8 * 8 / (32 * 32)
    assert right > 0.9  # 1/6 is chance, and a guess from the colours that are there is about 0.4
    assert told > 4 * area and shuffled < 2.5 * area
