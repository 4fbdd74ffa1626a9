"""The graph being written: nodes, initializers, and the nodes that many operations need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import tinytensor
from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._proto import data_type, tensor_bytes
from tinytensor.onnx._sizes import Dynamic, is_dynamic
from tinytensor.onnx.errors import SymbolicValueError, UnsupportedOperatorError

LARGEST = (1 << 63) - 1

# The opset from which on a reduction takes its axes as an input.
_AXES_AS_INPUT = {"ReduceSum": 13}

# The opset in which a kind of node came, or took the form in which it is written here.
_SINCE = {
    **{"CumSum": 11, "GatherElements": 11, "GatherND": 11, "Range": 11, "Resize": 11, "Round": 11},
    **{"ScatterElements": 11, "TopK": 11},
    **{"Celu": 12, "Dropout": 12, "Einsum": 12},
    **{"NegativeLogLikelihoodLoss": 12, "SoftmaxCrossEntropyLoss": 12},
    **{"HardSwish": 14, "Trilu": 14, "GridSample": 16, "LayerNormalization": 17, "Col2Im": 18},
    **{"BitwiseAnd": 18, "BitwiseNot": 18, "BitwiseOr": 18, "BitwiseXor": 18, "Gelu": 20},
}


class Node(NamedTuple):
    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.attributes.items())
        bracket = f"[{settings}]" if settings else ""
        return f"{', '.join('%' + name for name in self.outputs)} = {self.kind}{bracket}" + (
            f"({', '.join('%' + name if name else '' for name in self.inputs)})"
        )


class Graph:
    """Nodes in the order in which they run. Values are known by name."""

    def __init__(self, opset: int, parameters: dict[str, Tensor]) -> None:
        self.opset = opset
        self.nodes: list[Node] = []
        self.initializers: dict[str, Tensor] = {}
        self.parameters = parameters
        self.result: Any = None  # what the operation being written gives
        self.second_result: Any = None  # and gives for the second sizes
        self.operator = ""  # its name
        self.adopted: list[Any] = []  # constants that the program changed in place: they are values now
        self._parameter_names = {id(tensor): name for name, tensor in reversed(parameters.items())}
        self.random = False  # whether a node draws random numbers
        self._constants: dict[Any, str] = {}
        self._kept: list[Tensor] = []  # so that no id is given to another tensor
        self._outside: dict[str, str] = {}  # names of results as users want them
        self._lengths: dict[tuple[str, int], str] = {}
        self._names: dict[str, int] = {}

    # ---------------------------------------------------------------- names and operands

    def unused_name(self, wanted: str) -> str:
        count = self._names.get(wanted, 0)
        self._names[wanted] = count + 1
        return self.unused_name(f"{wanted}_{count}") if count else wanted

    def name(self, operand: Any) -> str:
        """The name of a value: of a tensor, a size, a vector of sizes, or of what already is a name."""
        if isinstance(operand, str):
            return operand
        if operand is None:
            return ""
        if isinstance(operand, Tensor):
            return self._name_of_tensor(operand)
        return self.length(operand) if isinstance(operand, int) else self.vector(operand)

    def _name_of_tensor(self, tensor: Tensor) -> str:
        from tinytensor.onnx._recording import Recorded

        if isinstance(tensor, Recorded):
            return tensor.name_in(self)
        if name := self._parameter_names.get(id(tensor)):
            self.initializers[name] = tensor
            return name
        with _C.DisableTorchFunctionSubclass():  # type: ignore[attr-defined]
            changed = any(tensor._shares_storage(one) for one in self.adopted)
        if changed:
            raise self.refuse("a view of a constant is used after the constant was changed in place")
        key = id(tensor), tensor._version
        if key not in self._constants:
            self._kept.append(tensor)
            self._constants[key] = self._initializer(tensor.detach().clone())
        return self._constants[key]

    def is_parameter(self, tensor: Tensor) -> bool:
        return id(tensor) in self._parameter_names

    def _initializer(self, tensor: Tensor) -> str:
        data_type(tensor.dtype)  # says so at once if there is none
        name = self.unused_name("constant")
        self.initializers[name] = tensor
        return name

    def constant(self, values: Any, dtype: Any = _C.int64) -> str:
        """A tensor of these values; equal ones are written once."""
        tensor = tinytensor.tensor(values, dtype=dtype)
        key = dtype, tuple(tensor.shape), tensor_bytes(tensor)
        if key not in self._constants:
            self._constants[key] = self._initializer(tensor)
        return self._constants[key]

    def number(self, value: Any, dtype: Any) -> str:
        """A tensor without axes."""
        if is_dynamic(value):
            scalar = self.squeeze(value, [0])
            return scalar if dtype == _C.int64 else self.cast_name(scalar, dtype)
        return self.constant(value, dtype)

    def length(self, size: Any) -> str:
        """A size as a vector of one."""
        return size.name_in(self) if is_dynamic(size) else self.constant([int(size)])

    def vector(self, sizes: Iterable[Any]) -> str:
        sizes = list(sizes)
        if not any(map(is_dynamic, sizes)):
            return self.constant([int(size) for size in sizes])
        return self.op("Concat", *map(self.length, sizes), axis=0) if len(sizes) > 1 else self.length(*sizes)

    # ---------------------------------------------------------------- nodes

    def op(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        return self.ops(1, kind, *inputs, **attributes)[0]

    def ops(self, count: int, kind: str, *inputs: Any, **attributes: Any) -> tuple[str, ...]:
        """A node with several results. Attributes that are None are left out."""
        self.needs(_SINCE.get(kind, 0))
        names = [self.name(one) for one in inputs]
        while names and not names[-1]:
            names.pop()
        outputs = tuple(self.unused_name(kind.lower()) for _ in range(count))
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(Node(kind, f"node_{outputs[0]}", tuple(names), outputs, given))
        return outputs

    def needs(self, opset: int) -> None:
        """The operation being written is there from this opset on."""
        if self.opset < opset:
            raise UnsupportedOperatorError(self.operator, self.opset, opset)

    def refuse(self, reason: str) -> SymbolicValueError:
        return SymbolicValueError(f"onnx.export: {self.operator}: {reason}")

    def extent(self, name: str, axis: int) -> str:
        """The size of an axis, as a vector of one."""
        key = name, axis
        if key not in self._lengths:
            self._lengths[key] = self.op("Gather", self.op("Shape", name), self.constant([axis]), axis=0)
        return self._lengths[key]

    def cast_name(self, name: str, dtype: Any) -> str:
        return self.op("Cast", name, to=data_type(dtype))

    def cast(self, operand: Any, dtype: Any) -> str:
        """A tensor or number as a value of this type."""
        if not isinstance(operand, Tensor):
            return self.number(operand, dtype)
        return self.name(operand) if operand.dtype == dtype else self.cast_name(self.name(operand), dtype)

    # ---------------------------------------------------------------- nodes that changed with the opset

    def reshape(self, operand: Any, sizes: Any) -> str:
        return self.op("Reshape", operand, self.name(sizes))

    def transpose(self, operand: Any, order: Sequence[int]) -> str:
        return self.op("Transpose", operand, perm=list(order))

    def squeeze(self, operand: Any, axes: Sequence[int]) -> str:
        return self._with_axes("Squeeze", operand, axes, self.opset >= 13)

    def unsqueeze(self, operand: Any, axes: Sequence[int]) -> str:
        return self._with_axes("Unsqueeze", operand, axes, self.opset >= 13)

    def reduce(self, kind: str, operand: Any, axes: Sequence[int] | None, keepdims: bool) -> str:
        as_input = self.opset >= _AXES_AS_INPUT.get(kind, 18)
        return self._with_axes(kind, operand, axes, as_input, keepdims=int(keepdims))

    def _with_axes(
        self, kind: str, operand: Any, axes: Sequence[int] | None, as_input: bool, **attributes: Any
    ) -> str:
        if axes is None:
            return self.op(kind, operand, **attributes)
        if as_input:
            return self.op(kind, operand, self.constant(list(axes)), **attributes)
        return self.op(kind, operand, axes=list(axes), **attributes)

    def slice(self, operand: Any, axis: int, start: Any, end: Any, step: int = 1) -> str:
        return self.op("Slice", operand, self.vector([start]), self.vector([end]), [axis], [step])

    def split(self, operand: Any, axis: int, sizes: Sequence[Any]) -> tuple[str, ...]:
        if len(sizes) == 1:
            return (self.name(operand),)
        if self.opset >= 13:
            return self.ops(len(sizes), "Split", operand, self.vector(sizes), axis=axis)
        return self.ops(len(sizes), "Split", operand, axis=axis, split=[int(size) for size in sizes])

    def softmax(self, kind: str, operand: Any, axis: int, rank: int) -> str:
        """Softmax or LogSoftmax; before opset 13 they took all axes from the given one on for one."""
        if self.opset >= 13 or axis == rank - 1:
            return self.op(kind, operand, axis=axis)
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
        return self.transpose(self.op(kind, self.transpose(operand, order), axis=rank - 1), order)

    def clip(self, operand: str, low: Any, high: Any, dtype: Any) -> str:
        if not dtype.is_floating_point:
            self.needs(12)
        if self.opset >= 11:
            limits = (None if one is None else self.cast(one, dtype) for one in (low, high))
            return self.op("Clip", operand, *limits)
        low, high = (None if one is None else float(one) for one in (low, high))
        return self.op("Clip", operand, min=low, max=high)

    def pad(
        self, operand: Any, before: Sequence[Any], after: Sequence[Any], mode: str, fill: float, dtype: Any
    ) -> str:
        if self.opset >= 11:
            value = self.number(fill, dtype) if mode == "constant" else None
            return self.op("Pad", operand, self.vector([*before, *after]), value, mode=mode)
        return self.op("Pad", operand, pads=list(map(int, [*before, *after])), mode=mode, value=float(fill))

    # ---------------------------------------------------------------- the finished graph

    def name_outside(self, source: str, wanted: str | None, taken: set[str]) -> str:
        """Call a result by the wanted name, once everything is written; inputs and weights keep theirs."""
        source = self._outside.get(source, source)
        made = any(source in node.outputs for node in self.nodes)
        if made and source not in taken:
            return self._rename(source, wanted) if wanted else source
        name = wanted or self.unused_name("output")
        self.nodes.append(Node("Identity", f"node_{name}", (source,), (name,), {}))
        return name

    def _rename(self, source: str, name: str) -> str:
        def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name if one == source else one for one in names)

        self.nodes = [
            node._replace(inputs=renamed(node.inputs), outputs=renamed(node.outputs)) for node in self.nodes
        ]
        self._outside[source] = name
        return name

    def keep_only_used(self, outputs: Iterable[str]) -> None:
        """Leave out what no output needs."""
        used, kept = set(outputs), []
        for node in reversed(self.nodes):
            if used.intersection(node.outputs):
                used.update(node.inputs)
                kept.append(node)
        self.nodes = kept[::-1]
        self.initializers = {name: tensor for name, tensor in self.initializers.items() if name in used}


Writer = Callable[..., Any]


class Table(dict[str, Writer]):
    """Operations by name, with the functions that write their nodes: graph first, then PyTorch's arguments."""

    def writes(self, *names: str) -> Callable[[Writer], Writer]:
        def register(writer: Writer) -> Writer:
            self.update(dict.fromkeys(names, writer))
            return writer

        return register


def axes_of(x: Tensor, dims: Any) -> list[int]:
    """Axes counted from the front; all of them for None and ()."""
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        return list(range(x.ndim))
    dims = [dims] if isinstance(dims, int) else dims
    return [axis_of(x, dim) for dim in dims]


def axis_of(x: Any, dim: int) -> int:
    return int(dim) % max(x.ndim, 1)


__all__ = ["LARGEST", "Dynamic", "Graph", "Node", "Table", "axes_of", "axis_of"]
