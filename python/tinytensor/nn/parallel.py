"""Modules on several devices, as far as one process with one device goes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from tinytensor import _C, distributed
from tinytensor._C import Tensor
from tinytensor.nn.modules.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "gather", "scatter"]


def _device_index(device: Any) -> int:
    if isinstance(device, int):
        return device
    device = _C.device(device)
    return 0 if device.index is None else device.index


class DataParallel(Module):
    """Runs `module`, the whole batch on one device. Names in a state_dict start with "module."."""

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise NotImplementedError(
                f"DataParallel: a batch cannot be split over the devices {list(device_ids)}"
            )
        self.module = module
        self.dim = dim
        self.device_ids = [_device_index(device) for device in device_ids or ()]
        self.output_device = self.device_ids[0] if self.device_ids else None
        if output_device is not None and _device_index(output_device) != self.output_device:
            raise NotImplementedError(
                f"DataParallel: results cannot be collected on another device, {output_device}"
            )
        if self.device_ids:
            self.module.to(_C.device("cuda", self.device_ids[0]))

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """A module whose gradients are the mean over all processes of a group, which is one process: they stay as they
    are. Names in a state_dict start with "module.". The arguments besides `device_ids` say how to exchange gradients.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        super().__init__()
        distributed.get_world_size(process_group)
        if not any(parameter.requires_grad for parameter in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that requires a "
                "gradient."
            )
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError("device_ids can only be None or contain a single element.")
        self.module = module
        self.dim = dim
        self.device_ids = None if not device_ids else [_device_index(device) for device in device_ids]
        self.output_device = output_device
        self.process_group = process_group
        self.require_backward_grad_sync = True

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Context manager: gradients are not exchanged after backward."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict | None = None,
) -> Any:
    """Run a module once as DataParallel does."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return DataParallel(module, device_ids, output_device, dim)(*inputs, **(module_kwargs or {}))


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> list:
    """Cut the tensors in `inputs`, also in containers, into one part per device; repeat other things."""
    devices = list(target_gpus)
    if isinstance(inputs, Tensor):
        parts = inputs.chunk(len(devices), dim)
        return [part.to(device) for part, device in zip(parts, devices)]
    if isinstance(inputs, tuple) and hasattr(inputs, "_fields"):
        return [type(inputs)(*part) for part in zip(*(scatter(x, devices, dim) for x in inputs))]
    if isinstance(inputs, tuple) and inputs:
        return list(zip(*(scatter(x, devices, dim) for x in inputs)))
    if isinstance(inputs, list) and inputs:
        return [list(part) for part in zip(*(scatter(x, devices, dim) for x in inputs))]
    if isinstance(inputs, dict) and inputs:
        parts = zip(*(scatter(x, devices, dim) for x in inputs.values()))
        return [type(inputs)(zip(inputs, part)) for part in parts]
    return [inputs for _ in devices]


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """Put the parts that `scatter` made, or what was computed from them, together on one device."""
    first = outputs[0]
    if isinstance(first, Tensor):
        parts = [x.reshape(1) if x.dim() == 0 else x for x in outputs]
        return _C.cat([part.to(target_device) for part in parts], dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(len(first) != len(x) for x in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((key, gather([x[key] for x in outputs], target_device, dim)) for key in first)
    parts = [gather(list(part), target_device, dim) for part in zip(*outputs)]
    return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
