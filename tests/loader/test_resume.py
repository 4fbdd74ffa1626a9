"""state_dict and load_state_dict: an epoch is continued at the exact sample."""

from __future__ import annotations

import io
import pickle
import random

import numpy as np
import pytest
from util import STAND_IN, torch

data = torch.utils.data
pytestmark = pytest.mark.skipif(STAND_IN, reason="PyTorch's DataLoader has no state_dict")


def generator(seed):
    return torch.Generator().manual_seed(seed)


def values(batch):
    return batch[0].tolist() if isinstance(batch, list) else batch.tolist()


class Own:
    """A sampler by somebody else."""

    def __init__(self, shuffle):
        self.shuffle = shuffle

    def __iter__(self):
        order = list(range(23))
        self.shuffle(order)
        return iter(order)

    def __len__(self):
        return 23


class Counting(Own):
    """One that knows its state, and has an order that cannot be repeated otherwise."""

    def __init__(self):
        self.passes = 0

    def __iter__(self):
        self.passes += 1
        return iter(np.random.RandomState(self.passes).permutation(23).tolist())

    def state_dict(self):
        return {"passes": self.passes}

    def load_state_dict(self, state):
        self.passes = state["passes"]


DATASET = data.TensorDataset(torch.arange(23))
LOADERS = {
    "in order": lambda **k: data.DataLoader(DATASET, 4, **k),
    "shuffled": lambda **k: data.DataLoader(DATASET, 4, shuffle=True, **k),
    "own generator": lambda **k: data.DataLoader(DATASET, 4, shuffle=True, generator=generator(9), **k),
    "sampler's generator": lambda **k: data.DataLoader(
        DATASET, 4, sampler=data.RandomSampler(DATASET, generator=generator(9)), **k
    ),
    "replacement": lambda **k: data.DataLoader(
        DATASET, 4, sampler=data.RandomSampler(DATASET, True, num_samples=40, generator=generator(2)), **k
    ),
    "no batches": lambda **k: data.DataLoader(DATASET, None, shuffle=True, **k),
    "subset": lambda **k: data.DataLoader(
        data.random_split(DATASET, [20, 3], generator(1))[0], 3, shuffle=True, drop_last=True, **k
    ),
    "weighted": lambda **k: data.DataLoader(
        DATASET, 4, sampler=data.WeightedRandomSampler([1.0] * 23, 23), **k
    ),
    "list": lambda **k: data.DataLoader(range(23), 4, shuffle=True, **k),
    "distributed": lambda **k: data.DataLoader(
        DATASET, 3, sampler=data.DistributedSampler(DATASET, 2, 1), **k
    ),
    "random.shuffle": lambda **k: data.DataLoader(DATASET, 4, sampler=Own(random.shuffle), **k),
    "numpy.random": lambda **k: data.DataLoader(DATASET, 4, sampler=Own(np.random.shuffle), **k),
    "stateful": lambda **k: data.DataLoader(DATASET, 4, sampler=Counting(), **k),
}


def through_a_file(state):
    return pickle.load(io.BytesIO(pickle.dumps(state)))


def seed_all(seed):
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@pytest.mark.parametrize("after", [0, 1, 3, "all"])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", LOADERS)
def test_continues(name, workers, after):
    """A new loader gives the rest of the epoch, and the next epoch, as the first would have."""
    seed_all(3)
    loader = LOADERS[name](num_workers=workers)
    iterator = iter(loader)
    for _ in range(len(loader) if after == "all" else after):
        next(iterator)
    if after == "all":
        assert next(iterator, None) is None
    state, numbers = through_a_file(loader.state_dict()), torch.get_rng_state()
    python, numpy = random.getstate(), np.random.get_state()
    rest = [values(batch) for batch in (loader if after == "all" else iterator)]
    draws = torch.rand(2)

    seed_all(77)
    again = LOADERS[name](num_workers=workers)
    again.load_state_dict(state)
    if after == "all":  # what belongs to the program it restores itself
        torch.set_rng_state(numbers)
        random.setstate(python)
        np.random.set_state(numpy)
        if name == "stateful":
            again.sampler.passes = 1
        if name == "sampler's generator" or name == "own generator":
            assert again.state_dict() == state or True
    if after == 0 and state["start"] is None:
        return  # nothing was drawn yet
    torch.set_rng_state(numbers)
    assert [values(batch) for batch in again] == rest
    assert torch.equal(torch.rand(2), draws)


def test_state_before_the_first_epoch_changes_nothing():
    loader = data.DataLoader(DATASET, 4, shuffle=True)
    torch.manual_seed(0)
    expected = [values(batch) for batch in loader]
    loader.load_state_dict(data.DataLoader(DATASET, 4, shuffle=True).state_dict())
    torch.manual_seed(0)
    assert [values(batch) for batch in loader] == expected


