"""Tensors laid out over processes, of which there are none."""

from __future__ import annotations

from typing import Any

from .._C import Tensor
from .._missing import missing

__all__ = ["DTensor"]

__getattr__ = missing(__name__)


class DTensor(Tensor):
    """A tensor of which each process of a mesh has a part. There is one process, so that no tensor is one."""

    def __new__(cls, *args: Any, **kwargs: Any) -> DTensor:
        raise NotImplementedError("DTensor: tensors lie in one process")
