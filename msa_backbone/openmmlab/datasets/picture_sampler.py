"""The questions of a picture one after the other, so that a batch has few pictures.

A model that looks at equal neighbours once, as `MSAAnswerer` does, then runs its early stages once
a picture instead of once a question.
"""

from collections import defaultdict
from collections.abc import Iterator, Sized

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler


class PictureSampler(Sampler):
    """Every sample once an epoch; all of a picture, or `together` of them, follow each other.

    Each of several processes takes a part of equal length. Where the samples do not go round, the
    last processes end with the first sample once more. These ends are what mmengine drops when it
    collects the results of a test: every sample counts once.

    Args:
        dataset: of mmengine, whose samples have `img_path`.
        shuffle: draw the order of the pictures, and of the questions of each, anew every epoch.
        seed: of the order; by default one drawn for all processes.
        together: at most this many questions of a picture follow each other, the others come
            elsewhere in the epoch; None keeps all together. Few, and a batch has many pictures:
            where things are hard to recognise, a network learns them in fewer steps.

    Raises:
        ValueError: for `together` below 1.
    """

    def __init__(
        self,
        dataset: Sized,
        shuffle: bool = True,
        seed: int | None = None,
        together: int | None = None,
    ) -> None:
        if together is not None and together < 1:
            raise ValueError(f"together={together}: give 1 or more, or None for all")
        self.shuffle = shuffle
        self.together = together
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.rank, self.processes = get_dist_info()
        groups: dict[str, list[int]] = defaultdict(list)
        for index in range(len(dataset)):
            groups[dataset.get_data_info(index)["img_path"]].append(index)
        self.pictures = list(groups.values())
        self.length = -(-len(dataset) // self.processes)

    def __iter__(self) -> Iterator[int]:
        order = torch.Generator().manual_seed(self.seed + self.epoch)
        parts = []
        for picture in self._shuffled(self.pictures, order):
            questions = self._shuffled(picture, order)
            size = self.together or len(questions)
            parts += [questions[i : i + size] for i in range(0, len(questions), size)]
        if self.together:
            parts = self._shuffled(parts, order)
        indices = [index for part in parts for index in part]
        least, longer = divmod(len(indices), self.processes)  # so many processes have one more
        start = self.rank * least + min(self.rank, longer)
        mine = indices[start : start + least + (self.rank < longer)]
        return iter(mine + indices[: self.length - len(mine)])

    def _shuffled(self, items: list, order: torch.Generator) -> list:
        if not self.shuffle:
            return items
        return [items[place] for place in torch.randperm(len(items), generator=order).tolist()]

    def __len__(self) -> int:
        """Samples an epoch of this process."""
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Another order for another epoch; mmengine calls it."""
        self.epoch = epoch
