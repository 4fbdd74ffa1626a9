"""Transforms of samples: of all in a structure that says what it holds, and of one plain tensor, with the same draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor.utils._pytree import tree_flatten, tree_unflatten
from tinytensor.vision.tv_tensors import Image, Video

from .._forms import is_pil_image
from .._interpolation import InterpolationMode
from .._transform import checked_fill
from ._query import check_type, has_any
from .functional import is_pure_tensor
from .functional._kernels import arguments_of, kernel_for


class Transform(nn.Module):
    """Transforms what is in a sample: a picture, or a structure of tuples, lists and dicts.

    PIL images and the tensors of `tv_tensors` are transformed each in its way. The first plain tensor counts as a picture
    where the sample has no Image, Video or PIL image; other plain tensors, numbers and texts are passed on.

    A subclass defines `transform(inpt, params)`, and `make_params(flat_inputs)` if it draws: once for a sample.
    """

    _transformed_types: tuple = (Tensor, is_pil_image)
    _functional: Callable | None = (
        None  # called with what was drawn, and with the attributes that it has parameters for
    )

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raise where the inputs are not what is needed."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        functional = type(self)._functional
        if functional is None:
            raise NotImplementedError(f"{type(self).__name__} must define transform")
        own = vars(self)
        given = {name: own[name] for name in arguments_of(functional) if name in own and name not in params}
        if "fill" in given:
            given["fill"] = self._fill_for(inpt)
        return self._call_kernel(functional, inpt, **given, **params)

    def _call_kernel(self, functional: Callable, inpt: Any, *args: Any, **kwargs: Any) -> Any:
        """The functional of the input; the input itself where it has no kernel for that."""
        kernel = kernel_for(functional, inpt)
        return inpt if kernel is None else kernel(inpt, *args, **kwargs)

    def _needs_transform_list(self, flat_inputs: list[Any]) -> list[bool]:
        needed = [check_type(inpt, self._transformed_types) for inpt in flat_inputs]
        plain = [i for i, inpt in enumerate(flat_inputs) if needed[i] and is_pure_tensor(inpt)]
        if plain and not has_any(flat_inputs, Image, Video, is_pil_image):
            del plain[0]  # which is the picture
        for i in plain:
            needed[i] = False
        return needed

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat, structure = tree_flatten(sample)
        self.check_inputs(flat)
        return sample if self._skips() else tree_unflatten(self._transformed(flat), structure)

    def _skips(self) -> bool:
        return False

    def _transformed(self, flat: list[Any]) -> list[Any]:
        needed = self._needs_transform_list(flat)
        params = self.make_params([inpt for inpt, takes in zip(flat, needed) if takes])
        return [self.transform(inpt, params) if takes else inpt for inpt, takes in zip(flat, needed)]

    # ---- values around the picture

    def _checked_fill(self, fill: Any) -> Any:
        """One for all, or by types and "others"."""
        for value in fill.values() if isinstance(fill, dict) else [fill]:
            checked_fill(value)
        return fill

    def _fill_for(self, inpt: Any) -> Any:
        if not isinstance(self.fill, dict):
            return self.fill
        if type(inpt) in self.fill:
            return self.fill[type(inpt)]
        if "others" in self.fill:
            return self.fill["others"]
        raise RuntimeError(
            f"{type(self).__name__}: fill has nothing for {type(inpt)} and nothing for 'others'"
        )

    # ---- how it shows itself

    def extra_repr(self) -> str:
        shown = []
        for name, value in vars(self).items():
            plain = isinstance(value, (bool, int, float, str, tuple, list, Enum))
            if plain and name != "training" and not name.startswith("_"):
                shown.append(f"{name}={value.value if isinstance(value, InterpolationMode) else value}")
        return ", ".join(shown)

    __repr__ = nn.Module.__repr__


def check_probability(p: float) -> float:
    if not 0.0 <= p <= 1.0:
        raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
    return p


class Sometimes(Transform):
    """With probability p."""

    p: float

    def _skips(self) -> bool:
        return bool(tinytensor.rand(1) >= check_probability(self.p))


class ByChance(Sometimes):
    """What needs no more than a probability."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = check_probability(p)


# ---------------------------------------------------------------- chains and choices


def checked_transforms(transforms: Any) -> Any:
    if not isinstance(transforms, (list, tuple, nn.ModuleList)):
        raise TypeError("Argument transforms should be a sequence of callables")
    if not len(transforms):
        raise ValueError("Pass at least one transform")
    return transforms


def applied(transforms: Iterable[Callable], inputs: tuple) -> Any:
    """One transform after the other."""
    several = len(inputs) > 1
    for transform in transforms:
        outputs = transform(*inputs)
        inputs = outputs if several else (outputs,)
    return inputs if several else inputs[0]


class Compose(Transform):
    """Several transforms of samples, one after the other."""

    def __init__(self, transforms: Any) -> None:
        super().__init__()
        self.transforms = checked_transforms(transforms)

    def forward(self, *inputs: Any) -> Any:
        return applied(self.transforms, inputs)

    def extra_repr(self) -> str:
        return "\n".join(f"    {transform}" for transform in self.transforms)


class RandomApply(Compose):
    """All of some transforms with probability p, else none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__(transforms)
        self.p = check_probability(p)

    def forward(self, *inputs: Any) -> Any:
        return applied([] if tinytensor.rand(1) >= self.p else self.transforms, inputs)


class RandomOrder(Compose):
    """All of the transforms, in random order."""

    def forward(self, *inputs: Any) -> Any:
        order = tinytensor.randperm(len(self.transforms)).tolist()
        return applied([self.transforms[i] for i in order], inputs)

    extra_repr = Transform.extra_repr


class RandomChoice(Compose):
    """One of the transforms, by weights where they are given."""

    def __init__(self, transforms: Any, p: list[float] | None = None) -> None:
        super().__init__(transforms)
        p = [1] * len(transforms) if p is None else p
        if len(p) != len(transforms):
            raise ValueError(
                f"Length of p doesn't match the number of transforms: {len(p)} != {len(transforms)}"
            )
        self.p = [weight / sum(p) for weight in p]

    def forward(self, *inputs: Any) -> Any:
        return self.transforms[int(tinytensor.multinomial(tinytensor.tensor(self.p), 1))](*inputs)

    extra_repr = Transform.extra_repr
