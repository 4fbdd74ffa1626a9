"""Tensor types by name, from the time before dtypes: `FloatTensor` and its siblings, `x.type()`.

A type such as `FloatTensor` stands for a dtype on a device: it is called to construct a tensor, and
`isinstance` asks for both. Its text carries the prefix "torch.", which programs compare with and pass on.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

import tinytensor

_DTYPES = {
    "BFloat16Tensor": "bfloat16",
    "BoolTensor": "bool",
    "ByteTensor": "uint8",
    "CharTensor": "int8",
    "DoubleTensor": "float64",
    "FloatTensor": "float32",
    "HalfTensor": "float16",
    "IntTensor": "int32",
    "LongTensor": "int64",
    "ShortTensor": "int16",
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_PREFIXES = {"cpu": "torch.", "cuda": "torch.cuda.", "meta": "torch.meta."}


class _TensorType(type):
    """The type of `FloatTensor` and its siblings."""

    device_type: str
    _dtype_name: str

    @property
    def dtype(cls) -> Any:
        return getattr(tinytensor, cls._dtype_name)

    @property
    def is_cuda(cls) -> bool:
        return cls.device_type == "cuda"

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return construct(cls.dtype, cls.device_type, *args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        if not isinstance(instance, tinytensor.Tensor):
            return False
        return instance.dtype == cls.dtype and instance.device.type == cls.device_type

    def __repr__(cls) -> str:
        return f"<class '{_PREFIXES[cls.device_type]}{cls.__name__}'>"


def _types_of(device_type: str) -> dict[str, Any]:
    return {
        name: _TensorType(
            name, (), {"__module__": "tinytensor", "device_type": device_type, "_dtype_name": dtype}
        )
        for name, dtype in _DTYPES.items()
    }


# The attributes of the package itself, and those of its `cuda` module.
CPU_TYPES = _types_of("cpu")
CUDA_TYPES = _types_of("cuda")

_TYPES = {_PREFIXES["cpu"] + name: cls for name, cls in CPU_TYPES.items()}
_TYPES.update({_PREFIXES["cuda"] + name: cls for name, cls in CUDA_TYPES.items()})


def construct(dtype: Any, device_type: str, *args: Any, device: Any = None, **kwargs: Any) -> Any:
    """What `FloatTensor(...)` does: sizes give uninitialised memory, anything else is data.

    Sizes are integers or one Size; data is a sequence, an array, or a tensor, whose memory is shared.
    """
    where = tinytensor.device(device_type if device is None else device)
    if where.type != device_type:
        raise RuntimeError(f"legacy constructor expects device type: {device_type}, got {where.type}")
    if len(kwargs) + bool(args) > 1 or not kwargs.keys() <= {"size", "data"}:
        raise TypeError(
            f"new(): expected sizes or data, got {len(args)} arguments and keywords {sorted(kwargs)}"
        )
    if "size" in kwargs:
        return tinytensor.empty(tuple(kwargs["size"]), dtype=dtype, device=where)
    given = (kwargs["data"],) if "data" in kwargs else args
    if len(given) == 1 and not _is_size(given[0]):
        return _from_data(given[0], dtype, where)
    sizes = given[0] if len(given) == 1 and isinstance(given[0], tinytensor.Size) else given
    for position, size in enumerate(sizes):
        if not _is_size(size):
            raise TypeError(
                f"new(): sizes must be integers, got {type(size).__name__} at position {position}"
            )
    shape = [operator.index(size) for size in sizes] if given else [0]
    return tinytensor.empty(shape, dtype=dtype, device=where)


def _is_size(value: Any) -> bool:
    if isinstance(value, tinytensor.Size):
        return True
    is_number = hasattr(value, "__index__") and not isinstance(value, bool)
    return is_number and not isinstance(value, tinytensor.Tensor) and not getattr(value, "shape", ())


def _from_data(data: Any, dtype: Any, device: Any) -> Any:
    if isinstance(data, tinytensor.Tensor):
        if data.dtype != dtype or data.device.type != device.type:
            raise TypeError(
                f"new(): expected a {dtype} tensor on {device.type}, got {data.dtype} on {data.device}"
            )
        return data.view_as(data)
    if (
        isinstance(data, (str, bytes))
        or not hasattr(data, "__getitem__")
        or getattr(data, "shape", None) == ()
    ):
        raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    return tinytensor.tensor(data, dtype=dtype, device=device)


def type_name(tensor: Any) -> str:
    """The name that `x.type()` returns, such as 'torch.FloatTensor'."""
    return _PREFIXES[tensor.device.type] + _NAMES[str(tensor.dtype).rpartition(".")[2]]


def tensor_type(self: Any, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Without `dtype` return the name of the tensor's type, otherwise the tensor converted to it.

    `dtype` is a dtype, a type such as `DoubleTensor`, which also sets the device, or the name of one.
    """
    if dtype is None:
        return type_name(self)
    if isinstance(dtype, tinytensor.dtype):
        return self.to(dtype, non_blocking=non_blocking)
    wanted, device_type = _resolved(dtype)
    device = self.device if self.device.type == device_type else tinytensor.device(device_type)
    return self.to(device, wanted, non_blocking=non_blocking)


def _resolved(kind: Any) -> tuple[Any, str]:
    """The dtype and the device type that a tensor type or its name stands for."""
    if kind is tinytensor.Tensor or kind == "torch.Tensor":
        return tinytensor.get_default_dtype(), "cpu"
    found = _TYPES.get(kind) if isinstance(kind, str) else kind
    if isinstance(found, _TensorType):
        return found.dtype, found.device_type
    if isinstance(kind, (str, type)):
        raise ValueError(f"invalid type: '{kind if isinstance(kind, str) else kind.__name__}'")
    raise TypeError(f"type: dtype must be a type, str, or dtype object, got {type(kind).__name__}")


def set_default_tensor_type(t: Any) -> None:
    """Make the dtype and the device of a floating point tensor type, or of its name, the defaults."""
    found = _TYPES.get(t) if isinstance(t, str) else t
    if not isinstance(found, _TensorType):
        raise TypeError(
            f"set_default_tensor_type: invalid type object {t!r}, expected one such as FloatTensor"
        )
    if not found.dtype.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {found!r}")
    warnings.warn(
        "set_default_tensor_type is deprecated, use set_default_dtype and set_default_device",
        stacklevel=2,
    )
    if found.device_type != tinytensor.get_default_device().type:
        tinytensor.set_default_device(found.device_type)
    tinytensor.set_default_dtype(found.dtype)
