"""Names for annotations: what stands for a number, a device, a size."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, TypeAlias

from ._C import Size, Tensor, device, dtype, layout
from .storage import TypedStorage, UntypedStorage

__all__ = ["Device", "FileLike", "Number", "Storage"]

_int, _float, _bool = builtins.int, builtins.float, builtins.bool
_dtype, _device, _layout = dtype, device, layout
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]

Number: TypeAlias = int | float | bool
Device: TypeAlias = device | str | int | None
PathLike: TypeAlias = str | os.PathLike
FileLike: TypeAlias = PathLike | IO[bytes]
Storage: TypeAlias = UntypedStorage | TypedStorage
