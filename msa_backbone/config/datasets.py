"""Replacing what a config's dataloaders read."""

import colorsys
from collections.abc import Callable, Collection

from mmengine.config import Config, ConfigDict


def replace_datasets(
    cfg: Config,
    splits: Collection[str],
    new_dataset: Callable[[str, ConfigDict], ConfigDict],
) -> list[tuple[str, str]]:
    """Replace the innermost dataset of every dataloader, inside the old wrappers.

    Args:
        splits: of train, val and test, those there are; without test, testing uses val.
        new_dataset: makes the dataset of a split, given the one that it replaces.

    Returns:
        Every dataloader and the split that it got.

    Raises:
        ValueError: if there is no dataset to replace.
    """

    def replaced(dataset: ConfigDict, split: str) -> ConfigDict:
        if "dataset" in dataset:
            dataset["dataset"] = replaced(dataset["dataset"], split)
            return dataset
        if "datasets" in dataset:  # several sources make way for the one
            return replaced(dataset["datasets"][0], split)
        if "pipeline" not in dataset:
            raise ValueError(
                "the config's innermost dataset has no pipeline, so --data cannot keep it"
            )
        return new_dataset(split, dataset)

    done = []
    for loader in ("train_dataloader", "val_dataloader", "test_dataloader"):
        split = loader.removesuffix("_dataloader")
        split = split if split in splits else "val"
        if cfg.get(loader) is None:
            raise ValueError(f"the config has no {loader}, so --data has nothing to replace")
        cfg[loader].dataset = replaced(cfg[loader].dataset, split)
        done.append((loader, split))
    return done


def make_palette(classes: int) -> list[tuple[int, ...]]:
    """A colour for every class, (R, G, B) in 0..255: mmdet's own end at 80."""
    colours = [colorsys.hsv_to_rgb(index / classes, 0.85, 0.85) for index in range(classes)]
    return [tuple(round(255 * channel) for channel in colour) for colour in colours]
