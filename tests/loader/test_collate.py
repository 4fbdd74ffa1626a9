"""Samples put together, and datasets put together."""

from __future__ import annotations

import collections
import importlib
import warnings

import numpy as np
import pytest
from nn.peer import compare, outcome
from util import MODULE, torch

data = torch.utils.data
Point = collections.namedtuple("Point", "x y")

BATCHES = {
    "integers": lambda t: [1, 2],
    "floats": lambda t: [1.5, 2],
    "bools": lambda t: [True, False],
    "mixed numbers": lambda t: [1, 2.5],
    "text": lambda t: ["a", "b"],
    "bytes": lambda t: [b"a"],
    "tuples": lambda t: [(1, 2), (3, 4)],
    "lists": lambda t: [[1, "x"], [3, "y"]],
    "dicts": lambda t: [{"a": 1, "b": t.ones(2)}, {"a": 2, "b": t.zeros(2)}],
    "named tuples": lambda t: [Point(1, 2.0), Point(3, 4.0)],
    "numpy numbers": lambda t: [np.float32(1), np.float32(2)],
    "numpy doubles": lambda t: [np.float64(1), np.float64(2)],
    "numpy bool": lambda t: [np.bool_(True)],
    "arrays": lambda t: [np.ones(2, dtype="int16")] * 2,
    "array of text": lambda t: [np.array(["a"])],
    "nothing": lambda t: [None],
    "an object": lambda t: [object()],
    "a set": lambda t: [{1, 2}],
    "a complex number": lambda t: [1j],
    "lengths differ": lambda t: [(1, 2), (1,)],
    "sizes differ": lambda t: [t.ones(2), t.ones(3)],
    "an empty batch": lambda t: [],
    "scalars": lambda t: [t.tensor(1), t.tensor(2)],
    "a key is missing": lambda t: [{"a": 1}, {"b": 1}],
    "ordered dicts": lambda t: [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    "ranges": lambda t: [range(2), range(2)],
    "a tensor and a number": lambda t: [t.ones(2), 1],
    "deques": lambda t: [collections.deque([1, 2])],
    "too large": lambda t: [2**70],
    "two dtypes": lambda t: [t.ones(2), t.ones(2, dtype=t.int64)],
    "halves": lambda t: [t.ones(2, dtype=t.bfloat16)] * 2,
    "views": lambda t: [t.arange(6).view(2, 3).t(), t.arange(6).view(3, 2)],
    "empty tensors": lambda t: [t.ones(0, 2)] * 2,
}


@pytest.mark.parametrize("name", BATCHES)
def test_collate(name):
    compare(lambda torch: outcome(lambda: torch.utils.data.default_collate(BATCHES[name](torch))))


def test_collated_types():
    assert type(data.default_collate([Point(1, 2)])) is Point
    assert type(data.default_collate([collections.OrderedDict(a=1)])) is collections.OrderedDict
    assert type(data.default_collate([(1, 2)])) is list
    x = torch.ones(2, requires_grad=True)
    data.default_collate([x, x]).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_collate_by_a_map_of_ones_own():
    module = importlib.import_module(f"{MODULE}.utils.data._utils.collate")

    class Word(str):
        pass

    def join(batch, *, collate_fn_map=None):
        return "".join(batch)

    functions = {Word: join, **module.default_collate_fn_map}
    batch = [(Word("a"), 1), (Word("b"), np.float32(2))]
    text, numbers = module.collate(batch, collate_fn_map=functions)
    assert text == "ab" and numbers.tolist() == [1, 2]
    with pytest.raises(TypeError):
        module.collate([1], collate_fn_map={str: join})


CONVERSIONS = {
    "number": lambda t: 1,
    "text": lambda t: "a",
    "list": lambda t: [1, np.ones(2)],
    "tuple": lambda t: (1, np.int32(2)),
    "named": lambda t: Point(np.float64(1), 2),
    "dict": lambda t: {"a": np.ones(1, dtype="float32"), "b": "c"},
    "array of text": lambda t: str(np.array("s")),
    "none": lambda t: None,
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_convert(name):
    compare(lambda torch: torch.utils.data.default_convert(CONVERSIONS[name](torch)))


# ---------------------------------------------------------------- datasets


class Many:
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return ("one", i)

    def __getitems__(self, indices):
        return [("many", i) for i in indices]


class Short(Many):
    def __getitems__(self, indices):
        return [1]


def dataset_programs(torch):
    d = torch.utils.data

    class Count(d.IterableDataset):
        def __iter__(self):
            return iter(range(3))

    class Sized(Count):
        def __len__(self):
            return 3

    tensors = d.TensorDataset(torch.arange(5), torch.arange(10.0).view(5, 2))
    concat = d.ConcatDataset([[1, 2], [3], [4, 5]])
    return {
        "tensor item": lambda: tensors[1],
        "tensor from the end": lambda: tensors[-1],
        "tensor outside": lambda: tensors[7],
        "tensor slice": lambda: tensors[1:3],
        "tensor places": lambda: tensors[torch.tensor([1, 4])],
        "tensor length": lambda: len(tensors),
        "tensor sizes": lambda: d.TensorDataset(torch.ones(3), torch.ones(4)),
        "no tensors": lambda: len(d.TensorDataset()),
        "concat": lambda: [concat[i] for i in range(-5, 5)] + [len(concat), concat.cumulative_sizes],
        "concat outside": lambda: concat[5],
        "concat before": lambda: concat[-6],
        "concat nothing": lambda: d.ConcatDataset([]),
        "concat iterable": lambda: d.ConcatDataset([Count()]),
        "sum": lambda: len(tensors + tensors),
        "chain": lambda: list(d.ChainDataset([Count(), Count()])),
        "chain length": lambda: len(d.ChainDataset([Sized(), Sized()])),
        "chain without length": lambda: len(d.ChainDataset([Count()])),
        "chain of lists": lambda: list(d.ChainDataset([[1]])),
        "sum of iterables": lambda: list(Count() + Count()),
        "stack": lambda: [d.StackDataset([1, 2], [3, 4])[0], d.StackDataset(a=[1, 2], b=[3, 4])[1]],
        "stack of nothing": lambda: d.StackDataset(),
        "stack of both": lambda: d.StackDataset([1], a=[2]),
        "stack of lengths": lambda: d.StackDataset([1], [2, 3]),
        "stack batch": lambda: d.StackDataset(Many(), [1, 2, 3]).__getitems__([0, 2]),
        "stack batch by name": lambda: d.StackDataset(a=Many(), b=[1, 2, 3]).__getitems__([0, 2]),
        "stack short": lambda: d.StackDataset(Short(), [1, 2, 3]).__getitems__([0, 1]),
        "subset": lambda: [d.Subset(list("abc"), [2, 1])[0], len(d.Subset("abc", [2, 1]))],
        "subset list": lambda: d.Subset(torch.arange(5), [2, 1])[[0, 1]],
        "subset batch": lambda: d.Subset(Many(), [2, 1]).__getitems__([0, 1]),
        "subset of subset": lambda: list(d.DataLoader(d.Subset(d.Subset(tensors, [4, 3, -1]), [2, 0, 1]), 2)),
        "subset outside": lambda: d.Subset(list("abc"), [2, 1])[2],
        "no item": lambda: d.Dataset()[0],
        "no length": lambda: len(d.Dataset()),
        "abstract": lambda: d.IterableDataset(),
        "item of an iterable": lambda: Count()[0],
    }  # fmt: skip


@pytest.mark.parametrize("name", dataset_programs(torch))
def test_dataset(name):
    def program(torch):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = outcome(dataset_programs(torch)[name])
        return result

    compare(program)


def test_subset_must_override_both():
    class Doubled(data.Subset):
        def __getitem__(self, i):
            return 2 * super().__getitem__(i)

    with pytest.raises(NotImplementedError, match="__getitems__"):
        Doubled([1, 2], [0])


# ---------------------------------------------------------------- a batch at a time


def single_samples(dataset, indices):
    return data.default_collate([dataset[i] for i in indices])


TENSORS = {
    "contiguous": lambda: torch.arange(60.0).view(10, 2, 3),
    "transposed": lambda: torch.arange(60.0).view(2, 3, 10).permute(2, 0, 1),
    "every other": lambda: torch.arange(60.0).view(20, 3)[::2],
    "expanded": lambda: torch.ones(1, 3).expand(10, 3),
    "numbers": lambda: torch.arange(10),
    "halves": lambda: torch.arange(10).to(torch.bfloat16),
    "empty rows": lambda: torch.ones(10, 0),
    "parameters": lambda: torch.nn.Parameter(torch.arange(10.0)),
    "wanting a gradient": lambda: torch.arange(10.0, requires_grad=True),
}


@pytest.mark.parametrize("indices", [[0, 3, 3], [9], [-1, 2]], ids=str)
@pytest.mark.parametrize("name", TENSORS)
def test_batch_equals_single_samples(name, indices):
    dataset = data.TensorDataset(TENSORS[name](), torch.arange(10))
    subset = data.Subset(data.Subset(dataset, list(range(9, -1, -1))), torch.arange(10).tolist())
    for source in (dataset, subset):
        (batch,) = data.DataLoader(source, batch_sampler=[indices])
        for ours, single in zip(batch, single_samples(source, indices)):
            assert (
                torch.equal(ours, single) and ours.dtype == single.dtype and ours.stride() == single.stride()
            )
            assert ours.requires_grad == single.requires_grad


def test_batch_is_a_copy():
    x = torch.zeros(4, 2)
    for (batch,) in data.DataLoader(data.TensorDataset(x), batch_size=2):
        batch.fill_(1)
    assert not x.any()


def test_subclass_takes_its_own_samples():
    class Negative(data.TensorDataset):
        def __getitem__(self, i):
            return -super().__getitem__(i)[0]

    (batch,) = data.DataLoader(Negative(torch.arange(3)), batch_size=3)
    assert batch.tolist() == [0, -1, -2]


def test_index_outside():
    dataset = data.TensorDataset(torch.arange(3))
    with pytest.raises(IndexError, match="7"):
        list(data.DataLoader(dataset, sampler=[0, 7]))
