"""Reading an OpenMMLab config: a tree of dicts, its nodes, most of which name a `type`."""

from collections.abc import Callable

from mmengine.config import Config, ConfigDict

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")


def walk(node: object, visit: Callable[[dict], None]) -> None:
    """Call `visit` on every dict inside a config, outermost first."""
    if isinstance(node, dict):
        visit(node)
        for value in node.values():
            walk(value, visit)
    elif isinstance(node, list | tuple):
        for value in node:
            walk(value, visit)


def type_name(node: dict) -> str | None:
    """The bare name of a node's `type`, None without a type.

    A config may write the same type in three ways: 'RandomFlip', with the scope of its toolbox
    ('mmseg.RandomFlip'), or as the class itself. All three have the name 'RandomFlip'.
    """
    kind = node.get("type")
    return kind.rpartition(".")[2] if isinstance(kind, str) else getattr(kind, "__name__", None)


def find_nodes(node: object, *types: str) -> list[dict]:
    """Every node inside a config whose bare type name is one of `types`, outermost first."""
    found: list[dict] = []
    walk(node, lambda inner: found.append(inner) if type_name(inner) in types else None)
    return found


def pipeline_steps(cfg: Config, loader: str = "train_dataloader") -> list[dict]:
    """Every step that the images of a dataloader pass through."""
    steps: list[dict] = []

    def collect(node: dict) -> None:
        steps.extend(step for step in node.get("pipeline", ()) if isinstance(step, dict))

    walk(cfg.get(loader), collect)
    return steps


def innermost(dataset: ConfigDict) -> list[ConfigDict]:
    """The datasets inside wrappers such as RepeatDataset and ConcatDataset."""
    inner = dataset.get("datasets") or ([dataset["dataset"]] if "dataset" in dataset else [])
    return [found for part in inner for found in innermost(part)] if inner else [dataset]
