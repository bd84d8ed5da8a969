"""A sentence beside the picture, for the attention modules of a backbone that listen."""

from torch import Tensor, nn


class Words:
    """What a backbone was told, on its way through the stages.

    Modules that listen say so by an attribute `listens = True`, as `LanguageConditionedAttention`
    and `FiLM` do.

    Args:
        backbone: has `stages`.
        sentence: embeddings, (M, T).
        picture: which of the N pictures each is about, (M,) of int64; None where M is N.

    Raises:
        ValueError: if no module listens.
    """

    def __init__(self, backbone: nn.Module, sentence: Tensor, picture: Tensor | None) -> None:
        names = (name for stage in backbone.stages for name in stage.modules)
        self.listeners = tuple(
            name for name in names if getattr(backbone.get_submodule(name), "listens", False)
        )
        if not self.listeners:
            raise ValueError(
                "a sentence is given but no attention of this backbone takes one: build it with "
                "attention=dict(type='LanguageConditionedAttention', text_channels=...)"
            )
        self.sentence = sentence
        self.picture = picture

    @classmethod
    def given(
        cls, backbone: nn.Module, sentence: Tensor | None, picture: Tensor | None
    ) -> tuple[()] | tuple["Words"]:
        """What there is to tell: nothing for None, nor for a tracer's stand-in for it."""
        return (cls(backbone, sentence, picture),) if isinstance(sentence, Tensor) else ()

    def run(self, name: str, module: nn.Module, x: Tensor) -> Tensor:
        """A module's output for x; before the first that listens, N pictures become M."""
        if name not in self.listeners:
            return module(x)
        if self.picture is not None and name == self.listeners[0]:
            x = x[self.picture]
        return module(x, self.sentence)
