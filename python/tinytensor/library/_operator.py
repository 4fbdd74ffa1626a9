"""Operators that programs define: a schema, functions that compute them per device, and a backward function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tinytensor

from ..autograd.function import Function
from ..autograd.grad_mode import no_grad
from ._schema import Schema

operators: dict[str, Operator] = {}


def tensors_in(values: Sequence) -> Iterator[tinytensor.Tensor]:
    for value in values:
        if isinstance(value, tinytensor.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


def _memory(values: Sequence) -> list[int]:
    addresses = [tensor.untyped_storage().data_ptr() for tensor in tensors_in(values)]
    return [address for address in addresses if address]


class Operator:
    """An operator of `torch.ops`. It is called like a function, and computes without recording derivatives: those
    are what `register_autograd` says.
    """

    def __init__(self, qualname: str, schema: Schema) -> None:
        namespace, separator, name = qualname.partition("::")
        if not separator or not namespace.isidentifier() or not name.isidentifier():
            raise ValueError(f"operator: expected a name of the form 'namespace::name', got {qualname!r}")
        self.qualname, self.schema = qualname, schema
        self.__name__ = name
        self.kernels: dict[str, Callable] = {}
        self.composite: Callable | None = None
        self.backward: Callable | None = None
        self.setup_context: Callable | None = None
        self._function = _autograd_function(self)

    @property
    def default(self) -> Operator:
        """The only overload."""
        return self

    def __repr__(self) -> str:
        return f"<Operator {self.qualname}{self.schema.text}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values = self.schema.bind(self.qualname, args, kwargs)
        if self.composite is not None:
            return self._called(self.composite, values)
        needs_grad = tinytensor.is_grad_enabled() and any(x.requires_grad for x in tensors_in(values))
        if not needs_grad:
            with no_grad():
                return self.run(values)
        self._check_derivatives(values)
        return self._function.apply(*values)

    def run(self, values: Sequence) -> Any:
        """Compute, with the function for the device of the first tensor."""
        device = next((x.device.type for x in tensors_in(values)), "cpu")
        kernel = self.kernels.get(device) or self.kernels.get("all")
        if kernel is None:
            raise NotImplementedError(f"{self.qualname}: there is no implementation for {device}")
        result = self._called(kernel, values)
        self._check_result(values, result)
        return result

    def _called(self, kernel: Callable, values: Sequence) -> Any:
        pairs = list(zip(self.schema.arguments, values))
        by_name = {argument.name: value for argument, value in pairs if argument.keyword_only}
        return kernel(*(value for argument, value in pairs if not argument.keyword_only), **by_name)

    def _check_derivatives(self, values: Sequence) -> None:
        if self.schema.mutated:
            raise NotImplementedError(f"{self.qualname}: what changes its arguments has no derivatives")
        in_lists = [value for value in values if isinstance(value, (list, tuple))]
        if any(x.requires_grad for x in tensors_in(in_lists)) or any("[" in x for x in self.schema.returns):
            raise NotImplementedError(f"{self.qualname}: no derivatives with respect to lists of tensors")

    def _check_result(self, values: Sequence, result: Any) -> None:
        results = result if isinstance(result, (tuple, list)) else [] if result is None else [result]
        expected = self.schema.returns
        if not any("[" in one for one in expected) and (
            len(results) != len(expected)
            or any(
                one == "Tensor" and not isinstance(x, tinytensor.Tensor) for one, x in zip(expected, results)
            )
        ):
            raise RuntimeError(f"{self.qualname}: returns {', '.join(expected) or 'nothing'}, got {result!r}")
        made = _memory(results)
        if len({*made}) < len(made) or {*made} & {*_memory(values)}:
            raise RuntimeError(
                f"{self.qualname}: a result must not be an argument, nor share memory with one or with another result"
            )


def _autograd_function(operator: Operator) -> type[Function]:
    arguments = operator.schema.arguments

    class Recorded(Function):
        @staticmethod
        def forward(*values: Any) -> Any:
            return operator.run(values)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
            if operator.setup_context is None:
                return
            pairs = list(zip(arguments, inputs))
            named = {argument.name: value for argument, value in pairs if argument.keyword_only}
            placed = tuple(value for argument, value in pairs if not argument.keyword_only)
            keywords = {"keyword_only_inputs": named} if named else {}
            operator.setup_context(ctx=ctx, inputs=placed, output=output, **keywords)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            if operator.backward is None:
                raise RuntimeError(f"{operator.qualname}: no backward is known; register_autograd tells one")
            found = operator.backward(ctx, *grads)
            found = found if isinstance(found, tuple) else (found,)
            return (*found, *(None for argument in arguments if argument.keyword_only))

    Recorded.__name__ = Recorded.__qualname__ = operator.qualname.replace("::", "_")
    return Recorded


def add(operator: Operator) -> Operator:
    operators[operator.qualname] = operator
    return operator


def find(op: Any) -> Operator:
    """The operator of that name; one that is handed in."""
    if not isinstance(op, str):
        op = getattr(op, "_operator", op)
        if isinstance(op, Operator):
            return op
        raise ValueError(f"expected an operator or its name, got {type(op).__name__}")
    if op not in operators:
        raise RuntimeError(f"operator {op} does not exist")
    return operators[op]
