"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from tinytensor import _C
from tinytensor._C import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _check_device(parameter: Tensor, device: object) -> object:
    if device is not None and parameter.device != device:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported: "
            f"{device} and {parameter.device}"
        )
    return parameter.device


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return the values of all parameters, one after the other, as a vector that backward goes through."""
    flat, device = [], None
    for parameter in parameters:
        device = _check_device(parameter, device)
        flat.append(parameter.reshape(-1))
    return _C.cat(flat)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the parameters views of the parts of a vector."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start, device = 0, None
    for parameter in parameters:
        device = _check_device(parameter, device)
        end = start + parameter.numel()
        parameter.data = vec[start:end].view_as(parameter).data
        start = end
