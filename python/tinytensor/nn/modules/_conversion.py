"""The part of Module that changes all its tensors: their device, dtype, place and gradients; and its mode."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.autograd.grad_mode import no_grad


def parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """The device, dtype, non_blocking and memory_format that the arguments of `to` stand for."""
    device = kwargs.pop("device", None)
    dtype = kwargs.pop("dtype", None)
    non_blocking = kwargs.pop("non_blocking", False)
    kwargs.pop("copy", None)
    memory_format = kwargs.pop("memory_format", None)
    other = kwargs.pop("tensor", kwargs.pop("other", None))
    if kwargs:
        raise TypeError(f"to() got an unexpected keyword argument '{next(iter(kwargs))}'")

    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        other = rest.pop(0)
    if other is not None:
        device, dtype = other.device, other.dtype
    if rest and isinstance(rest[0], (str, int, _C.device)) and not isinstance(rest[0], bool):
        device = rest.pop(0)
    elif len(rest) > 1 and rest[0] is None:
        rest.pop(0)
    if rest and (rest[0] is None or isinstance(rest[0], _C.dtype)):
        dtype = rest.pop(0)
    if rest and isinstance(rest[0], bool):
        non_blocking = rest.pop(0)
    # What is left can be `copy`, which has no meaning for a module.
    if len(rest) > 1 or (rest and not isinstance(rest[0], bool)):
        raise TypeError(
            "to() received an invalid combination of arguments - "
            f"got ({', '.join(type(x).__name__ for x in args)}), "
            "but expected (device, dtype, non_blocking), (dtype, non_blocking) or (tensor, non_blocking)"
        )
    return None if device is None else _C.device(device), dtype, bool(non_blocking), memory_format


class ModuleConversion:
    """Methods that go through all tensors of the tree."""

    training: bool

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """Put fn(x) in the place of each parameter, gradient and buffer x; parameters stay what they are."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            with no_grad():
                parameter.data = fn(parameter)
                if parameter.grad is not None:
                    parameter.grad = fn(parameter.grad).requires_grad_(parameter.grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def apply(self, fn: Callable[[Any], None]) -> Any:
        """Call fn(module) for every module of the tree, children first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """to(device=None, dtype=None, non_blocking=False, memory_format=None)

        Move all tensors to a device, and those with a fraction to a dtype, in place. Other forms are
        to(dtype, non_blocking=False) and to(tensor, non_blocking=False).
        """
        device, dtype, non_blocking, memory_format = parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(x: Tensor) -> Tensor:
            wanted = dtype if x.is_floating_point() else None
            if memory_format is not None and x.dim() in (4, 5):
                return x.to(device, wanted, non_blocking, memory_format=memory_format)
            return x.to(device, wanted, non_blocking)

        return self._apply(convert)

    def _to_dtype(self, dtype: Any) -> Any:
        return self._apply(lambda x: x.to(dtype) if x.is_floating_point() else x)

    def float(self) -> Any:
        """Convert the tensors that have a fraction to float32."""
        return self._to_dtype(_C.float32)

    def double(self) -> Any:
        """Convert the tensors that have a fraction to float64."""
        return self._to_dtype(_C.float64)

    def half(self) -> Any:
        """Convert the tensors that have a fraction to float16."""
        return self._to_dtype(_C.float16)

    def bfloat16(self) -> Any:
        """Convert the tensors that have a fraction to bfloat16."""
        return self._to_dtype(_C.bfloat16)

    def type(self, dst_type: Any) -> Any:
        """Convert all tensors to a dtype, given as such or by the name of a tensor type."""
        return self._apply(lambda x: x.type(dst_type))

    def cpu(self) -> Any:
        """Move all tensors to the memory of the CPU."""
        return self._apply(lambda x: x.cpu())

    def cuda(self, device: Any = None) -> Any:
        """Move all tensors to a GPU."""
        return self._apply(lambda x: x.cuda(device))

    def _to_missing(self, kind: str, device: Any) -> Any:
        return self._apply(lambda x: x.to(kind if device is None else _C.device(device)))

    def xpu(self, device: Any = None) -> Any:
        """An error: there are no such devices here."""
        return self._to_missing("xpu", device)

    def ipu(self, device: Any = None) -> Any:
        """An error: there are no such devices here."""
        return self._to_missing("ipu", device)

    def mtia(self, device: Any = None) -> Any:
        """An error: there are no such devices here."""
        return self._to_missing("mtia", device)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Move all tensors to a device without their values."""
        return self._apply(lambda x: _C.empty_like(x, device=device), recurse=recurse)

    def share_memory(self) -> Any:
        """Move all tensors to memory that other processes can see."""
        return self._apply(lambda x: x.share_memory_())

    # ---------------------------------------------------------------- mode and gradients

    def train(self, mode: bool = True) -> Any:
        """Set the mode of the tree: layers such as dropout and batch norm differ between training and use."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """The same as train(False)."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Say whether autograd records operations on the parameters of the tree."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of the parameters, or fill them with zeros."""
        if getattr(self, "_is_replica", False):
            warnings.warn("zero_grad: a replica of a module has no gradients of its own", stacklevel=2)
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
                continue
            if parameter.grad.grad_fn is not None:
                parameter.grad.detach_()
            else:
                parameter.grad.requires_grad_(False)
            parameter.grad.zero_()