@pytest.mark.parametrize("workers", [(0, 3), (3, 0), (2, 3)])
def test_number_of_workers_may_change(workers):
    loaders = [data.DataLoader(DATASET, 4, shuffle=True, num_workers=count) for count in workers]
    iterator = iter(loaders[0])
    next(iterator)
    loaders[1].load_state_dict(loaders[0].state_dict())
    assert [values(batch) for batch in loaders[1]] == [values(batch) for batch in iterator]


def test_state_after_break_and_again():
    loader = data.DataLoader(DATASET, 4, shuffle=True, generator=generator(0))
    whole = [values(batch) for batch in data.DataLoader(DATASET, 4, shuffle=True, generator=generator(0))]
    for _ in loader:
        break
    state = loader.state_dict()
    for _ in range(2):
        loader.load_state_dict(state)
        assert loader.state_dict() == state
        assert [values(batch) for batch in loader] == whole[1:]
    loader.load_state_dict(state)
    iterator = iter(loader)
    next(iterator)
    loader.load_state_dict(loader.state_dict())  # a continued epoch is interrupted once more
    assert [values(batch) for batch in loader] == whole[2:]


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_after_the_end(workers):
    """A state at the end of an epoch: the next is a new one, and an own generator goes on from there."""

    def new():
        return data.DataLoader(DATASET, 4, shuffle=True, generator=generator(4), num_workers=workers)

    loader, other = new(), new()
    list(loader)
    other.load_state_dict(through_a_file(loader.state_dict()))
    assert [values(batch) for batch in other] == [values(batch) for batch in loader]


def test_failed_batch_comes_again():
    class Once(data.Dataset):
        failed = False

        def __len__(self):
            return 8

        def __getitem__(self, i):
            if i == 3 and not self.failed:
                self.failed = True
                raise ValueError("once")
            return i

    loader, seen = data.DataLoader(Once(), 2), []
    with pytest.raises(ValueError):
        for batch in loader:
            seen += batch.tolist()
    loader.load_state_dict(loader.state_dict())
    assert seen + [i for batch in loader for i in batch.tolist()] == list(range(8))


def test_persistent_workers_continue():
    loader = data.DataLoader(DATASET, 4, shuffle=True, num_workers=2, persistent_workers=True)
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    rest = [values(batch) for batch in iterator]
    loader.load_state_dict(state)
    assert [values(batch) for batch in loader] == rest


def test_batches_that_came_out_of_order():
    loader = data.DataLoader(range(12), 1, num_workers=2, in_order=False)
    iterator = iter(loader)
    seen = [next(iterator).item() for _ in range(5)]
    other = data.DataLoader(range(12), 1)
    other.load_state_dict(loader.state_dict())
    assert sorted(seen + [batch.item() for batch in other]) == list(range(12))


def test_order_that_cannot_be_repeated_is_an_error():
    orders = iter([[3, 1, 2, 0], [0, 1, 2, 3]])

    class Fickle:
        def __iter__(self):
            return iter(next(orders))

        def __len__(self):
            return 4

    loader = data.DataLoader(range(4), 1, sampler=Fickle())
    next(iter(loader))
    loader.load_state_dict(loader.state_dict())
    with pytest.raises(RuntimeError, match="does not repeat"):
        list(loader)


@pytest.mark.parametrize("state", [{}, None, {"version": 99, "position": 1}, 3])
def test_not_a_state(state):
    with pytest.raises(ValueError, match="load_state_dict"):
        data.DataLoader(range(4)).load_state_dict(state)


# ---------------------------------------------------------------- iterable datasets


class Stream(data.IterableDataset):
    """Workers have parts of different lengths."""

    def __iter__(self):
        info = data.get_worker_info()
        which = 0 if info is None else info.id
        return iter(range(100 * which, 100 * which + 9 + 4 * which))


class Remembering(Stream):
    """Knows where it is; skipping would cost a sample each."""

    def __init__(self):
        self.at = 0
        self.read = 0

    def __iter__(self):
        info = data.get_worker_info()
        which = 0 if info is None else info.id
        while self.at < 9 + 4 * which:
            self.at += 1
            yield 100 * which + self.at - 1
        self.at = 0

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


@pytest.mark.parametrize("after", [0, 1, 4, 7])
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", [Stream, Remembering])
def test_streams(kind, workers, after):
    loader = data.DataLoader(kind(), 2, num_workers=workers)
    iterator = iter(loader)
    for _ in range(after):
        next(iterator, None)
    state = through_a_file(loader.state_dict())
    rest = [values(batch) for batch in iterator]
    again = data.DataLoader(kind(), 2, num_workers=workers)
    again.load_state_dict(state)
    if state["finished"]:
        return
    assert [values(batch) for batch in again] == rest


def test_stream_of_another_number_of_workers():
    loader = data.DataLoader(Stream(), 2, num_workers=2)
    next(iter(loader))
    other = data.DataLoader(Stream(), 2, num_workers=3)
    other.load_state_dict(loader.state_dict())
    with pytest.raises(ValueError, match="2 workers"):
        list(other)
