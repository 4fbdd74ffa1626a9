"""In which order a loader takes the samples."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from ... import _C

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)

DRAWS_AT_ONCE = 32  # with replacement: how many numbers are asked of the generator together


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


def draw_seed(generator: Any = None) -> int:
    """A seed for another generator."""
    return _C.empty((), dtype=_C.int64).random_(generator=generator).item()


class Sampler(Generic[T_co]):
    """An order of samples: a subclass defines `__iter__`, over their numbers, and perhaps `__len__`."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler[int]):
    """All samples, in order."""

    data_source: Sized

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """`num_samples` samples (all, by default) in random order; with `replacement`, each drawn from them all.

    Without a generator, a seed is drawn from the default one for every pass.
    """

    data_source: Sized
    replacement: bool

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                f"num_samples should be a positive integer value, but got num_samples={self.num_samples}"
            )

    @property
    def num_samples(self) -> int:
        """How many samples a pass takes."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def _generator(self) -> Any:
        if self.generator is not None:
            return self.generator
        generator = _C.Generator()
        generator.manual_seed(draw_seed())
        return generator

    def __iter__(self) -> Iterator[int]:
        count, wanted = len(self.data_source), self.num_samples
        generator = self._generator()
        if self.replacement:
            yield from _draw(count, wanted, generator)
            return
        for _ in range(wanted // count):
            yield from _C.randperm(count, generator=generator).tolist()
        # Drawn even if nothing of it is wanted: the generator's state afterwards is part of the behaviour.
        if wanted % count or self.generator is not None:
            yield from _C.randperm(count, generator=generator).tolist()[: wanted % count]

    def __len__(self) -> int:
        return self.num_samples


def _draw(count: int, wanted: int, generator: Any) -> Iterator[int]:
    for begin in range(0, wanted, DRAWS_AT_ONCE):
        size = min(DRAWS_AT_ONCE, wanted - begin)
        yield from _C.randint(0, count, (size,), dtype=_C.int64, generator=generator).tolist()


class SubsetRandomSampler(Sampler[int]):
    """The samples of the given numbers, in random order."""

    indices: Sequence[int]

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in _C.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` samples, drawn with probabilities in proportion to the weights."""

    weights: Any
    num_samples: int
    replacement: bool

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = _C.as_tensor(weights, dtype=_C.float64)
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        drawn = _C.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list]):
    """Lists of `batch_size` numbers of a sampler; the last may be shorter, or is left out (`drop_last`)."""

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list]:
        numbers = iter(self.sampler)
        shortest = self.batch_size if self.drop_last else 1
        while len(batch := list(itertools.islice(numbers, self.batch_size))) >= shortest:
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


# ---------------------------------------------------------------- without a detour over Python's numbers


def has_index_tensors(batches: Any) -> bool:
    """Whether `index_tensors` can stand for this sampler."""
    if type(batches) is not BatchSampler:
        return False
    sampler = batches.sampler
    if type(sampler) is RandomSampler:
        return not sampler.replacement and sampler.num_samples == len(sampler.data_source)
    return type(sampler) is SequentialSampler


def index_tensors(batches: BatchSampler) -> Iterator[Any]:
    """The batches of a BatchSampler as tensors, with the same draws at the same time."""
    sampler, size = batches.sampler, batches.batch_size
    count = len(sampler)
    generator = None
    if type(sampler) is SequentialSampler:
        order = _C.arange(count)
    else:
        generator = sampler._generator()
        order = _C.randperm(count, generator=generator)
    if count:
        parts = _C.split(order, size)
        yield from parts[: count // size] if batches.drop_last else parts
    if generator is not None and generator is sampler.generator:
        _C.randperm(count, generator=generator)  # as a pass over the sampler ends
