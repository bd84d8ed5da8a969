"""The config in a work dir that was moved finds the files beside it again."""

from pathlib import Path

from mmengine.config import Config

from ..config_nodes import LOADERS, walk

INDEX_FOLDER = "data"  # in a work dir


def follow_index(cfg: Config) -> list[str]:
    """Let a config read the lists and jsons that lie in the folder `data` beside it.

    A training with --data writes them into its work dir, and the config that it leaves there names
    them by their absolute paths. Once the work dir has another place or name these paths lead
    nowhere, and the files lie where the config lies.

    Args:
        cfg: changed in place; one that was made in memory has nothing beside it.

    Returns:
        A line for the user, or none where nothing has moved.
    """
    if cfg.filename is None:
        return []
    folder = Path(cfg.filename).absolute().parent / INDEX_FOLDER
    found: set[str] = set()

    def follow(node: dict) -> None:
        for key, value in list(node.items()):
            if isinstance(value, str) and (path := Path(value)).is_absolute():
                here = folder / path.name
                if path.parent.name == INDEX_FOLDER and not path.exists() and here.exists():
                    node[key] = str(here)
                    found.add(path.name)

    walk(cfg.get("model"), follow)  # a vocabulary
    for loader in LOADERS:
        walk(cfg.get(loader), follow)
        walk(cfg.get(loader.replace("dataloader", "evaluator")), follow)
    if not found:
        return []
    return [f"The work dir has moved: {len(found)} of its files on the data are read in {folder}"]
