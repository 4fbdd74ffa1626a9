"""Pipes: streams that are chained by methods, such as `pipe.map(f).batch(8)`, under the names that are registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from .dataset import Dataset, IterableDataset

__all__ = ["IterDataPipe", "MapDataPipe", "functional_datapipe"]


class _Pipe:
    functions: ClassVar[dict[str, Callable]]

    def __getattr__(self, name: str) -> Any:
        if name in type(self).functions:
            make = type(self).functions[name]
            return lambda *args, **kwargs: make(self, *args, **kwargs)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @classmethod
    def register_function(cls, function_name: str, function: Callable) -> None:
        cls.functions[function_name] = function

    @classmethod
    def register_datapipe_as_function(cls, function_name: str, cls_to_register: type) -> None:
        if function_name in cls.functions:
            raise Exception(f"Unable to add DataPipe function name {function_name} as it is already taken")
        cls.functions[function_name] = cls_to_register


class IterDataPipe(_Pipe, IterableDataset):
    """A stream. A subclass defines `__iter__`."""

    functions: ClassVar[dict[str, Callable]] = {}

    def reset(self) -> None:
        """Called when a new pass begins, for pipes that keep a state."""


class MapDataPipe(_Pipe, Dataset):
    """Samples by key. A subclass defines `__getitem__`."""

    functions: ClassVar[dict[str, Callable]] = {}


class functional_datapipe:
    """Decorator: offers a class of pipes as a method of all pipes of its kind."""

    def __init__(self, name: str, enable_df_api_tracing: bool = False) -> None:
        if enable_df_api_tracing:
            raise NotImplementedError("functional_datapipe: the tracing of data frames is not supported")
        self.name = name

    def __call__(self, cls: type) -> type:
        for kind in (IterDataPipe, MapDataPipe):
            if isinstance(cls, type) and issubclass(cls, kind):
                kind.register_datapipe_as_function(self.name, cls)
                return cls
        raise TypeError("`functional_datapipe` can only decorate IterDataPipe or MapDataPipe")


@functional_datapipe("map")
class Mapper(IterDataPipe):
    """fn(sample) for every sample."""

    def __init__(self, datapipe: Any, fn: Callable) -> None:
        self.datapipe, self.fn = datapipe, fn

    def __iter__(self) -> Iterator:
        return map(self.fn, self.datapipe)


@functional_datapipe("filter")
class Filter(IterDataPipe):
    """The samples of which filter_fn(sample) is true."""

    def __init__(self, datapipe: Any, filter_fn: Callable) -> None:
        self.datapipe, self.filter_fn = datapipe, filter_fn

    def __iter__(self) -> Iterator:
        return filter(self.filter_fn, self.datapipe)


@functional_datapipe("batch")
class Batcher(IterDataPipe):
    """Lists of batch_size samples."""

    def __init__(self, datapipe: Any, batch_size: int, drop_last: bool = False) -> None:
        if batch_size <= 0:
            raise AssertionError(f"Batch size is required to be larger than 0, got {batch_size}")
        self.datapipe, self.batch_size, self.drop_last = datapipe, batch_size, drop_last

    def __iter__(self) -> Iterator[list]:
        batch: list = []
        for sample in self.datapipe:
            batch.append(sample)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch


class IterableWrapper(IterDataPipe):
    """Any iterable as a pipe."""

    def __init__(self, iterable: Any) -> None:
        self.iterable = iterable

    def __iter__(self) -> Iterator:
        return iter(self.iterable)
