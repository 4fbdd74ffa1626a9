"""Which samples come, in which order, and what is left of the generators: with PyTorch, draw for draw."""

from __future__ import annotations

import random

import numpy as np
import pytest
from nn.peer import compare, outcome
from util import torch

data = torch.utils.data


def generator(torch, seed):
    return torch.Generator().manual_seed(seed)


def orders(torch):
    """Every sampler, by the generator it is given."""
    data = torch.utils.data
    return {
        "sequential": lambda g: data.SequentialSampler(range(7)),
        "random": lambda g: data.RandomSampler(range(10), generator=g),
        "more than there are": lambda g: data.RandomSampler(range(10), num_samples=25, generator=g),
        "fewer": lambda g: data.RandomSampler(range(10), num_samples=4, generator=g),
        "replacement": lambda g: data.RandomSampler(range(10), True, num_samples=70, generator=g),
        "subset": lambda g: data.SubsetRandomSampler([5, 3, 9], generator=g),
        "weighted": lambda g: data.WeightedRandomSampler([0.1, 0.7, 0.2], 9, generator=g),
        "weighted once": lambda g: data.WeightedRandomSampler([0.1, 0.7, 0.2, 0], 3, False, generator=g),
        "batches": lambda g: data.BatchSampler(data.RandomSampler(range(10), generator=g), 4, False),
        "whole batches": lambda g: data.BatchSampler(data.RandomSampler(range(10), generator=g), 4, True),
    }


@pytest.mark.parametrize("given", [True, False], ids=["own generator", "default generator"])
@pytest.mark.parametrize("name", orders(torch))
def test_sampler(name, given):
    def program(torch):
        g = generator(torch, 5) if given else None
        sampler = orders(torch)[name](g)
        passes = [list(sampler), list(sampler), len(sampler)]
        return passes, torch.rand(2), torch.rand(2, generator=g)

    compare(program)


@pytest.mark.parametrize("epoch", [0, 3])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"drop_last": True}, {"seed": 4}], ids=str)
@pytest.mark.parametrize("count", [0, 1, 2, 9, 10])
def test_distributed_sampler(count, options, epoch):
    def program(torch):
        samplers = [
            torch.utils.data.DistributedSampler(range(count), 3, rank, **options) for rank in range(3)
        ]
        for sampler in samplers:
            sampler.set_epoch(epoch)
        return [(list(s), len(s), s.num_samples, s.total_size) for s in samplers]

    compare(program)


LOADERS = {
    "in order": {},
    "shuffled": {"shuffle": True},
    "drop last": {"shuffle": True, "drop_last": True},
    "one by one": {"batch_size": None},
    "one by one, shuffled": {"batch_size": None, "shuffle": True},
    "a list as sampler": {"sampler": [4, 0, 2], "batch_size": 2},
    "a list as batch sampler": {"batch_sampler": [[0, 1], [5]]},
}


@pytest.mark.parametrize("given", [True, False], ids=["own generator", "default generator"])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", LOADERS)
def test_loader(name, workers, given):
    """Batches of two epochs, and the next numbers of both generators."""

    def program(torch):
        g = generator(torch, 5) if given else None
        options = {"batch_size": 3} | LOADERS[name]
        if "batch_sampler" in options:
            del options["batch_size"]
        dataset = torch.utils.data.TensorDataset(torch.arange(11), torch.arange(22.0).view(11, 2))
        loader = torch.utils.data.DataLoader(dataset, num_workers=workers, generator=g, **options)
        return [
            list(loader),
            torch.rand(1),
            list(loader),
            len(loader),
            torch.rand(2),
            torch.rand(2, generator=g),
        ]

    compare(program)


@pytest.mark.parametrize("workers", [0, 2])
def test_generator_after_part_of_an_epoch(workers):
    def program(torch):
        g = generator(torch, 5)
        dataset = torch.utils.data.TensorDataset(torch.arange(64))
        loader = torch.utils.data.DataLoader(
            dataset, batch_size=2, shuffle=True, generator=g, num_workers=workers
        )
        iterator = iter(loader)
        before = torch.rand(1)
        return [before, next(iterator), torch.rand(1), torch.rand(1, generator=g), next(iterator)]

    compare(program)


def test_persistent_workers_draw_once():
    def program(torch):
        dataset = torch.utils.data.TensorDataset(torch.arange(10))
        loader = torch.utils.data.DataLoader(
            dataset, batch_size=3, shuffle=True, num_workers=2, persistent_workers=True
        )
        return [list(loader), list(loader), torch.rand(1)]

    compare(program)


def test_seeds_of_workers():
    """Python's, NumPy's and our own numbers in every worker, and what a worker knows of itself."""

    def program(torch):
        def draws(samples):
            info = torch.utils.data.get_worker_info()
            numbers = [random.random(), np.random.rand(), torch.rand(1).item(), torch.initial_seed()]
            return [
                *numbers,
                info.id,
                info.num_workers,
                info.seed,
                torch.get_num_threads(),
                list(info.dataset),
            ]

        loader = torch.utils.data.DataLoader(range(8), batch_size=2, num_workers=2, collate_fn=draws)
        return [list(loader), torch.utils.data.get_worker_info()]

    compare(program)


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize(
    "options", [{"batch_size": 4}, {"batch_size": 4, "drop_last": True}, {"batch_size": None}], ids=str
)
def test_iterable_dataset(options, workers):
    """Each worker has another length: those that are through are passed over."""

    def program(torch):
        class Stream(torch.utils.data.IterableDataset):
            def __iter__(self):
                info = torch.utils.data.get_worker_info()
                which = 0 if info is None else info.id
                return iter(range(100 * which, 100 * which + 7 + 6 * which))

        return list(torch.utils.data.DataLoader(Stream(), num_workers=workers, **options))

    compare(program)


LENGTHS = [
    [3, 7], (10,), [10, 0], [3, 3], [0.3, 0.3, 0.4], [1 / 3] * 3, [0.05, 0.05, 0.9], [1.0], [0.5, 0.2],
    [1.5, -0.5], [0.7, 0.3, 0.0],
]  # fmt: skip


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_random_split(lengths):
    def program(torch):
        def split(g):
            parts = torch.utils.data.random_split(range(10), lengths, **({"generator": g} if g else {}))
            return [(list(part.indices), list(part)) for part in parts]

        return outcome(lambda: [split(generator(torch, 1)), split(None), torch.rand(1)])

    compare(program)
