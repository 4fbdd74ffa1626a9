"""ONNX files, which need graphs of programs and are not written here."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["export", "is_in_onnx_export"]


def export(model: Any, args: Any = (), f: Any = None, **options: Any) -> NoReturn:
    """Not here: the file holds the operations of a run without their Python."""
    raise NotImplementedError("onnx.export: ONNX files are not written; save the state_dict with torch.save")


def is_in_onnx_export() -> bool:
    """Whether this code is being exported: it never is."""
    return False
