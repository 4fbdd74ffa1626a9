"""Data sets: samples by number, or one after the other."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from ... import _C
from ..._C import Tensor

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by number. A subclass defines `__getitem__`, most define `__len__`.

    A subclass may define `__getitems__(indices)`, which returns the samples of a whole batch as a list.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Samples one after the other. A subclass defines `__iter__`.

    Each worker of a loader iterates over a copy of its own: to share the samples out, `__iter__` asks
    `get_worker_info()`.
    """

    def __add__(self, other: Dataset) -> ChainDataset:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple]):
    """Sample i is the tuple of the i-th entries of the tensors, which agree in their first size."""

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)


class StackDataset(Dataset):
    """Sample i is the tuple, or by keyword the dict, of the i-th samples of the datasets."""

    datasets: tuple | dict

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("StackDataset: expected datasets either by position or by keyword, but got both")
        if not args and not kwargs:
            raise ValueError("StackDataset: at least one dataset should be passed")
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in self._all()]
        if any(length != lengths[0] for length in lengths):
            raise ValueError(f"StackDataset: Size mismatch between datasets, got lengths {lengths}")
        self._length = lengths[0]

    def _all(self) -> list:
        return list(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)

    def _sample(self, parts: tuple) -> Any:
        return dict(zip(self.datasets, parts)) if isinstance(self.datasets, dict) else parts

    def __getitem__(self, index: Any) -> Any:
        return self._sample(tuple(dataset[index] for dataset in self._all()))

    def __getitems__(self, indices: list) -> list:
        columns = []
        for dataset in self._all():
            columns.append(_samples(dataset, indices))
            if len(columns[-1]) != len(indices):
                raise ValueError(
                    f"StackDataset: Nested dataset's output size mismatch. Expected {len(indices)}, got "
                    f"{len(columns[-1])}"
                )
        return [self._sample(parts) for parts in zip(*columns)]

    def __len__(self) -> int:
        return self._length


def _samples(dataset: Any, indices: Sequence) -> Any:
    """The samples of a dataset, all at once if it has a way to do so."""
    if callable(getattr(dataset, "__getitems__", None)):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]


class ConcatDataset(Dataset[T_co]):
    """The samples of several datasets, one dataset after the other."""

    datasets: list
    cumulative_sizes: list[int]

    @staticmethod
    def cumsum(sequence: Iterable) -> list[int]:
        """The numbers of samples up to the end of each dataset."""
        return list(itertools.accumulate(len(dataset) for dataset in sequence))

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]

    @property
    def cummulative_sizes(self) -> list[int]:
        """The old spelling of `cumulative_sizes`."""
        warnings.warn(
            "`cummulative_sizes` is the old spelling of `cumulative_sizes`", FutureWarning, stacklevel=2
        )
        return self.cumulative_sizes


class ChainDataset(IterableDataset):
    """The samples of several iterable datasets, one dataset after the other."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield dataset

    def __iter__(self) -> Iterator:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())


class Subset(Dataset[T_co]):
    """Some samples of a dataset: sample i is number `indices[i]` of it."""

    dataset: Dataset[T_co]
    indices: Sequence[int]

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        own = type(self)
        if own.__getitem__ is not Subset.__getitem__ and own.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{own.__name__} overrides __getitem__ but not __getitems__, which a DataLoader calls for a "
                "whole batch: define it too, for example as [self[i] for i in indices]"
            )
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        return _samples(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Dataset, lengths: Sequence[int | float], generator: Any = _C.default_generator
) -> list[Subset]:
    """Split a dataset at random into subsets of the given lengths, or of the given fractions of all samples.

    What is left after rounding fractions down goes to the first subsets, one sample each.
    """
    if lengths and math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of(lengths, len(dataset))
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    indices = _C.randperm(sum(lengths), generator=generator).tolist()
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, indices[end - length : end]) for end, length in zip(ends, lengths)]


def _lengths_of(fractions: Sequence[float], count: int) -> list[int]:
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1")
    lengths = [math.floor(count * fraction) for fraction in fractions]
    for i in range(count - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(
                f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=3
            )
    return lengths


# ---------------------------------------------------------------- a batch at a time


class Rows:
    """The tensors that hold the samples of a dataset, to take a batch from each at once."""

    def __init__(self, tensors: tuple[Tensor, ...]) -> None:
        self.tensors = tensors

    @staticmethod
    def of(dataset: Any) -> Rows | None:
        """The rows of a TensorDataset, unless a subclass has its own way of taking samples."""
        own = getattr(type(dataset), "__getitem__", None) is not TensorDataset.__getitem__
        if own or not dataset.tensors or any(type(tensor) is not Tensor for tensor in dataset.tensors):
            return None
        return Rows(dataset.tensors)

    def take(self, places: Tensor) -> list[Tensor]:
        return [_C.index_select(tensor, 0, places) for tensor in self.tensors]


class Taker:
    """Takes batches of a dataset, or of a Subset of one, that has a way to do so at once.

    A TensorDataset has one. Any other dataset may define `_taker()`: what it returns, if it is not None, has a method
    `take(numbers)` from a vector of int64 to what collating the samples with these numbers would give, or None.
    """

    def __init__(self, source: Any, numbers: Tensor | None) -> None:
        self.source = source
        self.numbers = numbers  # of a subset's samples; None for all

    @staticmethod
    def behind(dataset: Any) -> Taker | None:
        """None where samples have to be taken one by one."""
        steps = []
        while type(dataset) is Subset:
            steps.append(dataset.indices)
            dataset = dataset.dataset
        if hasattr(dataset, "__getitems__"):
            return None
        source = dataset._taker() if hasattr(dataset, "_taker") else Rows.of(dataset)
        if source is None:
            return None
        numbers = None
        for step in reversed(steps):
            chosen = _numbers(step)
            if chosen is None:
                return None
            numbers = chosen if numbers is None else numbers[chosen]
        return Taker(source, numbers)

    def take(self, index: Any) -> list[Tensor] | None:
        """What collating these samples one by one would give, or None where the index asks for a closer look."""
        places = index if type(index) is Tensor else _numbers(index)
        if places is None or not len(places):
            return None
        try:
            if self.numbers is not None:
                places = _C.index_select(self.numbers, 0, places)
            return self.source.take(places)
        except IndexError:  # counted from the end, or out of range
            return None


def _numbers(index: Any) -> Tensor | None:
    """A vector of int64, or None for any other kind of index."""
    numbers = _C.as_tensor(index)
    return numbers if numbers.dtype is _C.int64 and numbers.ndim == 1 else None
