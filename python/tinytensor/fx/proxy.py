"""What stands for a value while a program is recorded."""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable, Iterator
from types import WrapperDescriptorType
from typing import TYPE_CHECKING, Any

from .._C import Tensor
from ._code import INFIX, PREFIX
from .node import Node, map_aggregate

if TYPE_CHECKING:
    from .tracer import Tracer

__all__ = ["Attribute", "Proxy", "TraceError"]


class TraceError(ValueError):
    """The program does what cannot be recorded."""


def _is_method(function: Any) -> bool:
    return isinstance(function, (type(Tensor.add), WrapperDescriptorType))


class Proxy:
    """Stands for the value of a node: what is done with it is recorded as further nodes."""

    def __init__(self, node: Node, tracer: Tracer) -> None:
        self.node, self.tracer = node, tracer

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.node.name})"

    def __getattr__(self, name: str) -> Attribute:
        if name in ("__array__", "__array_interface__", "__index__", "__float__", "__int__"):
            raise AttributeError(name)
        return Attribute(self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator[Proxy]:
        """`a, b = proxy` tells how many there are; a loop does not."""
        frame = sys._getframe(1)
        here = next((i for i in dis.get_instructions(frame.f_code) if i.offset == frame.f_lasti), None)
        if here is not None and here.opname == "UNPACK_SEQUENCE":
            return (self[i] for i in range(here.argval))  # type: ignore[index]
        return self.tracer.iter(self)

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def __len__(self) -> int:
        raise RuntimeError(
            "'len' is not supported in symbolic tracing by default. If you want this call to be recorded, please call "
            "torch.fx.wrap('len') at module scope"
        )

    def keys(self) -> Any:
        return self.tracer.keys(self)

    __hash__ = object.__hash__

    @classmethod
    def __torch_function__(
        cls, orig_method: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Proxy:
        kwargs = kwargs or {}
        tracer = first_proxy((args, kwargs)).tracer  # type: ignore[union-attr]
        if _is_method(orig_method):
            return tracer.create_proxy("call_method", orig_method.__name__, args, kwargs)
        return tracer.create_proxy("call_function", orig_method, args, kwargs)


def first_proxy(arguments: Any) -> Proxy | None:
    found: list[Proxy] = []
    map_aggregate(arguments, lambda leaf: found.append(leaf) if isinstance(leaf, Proxy) else None)
    return found[0] if found else None


class Attribute(Proxy):
    """`proxy.name`: a call of it is one node, a call_method; any other use makes a getattr."""

    def __init__(self, root: Proxy, attr: str) -> None:
        self.root, self.attr, self.tracer = root, attr, root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        if self._node is None:
            self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


def _operator(target: Callable, reflected: bool = False) -> Callable:
    def method(self: Proxy, *others: Any) -> Proxy:
        args = (*others, self) if reflected else (self, *others)
        return self.tracer.create_proxy("call_function", target, args, {})

    return method


for _name in (*INFIX, *PREFIX, "getitem"):
    _target = getattr(operator, _name)
    setattr(Proxy, f"__{_name.strip('_')}__", _operator(_target))
    if _name in INFIX and f"__r{_name.strip('_')}__" in dir(Tensor):
        setattr(Proxy, f"__r{_name.strip('_')}__", _operator(_target, reflected=True))
