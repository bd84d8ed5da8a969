"""A world in which a question needs its picture, and the models that are asked about it."""

import pytest
import torch
from mmengine.structures import BaseDataElement

COLOURS = ("red", "green", "blue")
QUESTIONS = (
    "what is on the left?",
    "what colour is the shape on the right",
    "is it red on the left?",
)


def true_answer(question: int, left: int, right: int) -> str:
    return (COLOURS[left], COLOURS[right], "yes" if left == 0 else "no")[question]


@pytest.fixture(scope="session")
def vocabulary() -> str:
    pytest.importorskip("tokenizers")
    from msa_backbone.language import train_vocabulary

    return train_vocabulary(QUESTIONS)


@pytest.fixture(scope="session")
def answers() -> list[str]:
    return [*COLOURS, "yes", "no"]


@pytest.fixture(scope="session")
def scenes():
    """Draws `count` pictures of two coloured halves, with a question and its answer each."""

    def draw(count: int, seed: int = 0) -> tuple[torch.Tensor, list[BaseDataElement]]:
        generator = torch.Generator().manual_seed(seed)
        images = 0.1 * torch.randn(count, 3, 32, 32, generator=generator)
        samples = []
        for image in images:
            left, right, question = torch.randint(3, (3,), generator=generator).tolist()
            image[left, :, :16] += 1
            image[right, :, 16:] += 1
            sample = BaseDataElement()
            sample.question = QUESTIONS[question]
            sample.gt_answer = true_answer(question, left, right)
            sample.gt_caption = f"{COLOURS[left]} left of {COLOURS[right]}"
            samples.append(sample)
        return images, samples

    return draw
