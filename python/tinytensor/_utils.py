"""Tensors in pickles: how one is taken apart, and the functions, under PyTorch's names, that build it again.

A tensor is pickled as its storage, offset, sizes and strides. The storage is one object however many tensors
share it, so what is shared stays shared within one pickle or one deepcopy.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from . import _C
from ._C import Tensor
from .storage import TypedStorage, untyped_storage_of

# ---------------------------------------------------------------- building


def _rebuild_tensor(storage: Any, storage_offset: int, size: tuple, stride: tuple) -> Tensor:
    dtype = storage.dtype
    return _C._tensor_over_storage(
        storage.untyped()._flat(), dtype, storage_offset, tuple(size), tuple(stride)
    )


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: tuple,
    stride: tuple,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:
    if metadata and any(metadata.values()):
        raise NotImplementedError(
            f"load: tensors marked {sorted(metadata)} (lazily conjugated or negated) cannot be read"
        )
    tensor = _rebuild_tensor(storage, storage_offset, size, stride)
    return tensor.requires_grad_() if requires_grad else tensor


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Tensor:
    from .nn.parameter import Parameter

    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(
    data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any
) -> Tensor:
    return _with_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _rebuild_from_type_v2(func: Callable, new_type: type, args: tuple, state: Any) -> Tensor:
    made = func(*args)
    if type(made) is not new_type:
        made = made.as_subclass(new_type)
    if getattr(new_type, "__setstate__", None) is not None:
        made.__setstate__(state)
        return made
    return _with_state(made, state)


def _with_state(tensor: Tensor, state: Any) -> Tensor:
    """Sets attributes from a dict, or from a pair of dicts of which the second is for slots."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for name, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(tensor, name, value)
    return tensor


def _get_layout(name: str) -> Any:
    """A layout by its text."""
    if name != "torch.strided":
        raise NotImplementedError(f"load: only strided tensors are supported, the file has {name}")
    return _C.strided


# ---------------------------------------------------------------- taking apart


def _state_of(tensor: Tensor) -> Any:
    if getattr(type(tensor), "__getstate__", None) is not getattr(object, "__getstate__", None):
        return tensor.__getstate__()
    return tensor.__dict__ or None


def no_hooks() -> OrderedDict:
    """What stands in a file where PyTorch once wrote hooks. OrderedDict[...]() would write the annotation too."""
    return OrderedDict()


def reduce_ex(self: Tensor, protocol: int) -> tuple:
    from .nn.parameter import Parameter

    state = _state_of(self)
    no_hooks: OrderedDict[str, Any] = OrderedDict()
    if isinstance(self, Parameter):
        values = (self.data, self.requires_grad, no_hooks)
        return (_rebuild_parameter_with_state, (*values, state)) if state else (_rebuild_parameter, values)
    storage = TypedStorage(wrap_storage=untyped_storage_of(self), dtype=self.dtype)
    geometry = (self.storage_offset(), tuple(self.shape), self.stride())
    parts = (storage, *geometry, self.requires_grad, no_hooks)
    if type(self) is Tensor and not state:
        return _rebuild_tensor_v2, parts
    return _rebuild_from_type_v2, (_rebuild_tensor_v2, type(self), parts, state)


def deepcopy(self: Tensor, memo: dict) -> Tensor:
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
            "the moment."
        )
    storage = untyped_storage_of(self).__deepcopy__(memo)
    copied = _C._tensor_over_storage(
        storage._flat(), self.dtype, self.storage_offset(), tuple(self.shape), self.stride()
    )
    if type(self) is not Tensor:
        copied = _C._make_subclass(type(self), copied, self.requires_grad)
    elif self.requires_grad:
        copied.requires_grad_()
    memo[id(self)] = copied
    if self.grad is not None:
        copied.grad = deepcopy(self.grad, memo)
    for name, value in self.__dict__.items():
        copied.__dict__[name] = copy.deepcopy(value, memo)
    return copied
