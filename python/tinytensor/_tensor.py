"""The methods of Tensor that are written in Python, and its ways out: printing, pickling, NumPy, DLPack."""

from __future__ import annotations

from typing import Any

from . import _C, _legacy, _printing, storage  # noqa: F401  (storage adds methods of its own)
from ._C import Tensor
from ._utils import _rebuild_from_type_v2, deepcopy, reduce_ex  # noqa: F401  (files look the first one up here)
from .functional import norm


def _repr(self: Tensor, *, tensor_contents: str | None = None) -> str:
    if tensor_contents is not None:
        raise NotImplementedError("__repr__: tensor_contents is not supported")
    return _printing.tensor_text(self)


def numpy(self: Tensor, *, force: bool = False) -> Any:
    """Return the values as a NumPy array that shares their memory; with `force`, a copy where that cannot be."""
    return _C._to_numpy(self.detach().cpu() if force else self)


def tolist(self: Tensor) -> Any:
    """Return the values as nested lists, or as a number if there are no dimensions."""
    return _C._to_list(self)


def array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    values = numpy(self)
    if copy is False and dtype is not None and values.dtype != dtype:
        raise ValueError("__array__: a change of dtype cannot be made without a copy")
    if copy:
        return values.astype(values.dtype if dtype is None else dtype, copy=True)
    return values if dtype is None else values.astype(dtype, copy=False)


def array_wrap(self: Tensor, values: Any, context: Any = None, return_scalar: bool = False) -> Any:
    return _C._tensor_from_data(values, _C.bool if values.dtype == bool else None, None, False)


# ---------------------------------------------------------------- autograd


def register_hook(self: Tensor, hook: Any) -> Any:
    """Call `hook(grad)` when the gradient is computed; what it returns, if anything, replaces the gradient."""
    return _C._register_hook(self, hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Any) -> Any:
    """Call `hook(tensor)` after a gradient was added to the `.grad` of this leaf."""
    return _C._register_post_accumulate_grad_hook(self, hook)


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of a non-leaf in its `.grad`."""
    _C._retain_grad(self)


# ---------------------------------------------------------------- memory


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """Return a copy in page-locked memory, for faster copies to a GPU."""
    raise RuntimeError("pin_memory: cannot pin memory, no GPU is available")


def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the memory is page-locked."""
    return False


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """Return the tensor itself: it is dense."""
    return self if dtype is None else self.to(dtype)


def coalesce(self: Tensor) -> Tensor:
    """Only sparse tensors can be coalesced, and there are none."""
    raise RuntimeError("coalesce: expected sparse coordinate tensor layout but got Strided")


def as_subclass(self: Tensor, cls: type) -> Tensor:
    """Return the same values as an instance of a subclass of Tensor."""
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(f"as_subclass: cls must be a subclass of Tensor, got {cls}")
    return _C._as_subclass(cls, self)


def reversed_(self: Tensor) -> Tensor:
    return self.flip(0) if self.dim() else self


def new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """Return a tensor of this dtype from sizes or data; the old way to write new_empty and new_tensor."""
    return _legacy.construct(self.dtype, self.device.type, *args, device=device)


def dlpack_device(self: Tensor) -> tuple[int, int]:
    return (1, 0) if self.device.type == "cpu" else (2, self.device.index)


def dlpack(
    self: Tensor,
    *,
    stream: Any = None,
    max_version: Any = None,
    dl_device: Any = None,
    copy: bool | None = None,
) -> Any:
    if self.requires_grad:
        raise BufferError("__dlpack__: can't export tensors that require gradient, use tensor.detach()")
    if dl_device is not None and tuple(dl_device) != dlpack_device(self):
        raise BufferError(f"__dlpack__: cannot export to device {dl_device}")
    return _C._to_dlpack(self.clone() if copy else self)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """Return a tensor that shares memory with an object of another library, through the DLPack protocol."""
    capsule = ext_tensor.__dlpack__() if hasattr(ext_tensor, "__dlpack__") else ext_tensor
    made = _C._from_dlpack(capsule)
    if device is not None:
        made = made.to(device)
    return made.clone() if copy else made


def to_dlpack(tensor: Tensor) -> Any:
    """Return a DLPack capsule over the memory of a tensor."""
    return dlpack(tensor)


def _of_linalg(name: str) -> Any:
    """A method that is a function of linalg, which is imported at the first use."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        from .linalg import _older

        return getattr(_older, name)(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    return method


_METHODS = {
    "__repr__": _repr,
    "__str__": _repr,
    "__format__": _printing.tensor_format,
    "__array__": array,
    "__array_wrap__": array_wrap,
    "__array_priority__": 1000,
    "__deepcopy__": deepcopy,
    "__reduce_ex__": reduce_ex,
    "__reversed__": reversed_,
    "__dlpack__": dlpack,
    "__dlpack_device__": dlpack_device,
    "_make_subclass": staticmethod(_C._make_subclass),
    "layout": _C.strided,
    "type": _legacy.tensor_type,
    "norm": norm,
}

for _function in (
    numpy, tolist, register_hook, register_post_accumulate_grad_hook, retain_grad,
    pin_memory, is_pinned, to_dense, coalesce, new, as_subclass,
):  # fmt: skip
    _METHODS[_function.__name__] = _function

for _name in ("cholesky", "det", "inverse", "logdet", "matrix_exp", "pinverse", "qr", "slogdet", "svd"):
    _METHODS[_name] = _of_linalg(_name)

for _name, _value in _METHODS.items():
    setattr(Tensor, _name, _value)
