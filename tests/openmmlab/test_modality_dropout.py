import pytest
import torch

from msa_backbone.openmmlab.modality_dropout import ABSENT, BLACK, PRESENT, ModalityDropout

SAMPLES = 40_000


def shares(states: torch.Tensor, state: int) -> list[float]:
    return (states == state).float().mean(dim=0).tolist()


def test_statistics():
    """A modality is lost with p_m, but for samples that would lose all."""
    torch.manual_seed(0)
    absent, black = (0.1, 0.3, 0.05), (0.2, 0.0, 0.25)
    states = ModalityDropout(3, absent, black).draw(torch.full((SAMPLES, 3), PRESENT))
    lost = [a + b for a, b in zip(absent, black, strict=True)]
    for m in range(3):
        others = torch.tensor([p for k, p in enumerate(lost) if k != m]).prod().item()
        for state, p in ((ABSENT, absent[m]), (BLACK, black[m])):
            expected = p * (1 - others)
            sigma = (expected * (1 - expected) / SAMPLES) ** 0.5
            assert shares(states, state)[m] == pytest.approx(expected, abs=4 * sigma + 1e-9)
    both = ((states[:, 0] != PRESENT) & (states[:, 1] != PRESENT)).float().mean().item()
    assert both == pytest.approx(lost[0] * lost[1] * (1 - lost[2]), abs=0.006)  # independent
    assert (states == PRESENT).any(dim=1).all()


def test_one_value_stands_for_all_modalities():
    torch.manual_seed(0)
    states = ModalityDropout(2, absent=0.5).draw(torch.full((SAMPLES, 2), PRESENT))
    assert shares(states, ABSENT) == pytest.approx([0.25, 0.25], abs=0.01)
    assert not (states == BLACK).any()


def test_the_last_one_that_is_there_stays():
    torch.manual_seed(0)
    given = torch.tensor([PRESENT, ABSENT, BLACK]).expand(1000, 3)
    assert torch.equal(ModalityDropout(3, 0.5, 0.4).draw(given), given)


@pytest.mark.parametrize(
    ("absent", "black", "match"),
    [(1.0, 0.0, "absent=1"), (0.0, -0.1, "black=-0.1"), (0.6, 0.6, r"absent \+ black=1.2")],
)
def test_what_is_no_probability(absent, black, match):
    with pytest.raises(ValueError, match=match):
        ModalityDropout(2, absent, black)
    with pytest.raises(ValueError, match="one for each of 2 modalities"):
        ModalityDropout(2, (0.1, 0.2, 0.3))
