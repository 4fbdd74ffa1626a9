"""`torch.ops`: the operators that programs define with `torch.library`, by namespace and name."""

from __future__ import annotations

from typing import Any


class _Namespace:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        from .library._operator import operators

        found = operators.get(f"{self._name}::{name}")
        if found is None:
            raise AttributeError(
                f"torch.ops.{self._name} has no operator {name!r}: there are those that torch.library defines"
            )
        return found

    def __repr__(self) -> str:
        return f"<torch.ops.{self._name}>"


class _Ops:
    def __getattr__(self, name: str) -> _Namespace:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Namespace(name)

    def __repr__(self) -> str:
        return "<torch.ops>"


ops = _Ops()
