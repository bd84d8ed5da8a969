"""Two processes train the backbone for several modalities: a dropped one does not stop them."""

import processes
import pytest
import torch
import torch.distributed as dist
from toy_distributed import train

pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="torch has no gloo")


@pytest.mark.parametrize(
    ("fusion", "exchange"), [("attention", False), ("attention", True), ("concat", False)]
)
@pytest.mark.parametrize("positions", [None, (2, 5)])
def test_two_processes_train_one_model_under_modality_dropout(
    fusion, exchange, positions, tmp_path
):
    options = {"fusion": fusion, "modality_dropout": 0.5, "attention_positions": positions}
    options["exchange"] = exchange
    workers = [processes.start(train, rank, tmp_path, options) for rank in range(2)]
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    drawn, gradients, states = zip(
        *(torch.load(tmp_path / f"rank{rank}.pth", weights_only=True) for rank in range(2)),
        strict=True,
    )
    assert not torch.equal(*drawn) and not any(flags.all() for flags in drawn)
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name]), name
        assert gradients[0][name] is not None and torch.equal(*(g[name] for g in gradients)), name
