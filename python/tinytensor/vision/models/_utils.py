"""What all models share: their arguments for weights, and the drawing of initial weights."""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Optional

from tinytensor import Tensor, nn, safetensors, serialization

from ._api import WeightsEnum, register_model

__all__ = ["IntermediateLayerGetter"]


class IntermediateLayerGetter(nn.ModuleDict):
    """The children of a model up to the last wanted one; returns what the wanted ones give, under new names.

    The children must be registered in the order in which they are used, and each must be used once.
    """

    _version = 2

    def __init__(self, model: nn.Module, return_layers: dict[str, str]) -> None:
        children = list(model.named_children())
        missing = set(return_layers) - {name for name, _ in children}
        if missing:
            raise ValueError(f"return_layers are not present in model: {sorted(missing)}")
        last = max(index for index, (name, _) in enumerate(children) if name in return_layers)
        super().__init__(OrderedDict(children[: last + 1]))
        self.return_layers = {str(layer): str(name) for layer, name in return_layers.items()}

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        found: OrderedDict[str, Tensor] = OrderedDict()
        for name, layer in self.items():
            x = layer(x)
            if name in self.return_layers:
                found[self.return_layers[name]] = x
        return found


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of `divisor` nearest to v, yet no more than a tenth below it and not under `min_value`."""
    lowest = divisor if min_value is None else min_value
    rounded = max(lowest, int(v + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * v else rounded


def initialize(net: nn.Module, convolution: Callable | None = None, linear: Callable | None = None) -> None:
    """Draw the weights of the 2-d convolutions and of the linear layers, in order, and zero their biases."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            draw = convolution
        elif isinstance(module, nn.Linear):
            draw = linear
        else:
            continue
        if draw is None:
            continue
        draw(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def fix(config: dict[str, Any], **values: Any) -> dict[str, Any]:
    """`config` with values that a model or its weights prescribe; another value there is an error."""
    for name, value in values.items():
        if config.setdefault(name, value) != value:
            raise ValueError(f"The parameter '{name}' expected value {value} but got {config[name]} instead.")
    return config


# ---------------------------------------------------------------- where weights come from


class WeightsFile:
    """A state_dict on disk in the place of published weights."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = os.path.expanduser(os.fspath(path))

    def get_state_dict(self, progress: bool = True, check_hash: bool = False) -> dict[str, Any]:
        if self.path.endswith(".safetensors"):
            return safetensors.load_file(self.path)
        return serialization.load(self.path, map_location="cpu", weights_only=True)


def _is_path(weights: Any, enum: type[WeightsEnum]) -> bool:
    if isinstance(weights, os.PathLike):
        return True
    if not isinstance(weights, str) or weights.removeprefix(enum.__name__ + ".") in enum.__members__:
        return False
    return weights.endswith((".pth", ".pt", ".safetensors")) or os.sep in weights or os.path.isfile(weights)


def chosen_weights(enum: type[WeightsEnum], weights: Any) -> WeightsEnum | WeightsFile | None:
    """What an argument `weights` means: a member of the enum, the name of one, or a file's path."""
    return WeightsFile(weights) if _is_path(weights, enum) else enum.verify(weights)


def num_classes_of(chosen: WeightsEnum | WeightsFile, config: dict[str, Any]) -> dict[str, Any]:
    """`config` with as many classes as the weights have; a file says nothing about them."""
    categories = None if isinstance(chosen, WeightsFile) else chosen.meta["categories"]
    return config if categories is None else fix(config, num_classes=len(categories))


# ---------------------------------------------------------------- arguments of a model


Legacy = WeightsEnum | None | Callable[[dict[str, Any]], WeightsEnum]


def _named(build: Callable, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """All arguments by name. Older versions took them by position."""
    names = [p.name for p in inspect.signature(build).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if len(args) > len(names):
        raise TypeError(
            f"{build.__name__}() takes at most {len(names)} positional arguments, got {len(args)}"
        )
    given = dict(zip(names, args))
    twice = given.keys() & kwargs.keys()
    if twice:
        raise TypeError(f"{build.__name__}() got multiple values for argument '{twice.pop()}'")
    warnings.warn(
        f"Using {' and '.join(map(repr, given))} as positional parameter(s) is deprecated since 0.13 and "
        f"may be removed in the future; name them: {', '.join(f'{name}=...' for name in given)}",
        stacklevel=3,
    )
    return given | kwargs


def _without_flag(build: Callable, kwargs: dict[str, Any], name: str, flag: str, first: Legacy) -> None:
    """Replace pretrained=True or weights=True by the weights of old."""
    given = kwargs.get(name)
    if flag in kwargs:
        if name in kwargs:
            raise TypeError(f"{build.__name__}: give '{name}' or '{flag}', not both")
        given = kwargs.pop(flag)
        warnings.warn(
            f"The parameter '{flag}' is deprecated since 0.13 and may be removed in the future, "
            f"please use '{name}' instead.",
            stacklevel=3,
        )
    elif not isinstance(given, bool):
        return
    legacy = first(kwargs) if callable(first) else first
    if given and legacy is None:
        raise ValueError(f"No weights available for model {build.__name__}")
    kwargs[name] = legacy if given else None
    hint = f" You can also use `{name}={type(legacy).__name__}.DEFAULT` for the best ones." if given else ""
    warnings.warn(
        f"Arguments other than a weight enum or `None` for '{name}' are deprecated since 0.13 and "
        f"may be removed in the future. This one means `{name}={kwargs[name]!r}`.{hint}",
        stacklevel=3,
    )


def legacy_arguments(**flags: tuple[str, Legacy]) -> Callable[[Callable], Callable]:
    """A decorator for arguments of older versions: `weights=("pretrained", member)` gives weights=member for
    pretrained=True. The member may be a function of the other arguments.
    """

    def decorate(build: Callable) -> Callable:
        @functools.wraps(build)
        def with_legacy(*args: Any, **kwargs: Any) -> nn.Module:
            if args:
                kwargs = _named(build, args, kwargs)
            for name, (flag, first) in flags.items():
                _without_flag(build, kwargs, name, flag, first)
            return build(**kwargs)

        return with_legacy

    return decorate


def describe(enum: type[WeightsEnum]) -> Callable[[Callable], Callable]:
    """A decorator that gives a function with the arguments of a model their description."""

    def decorate(build: Callable) -> Callable:
        build.__doc__ = (
            f"{build.__doc__}\n\n"
            f"    {build.__name__}(*, weights=None, progress=True, pretrained=False, **config)\n\n"
            f"    `weights` is a member of {enum.__name__}, its name, or the path of a state_dict;\n"
            "    `pretrained` is the old way to ask for them. `config` goes to the model's class.\n    "
        )
        keyword = inspect.Parameter.KEYWORD_ONLY
        build.__signature__ = inspect.Signature(
            [
                inspect.Parameter("weights", keyword, default=None, annotation=Optional[enum]),  # noqa: UP045
                inspect.Parameter("progress", keyword, default=True, annotation=bool),
                inspect.Parameter("config", inspect.Parameter.VAR_KEYWORD, annotation=Any),
            ]
        )
        return build

    return decorate


def model(
    enum: type[WeightsEnum],
    prepare: Callable[[Any, dict[str, Any]], dict[str, Any]] = num_classes_of,
    convert: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """A decorator that gives a function which makes a network the arguments for weights, and registers it.

    `prepare` changes the configuration when there are weights, `convert` a state_dict of an older form.
    """

    def decorate(make: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        def build(*, weights: Any = None, progress: bool = True, **config: Any) -> nn.Module:
            chosen = chosen_weights(enum, weights)
            if chosen is None:
                return make(**config)
            net = make(**prepare(chosen, config))
            state = chosen.get_state_dict(progress=progress, check_hash=True)
            net.load_state_dict(convert(state) if convert else state)
            return net

        functools.update_wrapper(build, make)
        first = enum.__members__.get("IMAGENET1K_V1")
        return register_model()(legacy_arguments(weights=("pretrained", first))(describe(enum)(build)))

    return decorate
