"""Recording a program: it runs once with tensors that tell of every operation done with them."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import tinytensor
from tinytensor import _C, _einsum
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph
from tinytensor.onnx._nodes import TABLE
from tinytensor.onnx._sizes import Dynamic, DynamicSize, UnsuitableSizeError, product
from tinytensor.onnx.errors import OnnxExporterError, UnsupportedOperatorError

# Operations that tell of a tensor what the recording of one run may depend on.
_FACTS = {
    *("dim", "ndimension", "is_contiguous", "is_floating_point", "is_complex", "is_signed", "is_inference"),
    *("element_size", "get_device", "storage_offset", "stride", "is_pinned", "is_set_to", "type"),
    *("_is_view", "_shares_storage", "is_shared", "has_names", "result_type", "can_cast", "promote_types"),
}
_IN_PLACE_OPERATORS = {"__iand__": "and", "__ior__": "or", "__ixor__": "xor"}

_current: Recorder | None = None


def recorder() -> Recorder:
    if _current is None:
        raise OnnxExporterError("onnx.export: a tensor of a recording is used after its end")
    return _current


def is_recording() -> bool:
    return _current is not None


# What runs with plain tensors, or with the tensors' sizes, before anyone is asked: (owner, name, name of the operation).
_UNASKED: list[tuple[Any, str, str]] = [
    *((Tensor, name, name) for name in ("__getitem__", "__setitem__", "__iand__", "__ior__", "__ixor__")),
    *((Tensor, f"__i{name}__", f"{name}_") for name in ("add", "sub", "mul", "pow")),
    *((Tensor, f"__i{name}__", f"{other}_") for name, other in (("truediv", "div"), ("mod", "remainder"))),
    *((Tensor, "__ifloordiv__", "floor_divide_"), (_einsum, "_contracted", "einsum")),
]
_ORIGINALS = [getattr(owner, name) for owner, name, _ in _UNASKED]


def _of_plain_tensors(function: Callable) -> Callable:
    """For a function written in Python, which sees what Recorded has of its own."""
    return lambda *args: function(*changed(lambda one: _C._as_subclass(Tensor, one), args))


def _asking(original: Callable, operation: str) -> Callable:
    """A function as it is during a recording."""
    function = getattr(Tensor, operation, _of_plain_tensors(original))

    def ask(*operands: Any) -> Any:
        if _current is not None and _recorded_in(operands):
            return _current.call(function, operands, {}, operation)
        return original(*operands)

    return ask


@contextlib.contextmanager
def _all_ask() -> Iterator[None]:
    for (owner, name, operation), original in zip(_UNASKED, _ORIGINALS):
        setattr(owner, name, _asking(original, operation))
    try:
        yield
    finally:
        for (owner, name, _), original in zip(_UNASKED, _ORIGINALS):
            setattr(owner, name, original)


def _recorded_in(operands: Any) -> bool:
    found: list[Any] = []
    changed(found.append, operands)
    return any(type(one) in (Recorded, Dynamic) for one in found)


@contextlib.contextmanager
def _unrecorded() -> Iterator[None]:
    """Operations run on the tensors, without history: a derivative is no operation that could be recorded."""
    with _C.DisableTorchFunctionSubclass(), tinytensor.no_grad():  # type: ignore[attr-defined]
        yield


class Recorded(Tensor):
    """A tensor of the recording: the example's values, those for the second sizes, and a name in the graph."""

    _source: Any = None  # what it is a part of
    _changes = 0  # how often it was changed in place

    def begin(self, name: str | None, second: Tensor) -> Recorded:
        self._name, self._second, self._seen = name, second, self._version
        return self

    def check(self, graph: Graph) -> None:
        """A name stands for a value, which a change of a view or by way of a view leaves behind."""
        if self._seen != self._version:
            raise OnnxExporterError(
                f"onnx.export: {graph.operator}: a view of a tensor, or the tensor of a view, is used after the "
                "other one was changed in place; write the change without one"
            )
        if self._name is None:
            raise graph.refuse("a result is used that has no counterpart in ONNX")

    def name_in(self, graph: Graph) -> str:
        assert self._name is not None
        return self._name

    @classmethod
    def __torch_function__(cls, function: Callable, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return recorder().call(function, args, kwargs or {})

    @property
    def shape(self) -> Any:
        example, second = plain_shape(self), plain_shape(self._second)
        if example == second:
            return example
        return DynamicSize(self._size(axis, *sizes) for axis, sizes in enumerate(zip(example, second)))

    def _size(self, axis: int, example: int, second: int) -> Any:
        if example == second:
            return example
        name = self._name
        return Dynamic(example, second, lambda graph: graph.extent(graph.name(name), axis))

    def size(self, dim: int | None = None) -> Any:  # type: ignore[override]
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> Any:
        return product(self.shape)

    nelement = numel

    @property
    def data(self) -> Any:
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        raise OnnxExporterError("onnx.export: x.data = value changes a tensor unseen: use x.copy_(value)")

    def __len__(self) -> int:
        return self.shape[0].__index__()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.unbind(0))

    def __repr__(self, **_: Any) -> str:
        with _unrecorded():
            return repr(self.detach().as_subclass(Tensor))

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.clone()

    def _values_needed(self, *_: Any, **__: Any) -> NoReturn:
        raise OnnxExporterError(
            "onnx.export: a value of a tensor is needed as a number of Python's, or decides the program's "
            "course; a file holds one course only: use torch.where, or compute with tensors"
        )

    __bool__ = __int__ = __float__ = __index__ = __complex__ = __contains__ = __array__ = _values_needed
    item = tolist = numpy = is_nonzero = equal = allclose = _values_needed  # type: ignore[assignment]


