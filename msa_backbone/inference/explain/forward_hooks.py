"""Looking at modules, or changing what they return, while a model runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from torch import Tensor, nn

Hook = Callable[[str, nn.Module, tuple[Tensor, ...], dict, Tensor], Tensor | None]
"""Called with a module's name, the module, its inputs by position and by name, and its output; what
it returns, if anything, takes the place of the output."""


@contextmanager
def forward_hooks(modules: Mapping[str, nn.Module], hook: Hook) -> Iterator[None]:
    """Inside the block, `hook` is called after each of the modules."""
    with ExitStack() as handles:
        for name, module in modules.items():
            handles.enter_context(
                module.register_forward_hook(partial(hook, name), with_kwargs=True)
            )
        yield
