"""The way from tensors to NumPy and back, and the checks of matrices."""

from __future__ import annotations

from typing import Any

import numpy

from tinytensor import _C
from tinytensor._C import Tensor


class LinAlgError(RuntimeError):
    """A matrix is singular, or not positive definite, or an iteration did not converge."""


_NAMES = {"int64": "Long", "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool"}


def check_matrices(function: str, *matrices: Tensor, square: bool = False) -> None:
    """Matrices of float32 or float64, in any number of batch dimensions."""
    for matrix in matrices:
        if not isinstance(matrix, Tensor):
            raise TypeError(f"{function}(): expected a Tensor, not {type(matrix).__name__}")
        if matrix.dim() < 2:
            raise RuntimeError(f"{function}: The input tensor A must have at least 2 dimensions.")
        name = str(matrix.dtype).rpartition(".")[2]
        if not matrix.is_floating_point():
            what = _NAMES.get(name, name)
            raise RuntimeError(
                f"{function}: Expected a floating point or complex tensor as input. Got {what}"
            )
        if name not in ("float32", "float64"):
            what = {"float16": "Half", "bfloat16": "BFloat16"}.get(name, name)
            raise RuntimeError(f"{function}: Low precision dtypes not supported. Got {what}")
        if matrix.dtype != matrices[0].dtype:
            raise RuntimeError(
                f"{function}: Expected A and B to have the same dtype, got {matrices[0].dtype} and {matrix.dtype}"
            )
        rows, columns = matrix.shape[-2:]
        if square and matrix is matrices[0] and rows != columns:
            raise RuntimeError(
                f"{function}: A must be batches of square matrices, but they are {rows} by {columns} matrices"
            )


def array(tensor: Tensor) -> numpy.ndarray:
    return tensor.detach().cpu().numpy()


def tensor_like(values: Any, model: Tensor) -> Tensor:
    """A tensor on the device and of the dtype of another one."""
    made = _C.from_numpy(numpy.asarray(values, dtype=array_type(model), order="C"))
    return made.to(model.device)


def array_type(model: Tensor) -> Any:
    return numpy.float32 if model.dtype == _C.float32 else numpy.float64


def shown_as(name: str, result: Any) -> str:
    """A named tuple with one field a line, as the results of other functions are shown."""
    fields = ",\n".join(f"{field}={value!r}" for field, value in zip(result._fields, result))
    return f"torch.return_types.{name}(\n{fields})"


def batch_element(bad: numpy.ndarray) -> str:
    """Which matrix of a batch is the first bad one, for a message."""
    return f"(Batch element {int(numpy.flatnonzero(bad)[0])}): " if bad.ndim else ""