plain_shape = Tensor.__dict__["shape"].__get__


def _name_of(function: Callable) -> str:
    if function.__name__ == "__get__":
        return function.__self__.__name__  # type: ignore[attr-defined]
    return function.__name__


def _is_in_place(name: str) -> bool:
    return name in ("__setitem__", *_IN_PLACE_OPERATORS) or (name.endswith("_") and not name.endswith("__"))


def changed(change: Callable, value: Any) -> Any:
    """Arguments or results, with `change` done to tensors and sizes in tuples, lists and dictionaries."""
    if isinstance(value, Tensor) or type(value) is Dynamic:
        return change(value)
    if isinstance(value, slice):
        return slice(*(changed(change, one) for one in (value.start, value.stop, value.step)))
    if isinstance(value, dict):
        return {key: changed(change, one) for key, one in value.items()}
    if isinstance(value, (tuple, list)) and type(value) is not _C.Size:
        items = [changed(change, one) for one in value]
        if type(value) is DynamicSize:
            return tuple(items)
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def _example(value: Any) -> Any:
    return value.example if type(value) is Dynamic else value


def _second(value: Any) -> Any:
    if type(value) is Dynamic:
        return value.second
    return value._second if isinstance(value, Recorded) else value


def tensors_in(value: Any) -> list[Tensor]:
    found: list[Tensor] = []
    changed(lambda one: found.append(one) if isinstance(one, Tensor) else None, value)
    return found


def sizes_in_both(tensor: Tensor) -> list[tuple[int, int]]:
    """The sizes for the example and for the second sizes."""
    return list(zip(plain_shape(tensor), plain_shape(_second(tensor))))


