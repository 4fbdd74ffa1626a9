"""Switches of products and of attention on CUDA devices."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .. import _settings

__all__ = [
    "enable_cudnn_sdp",
    "enable_flash_sdp",
    "enable_math_sdp",
    "enable_mem_efficient_sdp",
    "cudnn_sdp_enabled",
    "flash_sdp_enabled",
    "is_built",
    "is_flash_attention_available",
    "math_sdp_enabled",
    "matmul",
    "mem_efficient_sdp_enabled",
    "sdp_kernel",
]


class _Matmul:
    """`torch.backends.cuda.matmul`. Allowing a lower precision is all that it does: products keep the full one."""

    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False

    @property
    def allow_tf32(self) -> bool:
        return _settings.get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        _settings.set_float32_matmul_precision("high" if allowed else "highest")

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(type(self), name):
            raise AttributeError(f"Unknown attribute {name}")
        super().__setattr__(name, value)


matmul = _Matmul()

# Attention has one kernel here; which of PyTorch's may run changes only what the questions below answer.
_attention = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built() -> bool:
    """Whether the extension module for CUDA devices is part of this build; a device may still be missing."""
    from .. import cuda

    return cuda._find() is not None


def flash_sdp_enabled() -> bool:
    """Whether flash attention may be chosen."""
    return _attention["flash"]


def enable_flash_sdp(enabled: bool) -> None:
    """Allow flash attention, or not."""
    _attention["flash"] = bool(enabled)


def mem_efficient_sdp_enabled() -> bool:
    """Whether memory-efficient attention may be chosen."""
    return _attention["mem_efficient"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Allow memory-efficient attention, or not."""
    _attention["mem_efficient"] = bool(enabled)


def math_sdp_enabled() -> bool:
    """Whether attention made of plain products may be chosen."""
    return _attention["math"]


def enable_math_sdp(enabled: bool) -> None:
    """Allow attention made of plain products, or not."""
    _attention["math"] = bool(enabled)


def cudnn_sdp_enabled() -> bool:
    """Whether cuDNN's attention may be chosen."""
    return _attention["cudnn"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Allow cuDNN's attention, or not."""
    _attention["cudnn"] = bool(enabled)


def is_flash_attention_available() -> bool:
    """Whether PyTorch's flash attention is part of this build: it is not."""
    return False


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """Context manager that sets which kinds of attention may be chosen."""
    before = dict(_attention)
    _attention.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn
    )
    try:
        yield
    finally:
        _attention.update(before)
