"""Operators that programs define: `custom_op` and the functions that complete one, and `Library`.

Graphs are not made here. What PyTorch asks for to trace an operator, `register_fake`, is checked and never called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._missing import missing
from ._operator import Operator, add, find
from ._schema import Schema, infer_schema

__all__ = [
    "CustomOpDef",
    "Library",
    "custom_op",
    "define",
    "impl",
    "infer_schema",
    "register_autograd",
    "register_fake",
    "register_kernel",
    "register_vmap",
]

__getattr__ = missing(__name__)

_DEVICES = ("cpu", "cuda")


def _devices(types: str | Sequence[str] | None) -> list[str]:
    names = ["all"] if types is None else [types] if isinstance(types, str) else [*types]
    for name in names:
        if name not in (*_DEVICES, "all"):
            raise ValueError(f"device_types: expected some of {', '.join(_DEVICES)}, got {name!r}")
    return names


def _decorated(fn: Callable | None, use: Callable[[Callable], Any]) -> Any:
    """`use(fn)`, or a decorator that does so."""
    return use if fn is None else use(fn)


def _set_kernel(operator: Operator, types: str | Sequence[str] | None, fn: Callable) -> Callable:
    operator.kernels.update(dict.fromkeys(_devices(types), fn))
    return fn


class CustomOpDef:
    """An operator made by `custom_op`. Call it, or find it as `torch.ops.namespace.name`."""

    def __init__(self, operator: Operator, fn: Callable) -> None:
        self._operator, self._init_fn = operator, fn
        self.__name__, self.__doc__ = operator.__name__, fn.__doc__

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._operator.qualname})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._operator(*args, **kwargs)

    def register_kernel(self, device_types: str | Sequence[str] | None, fn: Callable | None = None, /) -> Any:
        """Say how to compute on some devices."""
        return register_kernel(self, device_types, fn)

    def register_fake(self, fn: Callable, /) -> Callable:
        """Say what shapes the results have, to who traces programs: nobody does."""
        return register_fake(self, fn)

    def register_autograd(self, backward: Callable, /, *, setup_context: Callable | None = None) -> None:
        """Say how to go backward."""
        register_autograd(self, backward, setup_context=setup_context)

    def register_vmap(self, func: Callable | None = None) -> Any:
        """Say how to compute many rows at once: `vmap` calls the operator once per row."""
        return register_vmap(self, func)


def custom_op(
    name: str,
    fn: Callable | None = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: str | Sequence[str] | None = None,
    schema: str | None = None,
) -> Any:
    """Make an operator of a function, or return a decorator that does so.

    Example:
        >>> @torch.library.custom_op("mine::double", mutates_args=())
        ... def double(x: torch.Tensor) -> torch.Tensor:
        ...     return 2 * x
        >>> torch.ops.mine.double(torch.ones(1))
        tensor([2.])
    """
    mutates_args = mutates_args if isinstance(mutates_args, str) else tuple(mutates_args)

    def make(function: Callable) -> CustomOpDef:
        text = infer_schema(function, mutates_args=mutates_args) if schema is None else schema
        read = Schema(text)
        if schema is not None and mutates_args != "unknown" and read.mutated != {*mutates_args}:
            raise ValueError(
                f"custom_op: the schema says that {sorted(read.mutated)} change, mutates_args {sorted(mutates_args)}"
            )
        operator = Operator(name, read)
        _set_kernel(operator, device_types, function)
        return CustomOpDef(add(operator), function)

    return _decorated(fn, make)


def register_kernel(
    op: Any, device_types: str | Sequence[str] | None, func: Callable | None = None, /
) -> Any:
    """Say how to compute an operator on some devices; on all of them where None is given."""
    operator = find(op)
    return _decorated(func, lambda fn: _set_kernel(operator, device_types, fn))


def register_fake(op: Any, func: Callable | None = None, /, *, allow_override: bool = True) -> Any:
    """Say what shapes the results have, to who traces programs: nobody does."""
    find(op)
    return _decorated(func, lambda fn: fn)


def register_vmap(op: Any, func: Callable | None = None, /) -> Any:
    """Say how to compute many rows at once: `vmap` calls the operator once per row."""
    find(op)
    return _decorated(func, lambda fn: fn)


def register_autograd(op: Any, backward: Callable, /, *, setup_context: Callable | None = None) -> None:
    """Say how to go backward: `setup_context(ctx, inputs, output)` keeps what `backward(ctx, *grads)` needs. With
    arguments by keyword only, they are handed to it as `keyword_only_inputs`.
    """
    operator = find(op)
    if operator.schema.mutated:
        raise RuntimeError(
            f"register_autograd: {operator.qualname} changes its arguments {sorted(operator.schema.mutated)}"
        )
    operator.backward, operator.setup_context = backward, setup_context


# ---------------------------------------------------------------- by schema


class Library:
    """A namespace to define operators in. `kind` is "DEF" for a new one and "FRAGMENT" for more of one, which come to
    the same here; "IMPL" defines none.
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        if kind not in ("DEF", "FRAGMENT", "IMPL"):
            raise ValueError(f"Library: expected kind DEF, FRAGMENT or IMPL, got {kind!r}")
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key

    def __repr__(self) -> str:
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"

    def define(self, schema: str) -> str:
        """Add the operator of a schema, "name(arguments) -> results", and return its name."""
        if self.kind == "IMPL":
            raise RuntimeError("Library.define: a library of kind IMPL defines no operators")
        read = Schema(schema)
        add(Operator(f"{self.ns}::{read.name}", read))
        return read.name

    def impl(self, op_name: Any, fn: Callable, dispatch_key: str = "") -> None:
        """Say how to compute an operator: "CPU" and "CUDA" on that device, "CompositeExplicitAutograd" on all. With
        "CompositeImplicitAutograd", the default, derivatives are those of what `fn` consists of.
        """
        full = isinstance(op_name, str) and "::" not in op_name
        operator = find(f"{self.ns}::{op_name}" if full else op_name)
        key = dispatch_key or self.dispatch_key or "CompositeImplicitAutograd"
        if key == "CompositeImplicitAutograd":
            operator.composite = fn
        elif key == "CompositeExplicitAutograd":
            operator.kernels["all"] = fn
        elif key.lower() in _DEVICES:
            operator.kernels[key.lower()] = fn
        elif key != "Meta":
            raise NotImplementedError(f"Library.impl: dispatch_key={key!r} is not supported")


def define(qualname: str, schema: str, *, lib: Library | None = None) -> None:
    """Add the operator `qualname`, "namespace::name", of a schema "(arguments) -> results"."""
    namespace = qualname.partition("::")[0]
    if lib is not None and lib.ns != namespace:
        raise ValueError(f"define: {qualname!r} is not in the namespace of the library, {lib.ns!r}")
    add(Operator(qualname, Schema(schema)))


def impl(
    qualname: str, types: str | Sequence[str], func: Callable | None = None, *, lib: Library | None = None
) -> Any:
    """Say how to compute an operator on "cpu", "cuda", or on every device: "default"."""
    operator = find(qualname)
    names = [types] if isinstance(types, str) else [*types]
    chosen = None if "default" in names else names
    return _decorated(func, lambda fn: _set_kernel(operator, chosen, fn))
