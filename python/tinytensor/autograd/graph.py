"""Tools on the recorded graph: its nodes, and hooks on the values it saves.

Rests on `_C.Node`, and on `_C._push_saved_tensors_hooks(pack, unpack)` with
`_C._pop_saved_tensors_hooks()`: while a pair is pushed, every value saved by this thread is replaced by
`pack(value)`, and `unpack(packed)` must give it back when backward needs it. The innermost pair counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinytensor import _C

__all__ = ["Node", "save_on_cpu", "saved_tensors_hooks"]

Node = _C.Node


class saved_tensors_hooks:
    """Context manager: values that operations inside save for backward go through `pack_hook(tensor)`, and
    what it returned goes through `unpack_hook(packed)`, which must return a tensor of the same content.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _C._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exception: object) -> None:
        _C._pop_saved_tensors_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Context manager: values saved inside are kept in the memory of the CPU, and are copied back to their
    device when backward needs them. With `pin_memory`, those of `device_type` are kept in pinned memory.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Any) -> tuple[Any, Any]:
            kept = tensor.cpu()
            if pin_memory and tensor.device.type == device_type:
                kept = kept.pin_memory()
            return tensor.device, kept

        def unpack(packed: tuple[Any, Any]) -> Any:
            device, kept = packed
            return kept.to(device, non_blocking=pin_memory)

        super().__init__(pack, unpack)
