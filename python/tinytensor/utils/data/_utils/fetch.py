"""From the numbers of a batch to the batch."""

from __future__ import annotations

import itertools
import reprlib
from collections.abc import Callable
from typing import Any

from ...._C import Tensor
from ..dataset import Taker
from .collate import default_collate

__all__ = ["IterableFetcher", "MapFetcher"]


class MapFetcher:
    """Takes samples by number."""

    is_iterable = False

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable) -> None:
        self.dataset, self.auto_collation, self.collate_fn = dataset, auto_collation, collate_fn
        self.taker = Taker.behind(dataset) if auto_collation and collate_fn is default_collate else None
        self.taken: list = []

    def fetch(self, index: Any) -> Any:
        """The batch with these numbers; without batches, the sample with this one."""
        if self.taker is not None:
            batch = self.taker.take(index)
            if batch is not None:
                return batch
            if type(index) is Tensor:
                index = index.tolist()
        return self.collate_fn(self._samples(index))

    def _samples(self, index: Any) -> Any:
        if not self.auto_collation:
            return self.dataset[index]
        if getattr(self.dataset, "__getitems__", None):
            self.taken = index
            return self.dataset.__getitems__(index)
        dataset, taken = self.dataset, []
        self.taken = taken
        for i in index:
            taken.append(dataset[i])
        return taken

    def skip(self, count: int) -> None:
        """Nothing has to be passed over: the numbers say what is next."""

    def where(self, index: Any) -> str:
        """What was being fetched when an exception came, for its message."""
        if not self.auto_collation:
            return f"This happened at sample {index!r} of the dataset."
        at = len(self.taken)
        if at < len(index):
            return (
                f"This happened at sample {index[at]!r} of the dataset, in the batch {reprlib.repr(index)}."
            )
        return f"This happened when the batch {reprlib.repr(index)} was made."


class IterableFetcher:
    """Takes the next samples, whatever the numbers say."""

    is_iterable = True

    def __init__(
        self,
        dataset: Any,
        auto_collation: bool,
        collate_fn: Callable,
        drop_last: bool,
        batch_size: int | None,
    ) -> None:
        self.auto_collation, self.collate_fn, self.drop_last = auto_collation, collate_fn, drop_last
        self.batch_size = batch_size
        self.samples = iter(dataset)
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """The next batch; without batches, the next sample."""
        if not self.auto_collation:
            return self.collate_fn(next(self.samples))
        return self.collate_fn(self._batch())

    def _batch(self) -> list:
        if self.ended:
            raise StopIteration
        samples = list(itertools.islice(self.samples, self.batch_size))
        self.ended = len(samples) < self.batch_size
        if not samples or (self.drop_last and self.ended):
            raise StopIteration
        return samples

    def skip(self, count: int) -> None:
        """Pass over batches."""
        for _ in itertools.islice(self.samples, count * (self.batch_size if self.auto_collation else 1)):
            pass

    def where(self, index: Any) -> str:
        """What was being fetched when an exception came, for its message."""
        return "This happened when the next batch was taken from an iterable dataset."


def make_fetcher(
    dataset: Any,
    iterable: bool,
    auto_collation: bool,
    collate_fn: Callable,
    drop_last: bool,
    batch_size: int | None,
) -> MapFetcher | IterableFetcher:
    """What takes samples from this kind of dataset."""
    if iterable:
        return IterableFetcher(dataset, auto_collation, collate_fn, drop_last, batch_size)
    return MapFetcher(dataset, auto_collation, collate_fn)
