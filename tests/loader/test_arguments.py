"""What a loader accepts, what it says of itself, and what it warns of."""

from __future__ import annotations

import importlib
import multiprocessing
import warnings

import pytest
from nn.peer import compare, outcome
from util import MODULE, torch

data = torch.utils.data


class Stream(data.IterableDataset):
    def __iter__(self):
        return iter(range(10))


class SizedStream(Stream):
    def __len__(self):
        return 4


BAD = {
    "workers": (ValueError, {"num_workers": -1}),
    "timeout": (ValueError, {"timeout": -1}),
    "prefetch without workers": (ValueError, {"prefetch_factor": 2}),
    "prefetch": (ValueError, {"num_workers": 1, "prefetch_factor": -1}),
    "persistent without workers": (ValueError, {"persistent_workers": True}),
    "sampler and shuffle": (ValueError, {"sampler": [1], "shuffle": True}),
    "batch sampler and size": (ValueError, {"batch_sampler": [[1]], "batch_size": 2}),
    "batch sampler and drop_last": (ValueError, {"batch_sampler": [[1]], "drop_last": True}),
    "batch sampler and shuffle": (ValueError, {"batch_sampler": [[1]], "shuffle": True}),
    "batch sampler and sampler": (ValueError, {"batch_sampler": [[1]], "sampler": [1]}),
    "drop_last without batches": (ValueError, {"batch_size": None, "drop_last": True}),
    "size 0": (ValueError, {"batch_size": 0}),
    "size -1": (ValueError, {"batch_size": -1}),
    "size 2.5": (ValueError, {"batch_size": 2.5}),
    "size True": (ValueError, {"batch_size": True}),
    "drop_last": (ValueError, {"drop_last": 3}),
    "context without workers": (ValueError, {"multiprocessing_context": "fork"}),
    "method": (ValueError, {"num_workers": 1, "multiprocessing_context": "nope"}),
    "context": (TypeError, {"num_workers": 1, "multiprocessing_context": 3}),
    "stream and shuffle": (ValueError, {"dataset": Stream(), "shuffle": True}),
    "stream and sampler": (ValueError, {"dataset": Stream(), "sampler": [1]}),
    "stream and batch sampler": (ValueError, {"dataset": Stream(), "batch_sampler": [[1]]}),
    "nothing to shuffle": (ValueError, {"dataset": [], "shuffle": True}),
    "no length": (TypeError, {"dataset": object(), "shuffle": True}),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments(name):
    error, options = BAD[name]
    with pytest.raises(error):
        data.DataLoader(**({"dataset": [1, 2, 3]} | options))


SAMPLERS = {
    "num_samples 0": lambda d: d.RandomSampler([1], num_samples=0),
    "num_samples 1.5": lambda d: d.RandomSampler([1], num_samples=1.5),
    "no samples": lambda d: d.RandomSampler([]),
    "replacement 1": lambda d: d.RandomSampler([1], replacement=1),
    "weighted 0": lambda d: d.WeightedRandomSampler([0.5], 0),
    "weighted True": lambda d: d.WeightedRandomSampler([0.5], True),
    "weighted matrix": lambda d: d.WeightedRandomSampler([[0.5]], 1),
    "weighted replacement": lambda d: d.WeightedRandomSampler([0.5], 1, 1),
    "weighted too many": lambda d: list(d.WeightedRandomSampler([0.5], 2, False)),
    "batch 0": lambda d: d.BatchSampler([1], 0, False),
    "batch drop": lambda d: d.BatchSampler([1], 1, 1),
    "no iteration": lambda d: iter(d.Sampler()),
    "rank": lambda d: d.DistributedSampler([1], 2, 2),
    "no group": lambda d: d.DistributedSampler([1]),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_bad_samplers(name):
    compare(lambda torch: outcome(lambda: SAMPLERS[name](torch.utils.data)))


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_fixed_attributes(name):
    loader = data.DataLoader([1, 2])
    with pytest.raises(ValueError, match=name):
        setattr(loader, name, 1)
    loader.num_workers = 0  # others may be changed


def test_attributes():
    dataset = data.TensorDataset(torch.arange(10))
    loader = data.DataLoader(dataset, 4, shuffle=True)
    assert loader.dataset is dataset and loader.batch_size == 4 and loader.drop_last is False
    assert type(loader.sampler) is data.RandomSampler and type(loader.batch_sampler) is data.BatchSampler
    assert loader.num_workers == 0 and loader.prefetch_factor is None and loader.generator is None
    assert loader.collate_fn is data.default_collate and loader.pin_memory is False and loader.timeout == 0
    assert loader.persistent_workers is False and loader.multiprocessing_context is None
    assert data.DataLoader(dataset, None).collate_fn is data.default_convert
    assert data.DataLoader(dataset, num_workers=1).prefetch_factor == 2
    assert data.DataLoader(dataset, batch_sampler=[[1]]).batch_size is None
    context = multiprocessing.get_context("spawn")
    assert (
        data.DataLoader(dataset, num_workers=1, multiprocessing_context=context).multiprocessing_context
        is context
    )
    assert data.DataLoader[int] and data.Dataset[int]


def test_names():
    for path, names in {
        "utils.data.dataloader": [
            "DataLoader",
            "default_collate",
            "_BaseDataLoaderIter",
            "_MultiProcessingDataLoaderIter",
        ],
        "utils.data.sampler": ["Sampler", "BatchSampler", "WeightedRandomSampler"],
        "utils.data.dataset": ["Dataset", "random_split", "Subset"],
        "utils.data.distributed": ["DistributedSampler"],
        "utils.data._utils.collate": [
            "default_collate",
            "collate",
            "default_collate_fn_map",
            "default_convert",
        ],
        "multiprocessing": [
            "spawn",
            "start_processes",
            "Process",
            "Queue",
            "get_context",
            "set_sharing_strategy",
        ],
    }.items():
        module = importlib.import_module(f"{MODULE}.{path}")
        assert all(hasattr(module, name) for name in names), path


LENGTHS = {
    "batches": lambda: data.DataLoader(range(10), 3),
    "whole batches": lambda: data.DataLoader(range(10), 3, drop_last=True),
    "samples": lambda: data.DataLoader(range(10), None),
    "sampler": lambda: data.DataLoader(range(10), 2, sampler=[1, 2, 3]),
    "empty": lambda: data.DataLoader([]),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_length(name):
    loader = LENGTHS[name]()
    assert len(loader) == len(list(loader))


def test_length_of_an_iterable():
    with pytest.raises(TypeError):
        len(data.DataLoader(Stream()))
    loader = data.DataLoader(SizedStream(), 3)
    assert len(loader) == 2 and len(data.DataLoader(SizedStream(), 3, drop_last=True)) == 1
    with pytest.warns(UserWarning, match="reported to be 4"):
        assert len(list(data.DataLoader(SizedStream(), None))) == 10 and len(loader) == 2
        loader = data.DataLoader(SizedStream(), 2)
        assert len(loader) == 2 and len(list(loader)) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(data.DataLoader(SizedStream(), 1))  # nobody asked for the length


def test_warnings():
    with pytest.warns(UserWarning, match="1000 worker"):
        data.DataLoader([1], num_workers=1000)
    if not torch.cuda.is_available():
        with pytest.warns(UserWarning, match="pin_memory"):
            list(data.DataLoader([1], pin_memory=True))


def test_error_goes_through_and_iteration_goes_on():
    class Bad(data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            if i == 3:
                raise KeyError("three")
            return i

    iterator = iter(data.DataLoader(Bad(), 2))
    assert next(iterator).tolist() == [0, 1]
    with pytest.raises(KeyError, match="^'three'$"):
        next(iterator)
    assert next(iterator).tolist() == [4, 5]
    with pytest.raises(StopIteration):
        next(iterator)


def test_two_iterators_do_not_disturb_each_other():
    loader = data.DataLoader(range(6), 2)
    assert [(a.tolist(), b.tolist()) for a, b in zip(loader, loader)] == [
        ([i, i + 1],) * 2 for i in (0, 2, 4)
    ]


def test_setting_of_collate_fn():
    loader = data.DataLoader([(1, "a"), (2, "b")], 2, collate_fn=lambda batch: [pair[1] for pair in batch])
    assert list(loader) == [["a", "b"]]
