"""Transforms of samples: of every picture in a structure, with the same draws, leaving the rest as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import tinytensor
from tinytensor import Tensor, nn

from .._forms import is_pil_image


def leaves(sample: Any) -> Iterator[Any]:
    """What is in nested tuples, lists and dicts, depth first."""
    if isinstance(sample, dict):
        sample = list(sample.values())
    if isinstance(sample, (list, tuple)):
        for part in sample:
            yield from leaves(part)
    else:
        yield sample


def rebuilt(sample: Any, results: Iterator[Any]) -> Any:
    """The structure with other leaves."""
    if isinstance(sample, dict):
        return {key: rebuilt(part, results) for key, part in sample.items()}
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*(rebuilt(part, results) for part in sample))
    if isinstance(sample, (list, tuple)):
        return type(sample)(rebuilt(part, results) for part in sample)
    return next(results)


class Transform(nn.Module):
    """Transforms the pictures among its inputs: PIL images, or where there is none, the first tensor.

    A subclass defines `transform(inpt, params)`, and `make_params(flat_inputs)` if it draws: once for a sample.
    """

    def _takes(self, inpt: Any) -> bool:
        return isinstance(inpt, Tensor) or is_pil_image(inpt)

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raise where the inputs are not what is needed."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define transform")

    def _chosen(self, flat: list[Any]) -> list[bool]:
        tensors = not any(is_pil_image(inpt) for inpt in flat)  # whether the first of them is a picture
        chosen = []
        for inpt in flat:
            takes = self._takes(inpt)
            if takes and isinstance(inpt, Tensor):
                takes, tensors = tensors, False
            chosen.append(takes)
        return chosen

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat = list(leaves(sample))
        self.check_inputs(flat)
        chosen = self._chosen(flat)
        params = self.make_params([inpt for inpt, takes in zip(flat, chosen) if takes])
        results = [self.transform(inpt, params) if takes else inpt for inpt, takes in zip(flat, chosen)]
        return rebuilt(sample, iter(results))

    def extra_repr(self) -> str:
        shown = []
        for name, value in vars(self).items():
            plain = isinstance(value, (bool, int, float, str, tuple, list, Enum))
            if plain and name != "training" and not name.startswith("_"):
                shown.append(f"{name}={value}")
        return ", ".join(shown)

    __repr__ = nn.Module.__repr__


class Classic(Transform):
    """A transform of one picture made one of samples: every picture of a sample sees the same draws."""

    _classic: type

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"state": tinytensor.get_rng_state() if len(flat_inputs) > 1 else None}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if params["state"] is not None:
            tinytensor.set_rng_state(params["state"])
        return self._classic.forward(self, inpt)


def of_classic(classic: type) -> type:
    """The transform of samples with the name and arguments of a classic one."""
    module = __name__.rpartition(".")[0]
    fields: dict[str, Any] = {"_classic": classic, "__doc__": classic.__doc__, "__module__": module}
    return type(classic.__name__, (Classic, classic), fields)


def checked_transforms(transforms: Any) -> Any:
    if not isinstance(transforms, (list, tuple, nn.ModuleList)):
        raise TypeError("Argument transforms should be a sequence of callables")
    if not len(transforms):
        raise ValueError("Pass at least one transform")
    return transforms


def applied(transforms: Iterator[Callable], inputs: tuple) -> Any:
    """One transform after the other."""
    several = len(inputs) > 1
    for transform in transforms:
        outputs = transform(*inputs)
        inputs = outputs if several else (outputs,)
    return inputs if several else inputs[0]
