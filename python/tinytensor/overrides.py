"""`__torch_function__`: a class's own say in what ops do with its objects.

A class of no kin to Tensor is asked where an op meets one of its objects. A subclass of Tensor is asked before every
op, operator and attribute that makes a tensor; unless it says otherwise, results are instances of the subclass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from types import GetSetDescriptorType, WrapperDescriptorType
from typing import Any

from . import _C
from ._C import Tensor

__all__ = [
    "TorchFunctionMode",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
]

_ATTRIBUTES = ("T", "mT", "H", "mH", "data", "real")
_PLAIN_OPERATORS = {
    *(
        "__repr__",
        "__str__",
        "__hash__",
        "__getattribute__",
        "__setattr__",
        "__delattr__",
        "__init__",
        "__new__",
    ),
    *("__bool__", "__int__", "__float__", "__index__", "__len__", "__contains__", "__iter__"),
}


def _as_instance(cls: type, result: Any) -> Any:
    if isinstance(result, Tensor):
        return result if isinstance(result, cls) else _C._as_subclass(cls, result)
    if isinstance(result, (tuple, list)) and not isinstance(result, _C.Size):
        items = [_as_instance(cls, item) for item in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    return result


@classmethod  # type: ignore[misc]
def _keep_class(
    cls: type,
    func: Callable,
    types: Iterable[type],
    args: Sequence = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """Run the op on plain tensors and give its results the class."""
    if not all(issubclass(cls, other) for other in types):
        return NotImplemented
    with _C.DisableTorchFunctionSubclass():
        return _as_instance(cls, func(*args, **(kwargs or {})))


# Operators that overrides see as the method of the same meaning.
_METHODS = {
    **{
        name: name
        for name in ("add", "sub", "mul", "matmul", "pow", "neg", "abs", "ne", "lt", "le", "gt", "ge")
    },
    **{"radd": "add", "rmul": "mul", "truediv": "div", "mod": "remainder", "pos": "positive"},
    **{f"i{name}": f"{name}_" for name in ("add", "sub", "mul", "pow")},
    **{"itruediv": "div_", "ifloordiv": "floor_divide_", "imod": "remainder_"},
}


def _asking(original: Any) -> Any:
    """An operator or attribute of Tensor as a subclass has it."""
    if isinstance(original, GetSetDescriptorType):
        return property(lambda self: _C._overridden(original.__get__, (self,), (self,), {}), original.__set__)
    name = original.__name__
    target = getattr(Tensor, _METHODS.get(name.strip("_"), name))

    def operator(*args: Any) -> Any:
        try:
            return _C._overridden(target, args, args, {})
        except TypeError:
            if len(args) == 2 and name != "__getitem__":
                return NotImplemented
            raise

    operator.__name__ = name
    return operator


@functools.cache
def _overridable() -> dict[str, Any]:
    """What a subclass gets in place of Tensor's own."""
    return {
        name: _asking(member)
        for name, member in vars(Tensor).items()
        if (isinstance(member, WrapperDescriptorType) and name not in _PLAIN_OPERATORS) or name in _ATTRIBUTES
    }


@classmethod  # type: ignore[misc]
def _new_subclass(cls: Any, **kwargs: Any) -> None:
    super(Tensor, cls).__init_subclass__(**kwargs)
    if cls.__torch_function__ is _C._disabled_torch_function_impl:
        return
    _C._tensors_override()
    for name, member in _overridable().items():
        if getattr(cls, name, None) is getattr(Tensor, name):
            setattr(cls, name, member)


Tensor.__torch_function__ = _keep_class  # type: ignore[attr-defined]
Tensor.__init_subclass__ = _new_subclass  # type: ignore[assignment]


# ---------------------------------------------------------------- for functions written in Python


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether an argument has a say of its own in ops."""
    return any(map(_C._overrides, relevant_args))


def has_torch_function_variadic(*relevant_args: Any) -> bool:
    return has_torch_function(relevant_args)


def has_torch_function_unary(argument: Any) -> bool:
    return _C._overrides(argument)


def handle_torch_function(
    public_api: Callable, relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the first of the arguments with an override makes of the call."""
    return _C._overridden(public_api, tuple(relevant_args), args, kwargs)


def is_tensor_like(inp: Any) -> bool:
    """Whether this is a tensor, or an object that ops ask."""
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


class TorchFunctionMode:
    """A say in all operations of a block, whatever their arguments. Classes can be derived; a block cannot be entered."""

    def __torch_function__(
        self, func: Callable, types: Iterable[type], args: Sequence = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        raise NotImplementedError

    def __enter__(self) -> TorchFunctionMode:
        raise NotImplementedError(
            f"{type(self).__name__}: operations ask the classes of their arguments, and no modes"
        )

    def __exit__(self, *exception: object) -> None:
        """No block is entered."""
