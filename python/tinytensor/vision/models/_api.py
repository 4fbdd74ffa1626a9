"""Trained weights as enums, and the register of models by name."""

from __future__ import annotations

import fnmatch
import inspect
import os
import sys
import urllib.error
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import ModuleType
from typing import Any, get_args
from urllib.parse import urlparse

from tinytensor import hub, nn

__all__ = [
    "Weights",
    "WeightsEnum",
    "get_model",
    "get_model_builder",
    "get_model_weights",
    "get_weight",
    "list_models",
]


def _comparable(transforms: Callable) -> Any:
    if isinstance(transforms, partial):
        return transforms.func, transforms.args, transforms.keywords
    return transforms


@dataclass(eq=False)
class Weights:
    """Where weights are, how pictures are prepared for them, and facts about them."""

    url: str
    transforms: Callable
    meta: dict[str, Any]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Weights):
            return NotImplemented
        mine = (self.url, self.meta, _comparable(self.transforms))
        return mine == (other.url, other.meta, _comparable(other.transforms))

    __hash__ = None


class WeightsEnum(Enum):
    """The weights there are for one model. Every member's value is a `Weights`."""

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """The member that `obj` is or names; None stays None."""
        if obj is None or isinstance(obj, cls):
            return obj
        if not isinstance(obj, str):
            raise TypeError(
                f"Invalid Weight class provided; expected {cls.__name__} but received {type(obj).__name__}."
            )
        name = obj.removeprefix(cls.__name__ + ".")
        if name not in cls.__members__:
            raise KeyError(f"{cls.__name__} has no member {name!r}, only {', '.join(cls.__members__)}")
        return cls[name]

    def get_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The weights, downloaded unless they are in the cache; arguments as hub.load_state_dict_from_url."""
        try:
            return hub.load_state_dict_from_url(self.url, *args, **kwargs)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            folder = os.path.join(hub.get_dir(), "checkpoints")
            path = os.path.join(folder, os.path.basename(urlparse(self.url).path))
            raise urllib.error.URLError(
                f"{self!r}: {self.url} cannot be downloaded ({error}); put the file at {path}, "
                "or give its path as weights="
            ) from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self._name_}"

    @property
    def url(self) -> str:
        return self.value.url

    @property
    def transforms(self) -> Callable:
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        return self.value.meta


def get_weight(name: str) -> WeightsEnum:
    """The weights with a full name, such as 'ResNet50_Weights.IMAGENET1K_V1'."""
    enum_name, dot, member = name.partition(".")
    if not dot or "." in member:
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    models = sys.modules[__package__]
    packages = [
        value for value in vars(models).values() if inspect.ismodule(value) and hasattr(value, "__path__")
    ]
    for home in (models, *packages):
        found = vars(home).get(enum_name)
        if inspect.isclass(found) and issubclass(found, WeightsEnum):
            return found.verify(member)
    raise ValueError(f"get_weight: there is no weight enum '{enum_name}'")


def get_model_weights(name: Callable | str) -> type[WeightsEnum]:
    """The enum of the weights of a model, given by its name or its function."""
    build = get_model_builder(name) if isinstance(name, str) else name
    parameter = inspect.signature(build, eval_str=True).parameters.get("weights")
    if parameter is None:
        raise ValueError(f"get_model_weights: {build.__name__} has no argument 'weights'")
    for candidate in (parameter.annotation, *get_args(parameter.annotation)):
        if inspect.isclass(candidate) and issubclass(candidate, WeightsEnum):
            return candidate
    raise ValueError(
        f"get_model_weights: the annotation of 'weights' of {build.__name__} names no WeightsEnum"
    )


# ---------------------------------------------------------------- models by name

BUILTIN_MODELS: dict[str, Callable[..., nn.Module]] = {}


def register_model(name: str | None = None) -> Callable[[Callable], Callable]:
    """A decorator that makes a function known to get_model and list_models, under its own or another name."""

    def register(build: Callable) -> Callable:
        key = build.__name__ if name is None else name
        if key in BUILTIN_MODELS:
            raise ValueError(f"An entry is already registered under the name '{key}'.")
        BUILTIN_MODELS[key] = build
        return build

    return register


def _matching(names: set[str], patterns: Iterable[str] | str | None) -> set[str]:
    wanted = [patterns] if isinstance(patterns, str) else list(patterns or ())
    return {name for pattern in wanted for name in fnmatch.filter(names, pattern)}


def list_models(
    module: ModuleType | None = None,
    include: Iterable[str] | str | None = None,
    exclude: Iterable[str] | str | None = None,
) -> list[str]:
    """The names of the models of a module, or of all; `include` and `exclude` are shell patterns."""
    names = {
        name
        for name, build in BUILTIN_MODELS.items()
        if module is None or build.__module__.rpartition(".")[0] == module.__name__
    }
    chosen = _matching(names, include) if include else names
    return sorted(chosen - _matching(names, exclude))


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """The function that makes the model with a name."""
    found = BUILTIN_MODELS.get(name.lower())
    if found is None:
        raise ValueError(f"Unknown model {name.lower()}")
    return found


def get_model(name: str, **config: Any) -> nn.Module:
    """The model with a name, made with these arguments."""
    return get_model_builder(name)(**config)
