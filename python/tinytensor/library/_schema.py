"""Schemas of operators: `ns::name(Tensor x, int n=3, *, float? eps=None) -> (Tensor, Tensor)`."""

from __future__ import annotations

import ast
import collections.abc
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import tinytensor

_SCALARS: dict[Any, str] = {
    tinytensor.Tensor: "Tensor",
    int: "SymInt",
    float: "float",
    bool: "bool",
    str: "str",
    int | float | bool: "Scalar",
    tinytensor.dtype: "ScalarType",
    tinytensor.device: "Device",
}
_ACCEPTED: dict[str, Any] = {
    "Tensor": tinytensor.Tensor,
    "int": int,
    "SymInt": int,
    "float": (int, float),
    "bool": bool,
    "str": str,
    "Scalar": (int, float),
    "ScalarType": tinytensor.dtype,
    "Device": (str, tinytensor.device),
}
_ARGUMENT = re.compile(r"(\w+)(\([^)]*\))?((?:\[\d*\]|\?)*)\s+(\w+)\s*(?:=\s*(.+))?$")
REQUIRED = object()


class Argument(NamedTuple):
    """One argument. `wrappers` is what follows the type's name: `[]` a list of it, `?` that or None."""

    name: str
    type: str
    wrappers: str
    mutated: bool
    keyword_only: bool
    default: Any


def accepts(type: str, wrappers: str, value: Any) -> bool:
    if wrappers.endswith("?"):
        return value is None or accepts(type, wrappers[:-1], value)
    if wrappers.endswith("]"):
        inner = wrappers[: wrappers.rindex("[")]
        return isinstance(value, (list, tuple)) and all(accepts(type, inner, one) for one in value)
    return isinstance(value, _ACCEPTED[type])


class Schema:
    """A schema, read from its text."""

    def __init__(self, text: str) -> None:
        match = re.match(r"\s*([\w:.]*)\s*\((.*)\)\s*->\s*(.+?)\s*$", text, re.DOTALL)
        if not match:
            raise RuntimeError(f"schema: expected 'name(arguments) -> results', got {text!r}")
        self.name, self.text = match[1], text[match.start(2) - 1 :].strip()
        self.arguments: list[Argument] = []
        keyword_only = False
        for part in _split(match[2]):
            if part == "*":
                keyword_only = True
            else:
                self.arguments.append(_argument(part, keyword_only))
        result = match[3]
        self.returns = _split(result[1:-1]) if result.startswith("(") else [result]

    @property
    def mutated(self) -> set[str]:
        return {argument.name for argument in self.arguments if argument.mutated}

    def bind(self, name: str, args: Sequence, kwargs: dict[str, Any]) -> list:
        """The value of every argument, in order."""
        places = [argument for argument in self.arguments if not argument.keyword_only]
        if len(args) > len(places):
            raise RuntimeError(f"{name}(): takes {len(places)} positional arguments, got {len(args)}")
        given = {argument.name: value for argument, value in zip(places, args)}
        for key, value in kwargs.items():
            if key in given or all(argument.name != key for argument in self.arguments):
                problem = "given twice" if key in given else "not known"
                raise RuntimeError(f"{name}(): argument {key!r} is {problem}; the schema is {self.text}")
            given[key] = value
        return [self._value(name, argument, given) for argument in self.arguments]

    def _value(self, name: str, argument: Argument, given: dict[str, Any]) -> Any:
        value = given.get(argument.name, argument.default)
        if value is REQUIRED:
            raise RuntimeError(f"{name}(): missing value for argument {argument.name!r}")
        if argument.name in given and not accepts(argument.type, argument.wrappers, value):
            raise RuntimeError(
                f"{name}(): argument {argument.name!r} must be {argument.type}{argument.wrappers}, "
                f"got {type(value).__name__}"
            )
        return value


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no brackets and no quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "," and not depth:
            parts.append(text[start:i])
            start = i + 1
        else:
            depth += (character in "([") - (character in ")]")
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _argument(text: str, keyword_only: bool) -> Argument:
    match = _ARGUMENT.match(text)
    if not match or match[1] not in _ACCEPTED:
        raise RuntimeError(f"schema: cannot read the argument {text!r}; types are {', '.join(_ACCEPTED)}")
    type, alias, wrappers, name, default = match.groups()
    value = REQUIRED if default is None else _default(type, default)
    return Argument(name, type, wrappers, "!" in (alias or ""), keyword_only, value)


def _default(type: str, text: str) -> Any:
    if type == "ScalarType" and text != "None":
        return getattr(tinytensor, text)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise RuntimeError(f"schema: cannot read the default {text!r}") from None
    return tinytensor.device(value) if type == "Device" and value is not None else value


# ---------------------------------------------------------------- from a function's annotations


def _type_text(annotation: Any) -> str | None:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        rest = [one for one in inner if one is not type(None)]
        found = _type_text(typing.Union[tuple(rest)]) if len(rest) < len(inner) else None  # noqa: UP007
        return found and found + "?"
    if origin in (list, collections.abc.Sequence):
        found = _type_text(inner[0])
        return found and found + "[]"
    return None


def _default_text(value: Any) -> str:
    if isinstance(value, tinytensor.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, (str, tinytensor.device)):
        return f'"{value}"'
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    raise ValueError(f"infer_schema: a default value cannot be a {type(value).__name__}: {value!r}")


def _returns_text(annotation: Any) -> str:
    if annotation in (None, type(None)):
        return "()"
    if typing.get_origin(annotation) is tuple:
        return f"({', '.join(map(_returns_text, typing.get_args(annotation)))})"
    text = _type_text(annotation)
    if text is None or text.endswith("?"):
        raise ValueError(f"infer_schema: results cannot be of type {annotation}")
    return text


def infer_schema(
    prototype_function: Callable, /, *, mutates_args: str | Iterable[str], op_name: str | None = None
) -> str:
    """The schema that the annotations of a function tell. `mutates_args` names the arguments that it changes."""
    signature = inspect.signature(prototype_function)
    hints = typing.get_type_hints(prototype_function)
    unknown = mutates_args == "unknown"
    mutated = set() if unknown else {mutates_args} if isinstance(mutates_args, str) else set(mutates_args)
    if missing := mutated - signature.parameters.keys():
        raise ValueError(f"infer_schema: mutates_args names no arguments: {', '.join(sorted(missing))}")
    parts: list[str] = []
    marked = 0
    for name, parameter in signature.parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ValueError(f"infer_schema: {name} must be an argument that has a name of its own")
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        if name not in hints:
            raise ValueError(f"infer_schema: Parameter {name} must have a type annotation")
        text = _type_text(hints[name])
        if text is None:
            raise ValueError(f"infer_schema: Parameter {name} has unsupported type {hints[name]}")
        is_tensor = text.startswith("Tensor")
        if name in mutated and not is_tensor:
            raise ValueError(f"infer_schema: Parameter {name} is in mutates_args but is no Tensor")
        if is_tensor and (unknown or name in mutated):
            text = f"Tensor(a{marked}!)" + text.removeprefix("Tensor")
        marked += 1
        default = parameter.default
        parts.append(f"{text} {name}" + ("" if default is parameter.empty else f"={_default_text(default)}"))
    if "return" not in hints:
        raise ValueError("infer_schema: No return type annotation was provided")
    return f"{op_name or ''}({', '.join(parts)}) -> {_returns_text(hints['return'])}"
