"""`Variable`: what a tensor that records gradients was called before tensors did so themselves."""

from __future__ import annotations

import warnings
from typing import Any

import tinytensor

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, tinytensor.Tensor)


class Variable(metaclass=_VariableMeta):
    """Return a tensor that shares `data`'s memory but not its history. `isinstance(x, Variable)` holds for
    every tensor. Kept for old scripts: tensors do all this by themselves.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: Any = None) -> Any:
        if volatile is not None:
            warnings.warn("Variable: volatile has no effect; use `with no_grad():` instead", stacklevel=2)
        if data is None:
            return tinytensor.empty(0, requires_grad=requires_grad)
        if not isinstance(data, tinytensor.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        result = data.detach()
        return result.requires_grad_() if requires_grad else result
