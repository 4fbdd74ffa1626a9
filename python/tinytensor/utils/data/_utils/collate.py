"""Samples put together to a batch."""

from __future__ import annotations

import collections.abc
import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy

from .... import _C
from ...._C import Tensor
from .channel import new_batch_tensor

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

_NO_NUMBERS = "SaUO"  # kinds of NumPy dtype: bytes, the same of length 1, text, objects

_BAD_TYPE = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def default_convert(data: Any) -> Any:
    """Turn the NumPy arrays and numbers in a sample into tensors, and leave all else as it is."""
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (numpy.ndarray, numpy.generic)):
        return data if data.dtype.kind in _NO_NUMBERS else _C.as_tensor(numpy.asarray(data))
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return kind(*(default_convert(part) for part in data))
    if isinstance(data, tuple):
        return [default_convert(part) for part in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, [default_convert(part) for part in data])
    return data


def _like_mapping(sample: Mapping, values: dict) -> Any:
    """The values in a mapping of the sample's kind, or in a dict where that cannot be."""
    try:
        if isinstance(sample, MutableMapping):
            made = copy.copy(sample)
            made.update(values)
            return made
        return type(sample)(values)
    except TypeError:
        return values


def _like_sequence(sample: Sequence, values: list) -> Any:
    """The values in a sequence of the sample's kind, or in a list where that cannot be."""
    try:
        if isinstance(sample, MutableSequence):
            made = copy.copy(sample)
            for i, value in enumerate(values):
                made[i] = value
            return made
        return type(sample)(values)
    except TypeError:
        return values


# ---------------------------------------------------------------- one function per type


def collate_tensor_fn(batch: Sequence, *, collate_fn_map: Any = None) -> Tensor:
    """Stack tensors; in a worker, right into the shared memory in which they will travel."""
    target = new_batch_tensor(batch)
    return _C.stack(batch, 0) if target is None else _C.stack(batch, 0, out=target)


def collate_numpy_array_fn(batch: Sequence, *, collate_fn_map: Any = None) -> Tensor:
    """Stack arrays."""
    if batch[0].dtype.kind in _NO_NUMBERS:
        raise TypeError(_BAD_TYPE.format(batch[0].dtype))
    return collate([_C.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Sequence, *, collate_fn_map: Any = None) -> Tensor:
    """Make a tensor of NumPy's numbers."""
    return _C.as_tensor(numpy.asarray(batch))


def collate_float_fn(batch: Sequence, *, collate_fn_map: Any = None) -> Tensor:
    """Make a tensor of Python's floats, in their full precision."""
    return _C.tensor(batch, dtype=_C.float64)


def collate_int_fn(batch: Sequence, *, collate_fn_map: Any = None) -> Tensor:
    """Make a tensor of Python's integers."""
    return _C.tensor(batch)


def collate_str_fn(batch: Sequence, *, collate_fn_map: Any = None) -> Sequence:
    """Text stays a list."""
    return batch


default_collate_fn_map: dict[type | tuple[type, ...], Callable] = {
    Tensor: collate_tensor_fn,
    numpy.ndarray: collate_numpy_array_fn,
    (numpy.bool_, numpy.number, numpy.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def _function_for(sample: Any, functions: Any) -> Callable | None:
    function = functions.get(type(sample))
    if function is not None:
        return function
    for kind in functions:
        if isinstance(sample, kind):
            return functions[kind]
    return None


def collate(batch: Sequence, *, collate_fn_map: dict | None = None) -> Any:
    """Put samples together by the function that the map holds for their type, and enter containers."""
    first = batch[0]
    if collate_fn_map is not None:
        function = _function_for(first, collate_fn_map)
        if function is not None:
            return function(batch, collate_fn_map=collate_fn_map)

    def joined(parts: Any) -> Any:
        return collate(parts, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _like_mapping(first, {key: joined([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(joined(parts) for parts in zip(*batch)))
    if isinstance(first, collections.abc.Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        values = [joined(parts) for parts in zip(*batch)]
        return values if isinstance(first, tuple) else _like_sequence(first, values)
    raise TypeError(_BAD_TYPE.format(type(first)))


def default_collate(batch: Sequence) -> Any:
    """Put samples together: tensors, arrays and numbers are stacked, mappings and sequences are entered."""
    return collate(batch, collate_fn_map=default_collate_fn_map)
