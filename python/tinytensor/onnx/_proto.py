"""ONNX's messages in protobuf's wire format: each function gives the bytes of one message."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx.errors import SymbolicValueError

_VARINT, _BYTES, _FIXED32 = 0, 2, 5

# TensorProto.DataType
_DATA_TYPES = {
    **{"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9},
    **{"float16": 10, "float64": 11, "uint32": 12, "uint64": 13, "bfloat16": 16},
}

# AttributeProto.AttributeType
_FLOAT, _INT, _STRING, _TENSOR, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 4, 6, 7, 8

_EXTERNAL = 1  # TensorProto.DataLocation


def _varint(number: int) -> bytes:
    """Seven bits a byte, the low ones first; negative numbers as 64 bits of two's complement."""
    number &= (1 << 64) - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _field(number: int, value: int | float | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | _FIXED32) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return b"".join((_varint(number << 3 | _BYTES), _varint(len(content)), content))


def _repeated(number: int, values: Iterable[int | float | str | bytes]) -> bytes:
    return b"".join(_field(number, value) for value in values)


# ---------------------------------------------------------------- tensors and types


def data_type(dtype: Any) -> int:
    name = str(dtype).removeprefix("torch.")
    if name not in _DATA_TYPES:
        raise SymbolicValueError(f"onnx.export: tensors of type {dtype} have no counterpart in ONNX files")
    return _DATA_TYPES[name]


def tensor_bytes(tensor: Tensor) -> bytes:
    """The elements in order, little-endian."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return bytes(memoryview(_C._to_numpy(flat.view(_C.uint8)))) if flat.numel() else b""


def tensor_proto(name: str, tensor: Tensor) -> bytes:
    return _tensor_header(name, tensor) + _field(9, tensor_bytes(tensor))


def external_tensor_proto(name: str, tensor: Tensor, location: str, offset: int, length: int) -> bytes:
    """A tensor whose elements stand in another file."""
    entries = {"location": location, "offset": str(offset), "length": str(length)}
    where = _repeated(13, (_field(1, key) + _field(2, value) for key, value in entries.items()))
    return _tensor_header(name, tensor) + where + _field(14, _EXTERNAL)


def _tensor_header(name: str, tensor: Tensor) -> bytes:
    return _repeated(1, tensor.shape) + _field(2, data_type(tensor.dtype)) + _field(8, name)


def value_info(name: str, dtype: Any, shape: Sequence[int | str]) -> bytes:
    """The type of an input or output; a size given by name is dynamic."""
    axes = (_field(2 if isinstance(size, str) else 1, size) for size in shape)
    tensor_type = _field(1, data_type(dtype)) + _field(2, _repeated(1, axes))
    return _field(1, name) + _field(2, _field(1, tensor_type))


# ---------------------------------------------------------------- nodes


def _attribute(name: str, value: Any) -> bytes:
    return _field(1, name) + _attribute_value(value)


def _attribute_value(value: Any) -> bytes:
    if isinstance(value, int):
        return _field(3, int(value)) + _field(20, _INT)
    if isinstance(value, float):
        return _field(2, value) + _field(20, _FLOAT)
    if isinstance(value, str):
        return _field(4, value) + _field(20, _STRING)
    if isinstance(value, Tensor):
        return _field(5, tensor_proto("", value)) + _field(20, _TENSOR)
    if any(isinstance(item, float) for item in value):
        return _repeated(7, map(float, value)) + _field(20, _FLOATS)
    if any(isinstance(item, str) for item in value):
        return _repeated(9, value) + _field(20, _STRINGS)
    return _repeated(8, map(int, value)) + _field(20, _INTS)


def node_proto(
    kind: str, name: str, inputs: Sequence[str], outputs: Sequence[str], attributes: dict[str, Any]
) -> bytes:
    described = (_attribute(key, value) for key, value in attributes.items())
    return (
        _repeated(1, inputs)
        + _repeated(2, outputs)
        + _field(3, name)
        + _field(4, kind)
        + _repeated(5, described)
    )


# ---------------------------------------------------------------- graphs and models


def graph_proto(
    name: str,
    nodes: Iterable[bytes],
    initializers: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    parts = (_repeated(1, nodes), _field(2, name), _repeated(5, initializers))
    return b"".join((*parts, _repeated(11, inputs), _repeated(12, outputs)))


def model_proto(ir_version: int, opset: int, producer: str, version: str, graph: bytes) -> bytes:
    opset_import = _field(1, "") + _field(2, opset)
    head = _field(1, ir_version) + _field(2, producer) + _field(3, version)
    return b"".join((head, _field(7, graph), _field(8, opset_import)))
