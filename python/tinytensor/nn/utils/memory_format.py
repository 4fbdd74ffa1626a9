"""Weights of convolutions in another order in memory."""

from __future__ import annotations

from typing import Any

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _convert(module: Any, memory_format: Any, rank: int) -> Any:
    kinds = {f"Conv{rank}d", f"ConvTranspose{rank}d"}
    for layer in module.modules():
        if kinds & {cls.__name__ for cls in type(layer).__mro__}:
            layer.weight.data = layer.weight.detach().clone().contiguous(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Give the weights of all 2-D convolutions of a tree a memory format."""
    return _convert(module, memory_format, 2)


def convert_conv3d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Give the weights of all 3-D convolutions of a tree a memory format."""
    return _convert(module, memory_format, 3)