class Recorder:
    """Runs operations for the example and for the second sizes, and writes their nodes."""

    def __init__(self, graph: Graph, dynamic: bool) -> None:
        self.graph, self.dynamic = graph, dynamic

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Inside, what is done with recorded tensors goes into the graph."""
        global _current
        if _current is not None:
            raise OnnxExporterError("onnx.export: a recording is under way already")
        _current = self
        try:
            with _all_ask(), tinytensor.no_grad():
                yield
        finally:
            _current = None
            for tensor in self.graph.adopted:
                tensor.__class__ = Tensor

    def input(self, name: str, tensor: Tensor, second: Tensor) -> Recorded:
        copy = tensor.detach().clone()
        return _C._as_subclass(Recorded, copy).begin(name, second if self.dynamic else copy)

    def call(self, function: Callable, args: tuple, kwargs: dict[str, Any], name: str | None = None) -> Any:
        name = self.graph.operator = name or _name_of(function)
        if "out" in kwargs:
            raise OnnxExporterError(f"onnx.export: {name}: no out= in a recording")
        if tinytensor.is_autocast_enabled("cpu") or tinytensor.is_autocast_enabled("cuda"):
            raise OnnxExporterError("onnx.export: no autocast in a recording: convert the model")
        in_place = _is_in_place(name)
        if in_place:
            self._before_change(name, *args)
        for tensor in tensors_in((args, kwargs)):
            if isinstance(tensor, Recorded):
                tensor.check(self.graph)
        shape = plain_shape(args[0]) if in_place else None
        with _unrecorded():
            result = function(*changed(_example, args), **changed(_example, kwargs))
        second = self._second_run(name, function, args, kwargs) if self.dynamic else result
        if in_place:
            if plain_shape(args[0]) != shape:
                raise self.graph.refuse("the shape changes in place")
            return self._change(name, args, kwargs, result)
        if result is not None and any(result is argument for argument in args):
            return result
        if not tensors_in(result):
            return self._fact(name, result, second)
        names = self._write(name, result, second, args, kwargs)
        return self._recorded(result, second, iter(names), args[0] if name == "__getitem__" else None)

    def shape_of(self, tensor: Recorded) -> Recorded:
        example, second = (_C.tensor(tuple(plain_shape(one))) for one in (tensor, tensor._second))
        name = self.graph.op("Shape", tensor)
        return _C._as_subclass(Recorded, example).begin(name, second)

    def reshaped(self, tensor: Tensor, shape: Tensor) -> Recorded:
        with _unrecorded():
            example, second = (
                side(tensor).reshape(side(shape).as_subclass(Tensor).tolist()) for side in (_example, _second)
            )
        return _C._as_subclass(Recorded, example).begin(self.graph.reshape(tensor, shape), second)

    def _second_run(self, name: str, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        try:
            with _unrecorded():
                return function(*changed(_second, args), **changed(_second, kwargs))
        except Exception as error:
            raise UnsuitableSizeError(
                f"onnx.export: {name} fails for another size of the dynamic axes: {error}"
            ) from error

    def _fact(self, name: str, result: Any, second: Any) -> Any:
        if name not in _FACTS or result != second:
            raise OnnxExporterError(
                f"onnx.export: {name} makes {type(result).__name__} of a tensor, on which the file's course "
                "cannot depend"
            )
        return result

    def _write(self, name: str, result: Any, second: Any, args: tuple, kwargs: dict[str, Any]) -> list[str]:
        graph = self.graph
        writer = TABLE.get(name) or TABLE.get(_IN_PLACE_OPERATORS.get(name, name.strip("_")))
        if writer is None:
            raise UnsupportedOperatorError(name, graph.opset)
        try:
            inspect.signature(writer).bind(graph, *args, **kwargs)
        except TypeError as error:
            raise graph.refuse(f"arguments without a counterpart in ONNX: {error}") from None
        graph.result, graph.second_result = result, second
        with _unrecorded():
            names = writer(graph, *args, **kwargs)
        return [names] if isinstance(names, str) else list(names)

    def _before_change(self, name: str, target: Any, *others: Any) -> None:
        """An operation in place needs the value that was, even of a tensor that is a constant so far."""
        if not isinstance(target, Recorded):
            if self.graph.is_parameter(target):
                raise OnnxExporterError(
                    f"onnx.export: {name}: the program changes its own parameter or buffer"
                )
            if target._is_view():
                raise OnnxExporterError(
                    f"onnx.export: {name}: the target is a view of a constant; clone it first"
                )
            was = self.graph.name(target)
            second = target.detach().clone() if self.dynamic else target
            target.__class__ = Recorded
            target.begin(was, second)
            self.graph.adopted.append(target)
        value = others[-1] if others else None
        if isinstance(value, Recorded) and value._source is target and name == "__setitem__":
            # x[i] += 1 changes x by way of its view and puts the view back where it is.
            if target._seen + value._changes == target._version:
                target._seen = target._version

    def _change(self, name: str, args: tuple, kwargs: dict[str, Any], result: Any) -> Any:
        """After an operation in place the object stands for the new value."""
        target = args[0]
        target._seen = target._version
        target._changes += 1
        if not self.dynamic:
            target._second = _C._as_subclass(Tensor, target)
        (target._name,) = self._write(name, target, target._second, args, kwargs)
        return result

    def _recorded(self, result: Any, second: Any, names: Iterator[str], source: Any = None) -> Any:
        if isinstance(result, Tensor):
            if result.ndim != second.ndim or result.dtype != second.dtype:
                raise UnsuitableSizeError(
                    f"onnx.export: {self.graph.operator}: the number of axes depends on the size of a dynamic axis: "
                    f"{list(result.shape)} and, with another size, {list(second.shape)}"
                )
            recorded = _C._as_subclass(Recorded, result).begin(next(names), second)
            recorded._source = source
            return recorded
        if len(result) != len(second):
            raise UnsuitableSizeError(
                f"onnx.export: {self.graph.operator}: the number of results depends on the size of a dynamic axis: "
                f"{len(result)} and, with another size, {len(second)}"
            )
        items = [self._recorded(*pair, names) for pair in zip(result, second)]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
