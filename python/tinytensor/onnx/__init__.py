"""Programs as ONNX files, for other programs to run."""

from __future__ import annotations

from tinytensor.onnx import errors, operators
from tinytensor.onnx._export import OperatorExportTypes, TrainingMode, export
from tinytensor.onnx._program import ONNXProgram
from tinytensor.onnx.errors import OnnxExporterError

__all__ = [
    "ONNXProgram",
    "OnnxExporterError",
    "OperatorExportTypes",
    "TrainingMode",
    "errors",
    "export",
    "is_in_onnx_export",
    "operators",
]


def is_in_onnx_export() -> bool:
    """Whether this code is being exported."""
    import sys

    recording = sys.modules.get("tinytensor.onnx._recording")
    return recording is not None and recording.is_recording()
