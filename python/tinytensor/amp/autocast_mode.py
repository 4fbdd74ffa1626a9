"""The switch of mixed precision."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, Literal

import tinytensor
from tinytensor import _C

_DTYPES = {"cpu": (_C.bfloat16, _C.float16), "cuda": (_C.bfloat16, _C.float16)}


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast knows a type of device."""
    return device_type in _DTYPES


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is on for a type of device."""
    return _C._autocast(device_type)[0]


def get_autocast_dtype(device_type: str) -> Any:
    """The smaller type that autocast uses on a type of device."""
    return _C._autocast(device_type)[1]


def set_autocast_enabled(device_type: str, enabled: bool) -> None:
    """Turns autocast on or off for a type of device."""
    _C._set_autocast(device_type, enabled, get_autocast_dtype(device_type))


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Chooses the smaller type that autocast uses on a type of device."""
    _C._set_autocast(device_type, is_autocast_enabled(device_type), dtype)


def is_autocast_cpu_enabled() -> bool:
    """The old name of is_autocast_enabled("cpu")."""
    return is_autocast_enabled("cpu")


def get_autocast_cpu_dtype() -> Any:
    """The old name of get_autocast_dtype("cpu")."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> Any:
    """The old name of get_autocast_dtype("cuda")."""
    return get_autocast_dtype("cuda")


class autocast:
    """While it is entered, products and convolutions on the device take float32 tensors in `dtype`, and ops
    that need the range of float32 take halves in float32. Also a decorator. The gradients of parameters stay
    as they were, as casts are part of the graph. `cache_enabled` makes no difference: casts are not kept."""

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(f"autocast: device type '{device_type}' is not supported, use 'cpu' or 'cuda'")
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        if enabled and device_type == "cuda" and not tinytensor.cuda.is_available():
            warnings.warn(
                "User provided device_type of 'cuda', but CUDA is not available. Disabling", stacklevel=2
            )
            enabled = False
        if enabled and self.fast_dtype not in _DTYPES[device_type]:
            names = " and ".join(str(known) for known in _DTYPES[device_type])
            warnings.warn(
                f"autocast: {self.fast_dtype} is not supported on {device_type}, only {names} are. Disabling",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        self._before: list[tuple[bool, Any]] = []

    def __enter__(self) -> autocast:
        self._before.append(_C._autocast(self.device))
        _C._set_autocast(self.device, self._enabled, self.fast_dtype)
        return self

    def __exit__(self, *exception: object) -> Literal[False]:
        _C._set_autocast(self.device, *self._before.pop())
        return False

    def __call__(self, func: Callable) -> Callable:
        @functools.wraps(func)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return within


def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    """Floating tensors of the device, also within containers, in another type; float64 stays."""
    if isinstance(value, _C.Tensor):
        eligible = (
            value.is_floating_point() and value.dtype != _C.float64 and value.device.type == device_type
        )
        return value.to(dtype) if eligible else value
    if isinstance(value, dict):
        return {
            _cast(key, device_type, dtype): _cast(part, device_type, dtype) for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(part, device_type, dtype) for part in value)
    return value


def custom_fwd(fwd: Callable | None = None, *, device_type: str, cast_inputs: Any = None) -> Callable:
    """For the forward of an autograd.Function: with cast_inputs, under autocast, its inputs are cast and
    autocast is off within; backward then runs as forward did."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        context = args[0]
        enabled, context._dtype = _C._autocast(device_type)
        context._fwd_used_autocast = enabled and cast_inputs is None
        if not enabled or cast_inputs is None:
            return fwd(*args, **kwargs)
        with autocast(device_type=device_type, enabled=False):
            return fwd(*_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return decorated


def custom_bwd(bwd: Callable | None = None, *, device_type: str) -> Callable:
    """For the backward of an autograd.Function whose forward has custom_fwd: autocast is as it was there."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        context = args[0]
        with autocast(device_type=device_type, enabled=context._fwd_used_autocast, dtype=context._dtype):
            return bwd(*args, **kwargs)

    return decorated
