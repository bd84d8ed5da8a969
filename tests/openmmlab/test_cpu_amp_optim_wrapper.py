"""Mixed precision on CPUs."""

import torch
from mmengine.optim import OptimWrapper

from msa_backbone.openmmlab.cpu_amp_optim_wrapper import CPUAmpOptimWrapper


def test_cpu_amp_wrapper_autocasts_inside_its_context_only():
    model = torch.nn.Linear(2, 2)
    wrapper = CPUAmpOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with wrapper.optim_context(model):
        assert model(torch.ones(1, 2)).dtype == torch.bfloat16
    assert model(torch.ones(1, 2)).dtype == torch.float32
    assert issubclass(CPUAmpOptimWrapper, OptimWrapper)
