"""What two processes run to train the backbone for several modalities as one model."""

from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from msa_backbone.backbones import MultiModalMSAVGG


def train(rank: int, folder: Path, options: dict) -> None:
    """Some steps as one of two processes; leaves what it drew, its gradients and its weights."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = MultiModalMSAVGG((3, 1), depth=11, base_channels=16, **options)
    drawn = []
    next(iter(model.attentions.values())).register_forward_pre_hook(
        lambda module, args, options: drawn.append(options["present"]), with_kwargs=True
    )
    parallel = DistributedDataParallel(model)  # which refuses a second step if one was unused
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    torch.manual_seed(rank)
    for _ in range(4):
        optimizer.zero_grad()
        outputs = parallel(torch.randn(1, 4, 32, 32))
        sum(y.square().mean() for y in outputs).backward()
        optimizer.step()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    state = {name: p.detach() for name, p in model.named_parameters()}
    torch.save([torch.cat(drawn), gradients, state], folder / f"rank{rank}.pth")
    dist.destroy_process_group()
