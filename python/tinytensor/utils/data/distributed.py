"""Samples shared out over the processes of a distributed program."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ... import _C
from .dataset import Dataset
from .sampler import Sampler

__all__ = ["DistributedSampler"]


def _process_group() -> Any:
    from ... import distributed

    if not distributed.is_initialized():
        raise ValueError(
            "DistributedSampler: Default process group has not been initialized; call init_process_group "
            "first, or pass num_replicas and rank"
        )
    return distributed


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th sample, from number `rank` on, of an order that all processes agree on.

    All get the same number of samples: some samples are repeated for that, or with `drop_last` left out. The
    order differs from epoch to epoch if `set_epoch` is called before each.
    """

    def __init__(
        self,
        dataset: Dataset,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        num_replicas = _process_group().get_world_size() if num_replicas is None else num_replicas
        rank = _process_group().get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.epoch, self.drop_last, self.shuffle, self.seed = 0, drop_last, shuffle, seed
        count = len(dataset)
        self.num_samples = count // num_replicas if drop_last else math.ceil(count / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        indices = list(range(len(self.dataset)))
        if self.shuffle:
            generator = _C.Generator()
            generator.manual_seed(self.seed + self.epoch)
            indices = _C.randperm(len(self.dataset), generator=generator).tolist()
        if indices:
            indices *= math.ceil(self.total_size / len(indices))
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass; all processes must choose the same."""
        self.epoch = epoch

    def state_dict(self) -> dict:
        """What the order depends on, for a loader that continues in the middle of an epoch."""
        return {"epoch": self.epoch, "seed": self.seed}

    def load_state_dict(self, state_dict: dict) -> None:
        """Choose the order that was saved."""
        self.epoch, self.seed = state_dict["epoch"], state_dict["seed"]
