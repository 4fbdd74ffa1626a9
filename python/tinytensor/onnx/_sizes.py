"""Sizes that are known only when the file is run.

A program is recorded with example inputs and at the same time with a second set, in which the dynamic axes have other
sizes. Where the two disagree about a number, that number depends on a dynamic axis: the program then holds it as a
`Dynamic`, and what is computed from it becomes nodes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from tinytensor.onnx.errors import OnnxExporterError

if TYPE_CHECKING:
    from tinytensor.onnx._graph import Graph


class UnsuitableSizeError(OnnxExporterError):
    """The program takes another course with the second sizes than with the example's."""


def _both(compute: Callable, *operands: Any) -> tuple[Any, Any]:
    return tuple(
        compute(*(getattr(one, side) if type(one) is Dynamic else one for one in operands))
        for side in ("example", "second")
    )  # type: ignore[return-value]


def _computed(compute: Callable, node: str, *operands: Any) -> Any:
    if not all(isinstance(one, int) for one in operands):
        return NotImplemented
    example, second = _both(compute, *operands)
    if example == second:
        return example

    def build(graph: Graph) -> str:
        left, right = map(graph.length, operands)
        if node == "Div":  # rounds toward zero; Mod has the sign of the divisor
            left = graph.op("Sub", left, graph.op("Mod", left, right))
        return graph.op(node, left, right)

    return Dynamic(example, second, build)


def _arithmetic(compute: Callable, node: str) -> tuple[Callable, Callable]:
    return (
        lambda self, other: _computed(compute, node, self, other),
        lambda self, other: _computed(compute, node, other, self),
    )


def _compared(compute: Callable) -> Callable:
    def compare(self: Dynamic, other: Any) -> bool:
        if not isinstance(other, (int, float)):
            return NotImplemented
        example, second = _both(compute, self, other)
        if example != second:
            raise UnsuitableSizeError(
                f"onnx.export: the program's course depends on the size of a dynamic axis: "
                f"{compute.__name__}({self}, {other}) is {example} and, with another size, {second}"
            )
        return example

    return compare


class Dynamic:
    """A whole number computed from the sizes of dynamic axes. `build` makes the nodes that compute it."""

    __slots__ = ("_built", "build", "example", "second")

    def __init__(self, example: int, second: int, build: Callable[[Graph], str]) -> None:
        self.example, self.second, self.build = example, second, build
        self._built: tuple[Graph, str] | None = None

    def name_in(self, graph: Graph) -> str:
        """The name of a vector of one int64."""
        if self._built is None or self._built[0] is not graph:
            self._built = graph, self.build(graph)
        return self._built[1]

    # Functions written in Python take it for the int that it stands for.
    __class__ = property(lambda self: int)  # type: ignore[assignment]

    @classmethod
    def __torch_function__(cls, function: Callable, types: Any, args: tuple, kwargs: Any = None) -> Any:
        from tinytensor.onnx._recording import recorder

        return recorder().call(function, args, kwargs or {})

    __add__, __radd__ = _arithmetic(operator.add, "Add")
    __sub__, __rsub__ = _arithmetic(operator.sub, "Sub")
    __mul__, __rmul__ = _arithmetic(operator.mul, "Mul")
    __floordiv__, __rfloordiv__ = _arithmetic(operator.floordiv, "Div")
    __mod__, __rmod__ = _arithmetic(operator.mod, "Mod")
    __eq__ = _compared(operator.eq)  # type: ignore[assignment]
    __ne__ = _compared(operator.ne)  # type: ignore[assignment]
    __lt__ = _compared(operator.lt)
    __le__ = _compared(operator.le)
    __gt__ = _compared(operator.gt)
    __ge__ = _compared(operator.ge)

    def __neg__(self) -> Any:
        return 0 - self

    def __bool__(self) -> bool:
        return self != 0

    def __hash__(self) -> int:
        return hash(self.example)

    def __repr__(self) -> str:
        return repr(self.example)

    def _needed_now(self, *_: Any) -> NoReturn:
        raise OnnxExporterError(
            f"onnx.export: the size {self.example} of a dynamic axis is needed as a plain number, which would "
            "write it into the file; whole-number arithmetic with sizes, and tensors made from them, can be recorded"
        )

    __index__ = __int__ = __float__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _needed_now


class DynamicSize(tuple):
    """A shape, some of whose sizes are dynamic."""

    __slots__ = ()
    __torch_function__ = Dynamic.__torch_function__

    def numel(self) -> Any:
        return product(self)


def product(sizes: Iterable[Any]) -> Any:
    count: Any = 1
    for size in sizes:
        count = size * count
    return count


def is_dynamic(size: Any) -> bool:
    return type(size) is Dynamic
