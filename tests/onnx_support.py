"""Reading ONNX files without the onnx package: protobuf's wire format, and NumPy for some of the nodes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

DTYPES = {1: "f4", 2: "u1", 3: "i1", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8"}


def fields(message: bytes) -> dict[int, list[Any]]:
    """The values of each field: whole numbers, bytes, and floats."""
    found: dict[int, list[Any]] = {}
    place = 0

    def varint() -> int:
        nonlocal place
        number = shift = 0
        while True:
            byte = message[place]
            number |= (byte & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if byte < 0x80:
                return number - (1 << 64) if number >> 63 else number

    while place < len(message):
        key = varint()
        if key & 7 == 0:
            value: Any = varint()
        elif key & 7 == 5:
            value, place = struct.unpack_from("<f", message, place)[0], place + 4
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            length = varint()
            value, place = message[place : place + length], place + length
        found.setdefault(key >> 3, []).append(value)
    assert place == len(message)
    return found


class Node(NamedTuple):
    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


class Model(NamedTuple):
    ir_version: int
    opset: int
    nodes: list[Node]
    initializers: dict[str, Any]
    inputs: dict[str, tuple[int, list[int | str]]]
    outputs: dict[str, tuple[int, list[int | str]]]

    def kinds(self) -> list[str]:
        return [node.kind for node in self.nodes]


def _tensor(message: bytes) -> tuple[str, Any]:
    parts = fields(message)
    if 13 in parts:  # beside the file: location, offset, length
        pairs = [fields(entry) for entry in parts[13]]
        return parts[8][0].decode(), {pair[1][0].decode(): pair[2][0].decode() for pair in pairs}
    values = np.frombuffer(parts[9][0], DTYPES[parts[2][0]]).reshape(parts.get(1, []))
    return parts.get(8, [b""])[0].decode(), values


def _attribute(message: bytes) -> tuple[str, Any]:
    parts = fields(message)
    kind = parts[20][0]
    read: dict[int, Callable[[], Any]] = {
        1: lambda: parts[2][0],
        2: lambda: parts[3][0],
        3: lambda: parts[4][0].decode(),
        4: lambda: _tensor(parts[5][0])[1],
        6: lambda: parts.get(7, []),
        7: lambda: parts.get(8, []),
        8: lambda: [text.decode() for text in parts.get(9, [])],
    }
    return parts[1][0].decode(), read[kind]()


def _port(message: bytes) -> tuple[str, tuple[int, list[int | str]]]:
    parts = fields(message)
    tensor_type = fields(fields(parts[2][0])[1][0])
    axes = [fields(axis) for axis in fields(tensor_type[2][0]).get(1, [])]
    sizes = [axis[2][0].decode() if 2 in axis else axis[1][0] for axis in axes]
    return parts[1][0].decode(), (tensor_type[1][0], sizes)


def _node(message: bytes) -> Node:
    parts = fields(message)
    names = ([name.decode() for name in parts.get(number, [])] for number in (1, 2))
    return Node(parts[4][0].decode(), *names, dict(map(_attribute, parts.get(5, []))))


def read(data: bytes) -> Model:
    model = fields(data)
    graph = fields(model[7][0])
    return Model(
        model[1][0],
        fields(model[8][0])[2][0],
        [_node(node) for node in graph.get(1, [])],
        dict(map(_tensor, graph.get(5, []))),
        dict(map(_port, graph.get(11, []))),
        dict(map(_port, graph.get(12, []))),
    )


# ---------------------------------------------------------------- running


def _conv(x: Any, w: Any, b: Any = None, *, kernel_shape: Any, strides: Any, pads: Any, **_: Any) -> Any:
    x = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel_shape, (2, 3))
    y = np.einsum("nchwij,ocij->nohw", windows[:, :, :: strides[0], :: strides[1]], w)
    return y if b is None else y + b[:, None, None]


def _max_pool(x: Any, *, kernel_shape: Any, strides: Any, **_: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel_shape, (2, 3))
    return windows[:, :, :: strides[0], :: strides[1]].max((-1, -2))


def _batch_norm(x: Any, scale: Any, shift: Any, mean: Any, var: Any, *, epsilon: float) -> Any:
    def along(value: Any) -> Any:
        return value.reshape(-1, *[1] * (x.ndim - 2))

    return (x - along(mean)) / np.sqrt(along(var) + epsilon) * along(scale) + along(shift)


def _softmax(x: Any, axis: int) -> Any:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def _reshape(x: Any, shape: Any) -> Any:
    return x.reshape([x.shape[axis] if size == 0 else size for axis, size in enumerate(shape)])


def _slice(x: Any, starts: Any, ends: Any, axes: Any, steps: Any) -> Any:
    index = [slice(None)] * x.ndim
    for axis, *bounds in zip(axes, starts, ends, steps):
        index[axis] = slice(*bounds)
    return x[tuple(index)]


NODES: dict[str, Callable[..., Any]] = {
    **{"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Mod": np.mod, "Pow": np.power},
    **{"Sqrt": np.sqrt, "Tanh": np.tanh, "Neg": np.negative, "Equal": np.equal, "Less": np.less},
    "Div": lambda a, b: a / b if a.dtype.kind == "f" else np.trunc(a / b).astype(a.dtype),
    "Relu": lambda x: np.maximum(x, 0),
    "Not": np.logical_not,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Where": np.where,
    "MatMul": np.matmul,
    "Gemm": lambda a, b, c=0, *, transB=0: a @ (b.T if transB else b) + c,
    "Softmax": _softmax,
    "LogSoftmax": lambda x, axis: np.log(_softmax(x, axis)),
    "Shape": lambda x: np.array(x.shape),
    "Gather": lambda x, places, axis: np.take(x, places, axis),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "Reshape": _reshape,
    "Transpose": lambda x, perm: x.transpose(perm),
    "Unsqueeze": lambda x, axes: np.expand_dims(x, tuple(axes)),
    "Squeeze": lambda x, axes: np.squeeze(x, tuple(axes)),
    "Slice": _slice,
    "Split": lambda x, sizes, axis: np.split(x, np.cumsum(sizes)[:-1], axis),
    "Expand": lambda x, shape: np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape))),
    "ReduceMean": lambda x, axes=None, *, keepdims: x.mean(
        None if axes is None else tuple(axes), keepdims=bool(keepdims)
    ),
    "ReduceSum": lambda x, axes=None, *, keepdims: x.sum(
        None if axes is None else tuple(axes), keepdims=bool(keepdims)
    ),
    "GlobalAveragePool": lambda x: x.mean((2, 3), keepdims=True),
    "MaxPool": _max_pool,
    "Conv": _conv,
    "BatchNormalization": _batch_norm,
    "ConstantOfShape": lambda shape, *, value: np.full(shape, value[0]),
    "Range": np.arange,
    "Cast": lambda x, to: x.astype(DTYPES[to]),
    "Identity": lambda x: x,
    "Clip": lambda x, low=None, high=None: np.clip(x, low, high),
}


def run(data: bytes, **inputs: Any) -> list[Any]:
    """What the file makes of these inputs."""
    model = read(data)
    values: dict[str, Any] = {"": None, **model.initializers, **inputs}
    for node in model.nodes:
        found = NODES[node.kind](*(values[name] for name in node.inputs), **node.attributes)
        found = found if isinstance(found, list) else [found]
        values |= {name: np.asarray(value) for name, value in zip(node.outputs, found, strict=True)}
    return [values[name] for name in model.outputs]
