"""Writes the type stub of the core, `_C.pyi`, from the signatures that its functions carry.

python -m tinytensor._stub FILE
"""

from __future__ import annotations

import inspect
import keyword
import re
import sys
from typing import Any

from . import _C

_HEAD = '''"""The compiled core. Made by `python -m tinytensor._stub`; do not edit."""

import builtins
from collections.abc import Iterator, Sequence
from typing import Any, overload

_int = builtins.int
_float = builtins.float
_bool = builtins.bool
Number = _int | _float | _bool
'''

# What a parameter of a given name takes, where the signature does not say.
_BY_NAME = {
    "dim": "int | Sequence[int] | None",
    "dims": "int | Sequence[int] | None",
    "size": "int | Sequence[int]",
    "shape": "int | Sequence[int]",
    "sizes": "int | Sequence[int]",
    "stride": "int | Sequence[int]",
    "dtype": "dtype | None",
    "device": "device | str | int | None",
    "memory_format": "memory_format | None",
    "generator": "Generator | None",
    "layout": "layout | None",
    "out": "Any",
    "tensors": "Sequence[Tensor]",
    "value": "Tensor | Number",
}
# Operators are slots of the type, which carry no signature.
_OPERATORS = {
    "(self)": "neg pos invert abs",
    "(self, other: Any)": "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift lt le gt ge "
    "radd rsub rmul rtruediv rfloordiv rmod rpow rmatmul rand ror rxor rlshift rrshift "
    "iadd isub imul itruediv ifloordiv ipow iand ior ixor ilshift irshift",
    "(self, index: Any)": "getitem",
}
_SPECIAL = """\
    def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
    def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
    def __hash__(self) -> _int: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...
    def __len__(self) -> _int: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __contains__(self, value: Any) -> _bool: ...
    def __bool__(self) -> _bool: ...
    def __int__(self) -> _int: ...
    def __index__(self) -> _int: ...
    def __float__(self) -> _float: ..."""
_TENSORS = {"input", "other", "index", "src", "source", "mask", "mat2", "vec", "weight", "tensor1", "tensor2"}


def _split(text: str) -> list[str]:
    parts, depth, part = [], 0, ""
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += character
    return [*parts, part.strip()] if part.strip() else parts


def _annotation(name: str, default: str | None) -> str:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _TENSORS:
        return "Tensor"
    if default in ("True", "False"):
        return "bool"
    if default and re.fullmatch(r"-?\d+", default):
        return "int"
    if default and re.fullmatch(r"-?\d*\.\d*(e-?\d+)?", default):
        return "float"
    return "Any"


def _parameter(text: str, first_of_method: bool) -> str:
    if text == "*":
        return text
    star = "*" if text.startswith("*") else ""
    head, _, default = text.lstrip("*").partition("=")
    name, _, annotation = (part.strip() for part in head.partition(":"))
    if keyword.iskeyword(name):
        name += "_"
    if first_of_method:
        return "self"
    if star:
        return f"*{name}: Any"
    # The module's dtypes take the names of Python's types.
    kind = re.sub(r"\b(int|float|bool)\b", r"_\1", annotation or _annotation(name, default.strip() or None))
    kind = re.sub(r"\btuple\b(?!\[)", "Sequence[_int]", kind)
    if default.strip() == "None" and kind != "Any" and "None" not in kind:
        kind += " | None"
    annotated = f"{name}: {kind}"
    return annotated + (" = ..." if default else "")


def _definitions(function: Any, indent: str, method: bool) -> list[str]:
    lines = []
    signatures = [line for line in function.__doc__.splitlines() if re.match(r"\w+\(.*\)$", line)]
    for text in signatures:
        name, _, arguments = text.partition("(")
        parameters = [_parameter(part, method and i == 0) for i, part in enumerate(_split(arguments[:-1]))]
        if any(part.startswith("*") and part != "*" for part in parameters) and "*" in parameters:
            parameters.remove("*")
        if len(signatures) > 1:
            lines.append(f"{indent}@overload")
        lines.append(f"{indent}def {name}({', '.join(parameters)}) -> Any: ...")
    return lines


def _operators() -> list[str]:
    lines = [
        f"    def __{name}__{parameters} -> Tensor: ..."
        for parameters, names in _OPERATORS.items()
        for name in names.split()
        if hasattr(_C.Tensor, f"__{name}__")
    ]
    return [*lines, _SPECIAL]


def _python_method(name: str, function: Any) -> list[str]:
    """A method that the Python layer has added to Tensor."""
    parts: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        star = "**" if parameter.kind is parameter.VAR_KEYWORD else star
        if parameter.kind is parameter.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        default = "" if parameter.default is parameter.empty else " = ..."
        parts.append(star + parameter.name + (": Any" if parts else "") + default)
    return [f"    def {name}({', '.join(parts)}) -> Any: ..."]


def stub() -> str:
    """The text of the stub."""
    functions, classes, constants = [], [], []
    for name, value in sorted(vars(_C).items()):
        if name.startswith("__"):
            continue
        if type(value).__name__ == "OpFunction":
            functions += _definitions(value, "", False)
        elif inspect.isclass(value):
            classes.append(value)
        elif callable(value):
            functions.append(f"def {name}(*args: Any, **kwargs: Any) -> Any: ...")
        else:
            constants.append(f"{name}: {type(value).__name__}")
    lines = [_HEAD]
    for cls in classes:
        base = "(tuple[_int, ...])" if cls.__name__ == "Size" else ""
        lines.append(f"class {cls.__name__}{base}:")
        members = sorted(vars(cls).items())
        body = []
        for name, value in members:
            if type(value).__name__ == "OpMethod":
                body += _definitions(value, "    ", True)
            elif inspect.isgetsetdescriptor(value) or isinstance(value, property):
                body.append(f"    {name}: Any")
            elif inspect.isfunction(value) and not name.startswith("_"):
                body += _python_method(name, value)
        if cls is _C.Tensor:
            body += _operators()
        if hasattr(cls, "__enter__"):
            body.append("    def __enter__(self) -> Any: ...")
            body.append("    def __exit__(self, *error: Any) -> None: ...")
        body.append("    def __init__(self, *args: Any, **kwargs: Any) -> None: ...")
        body.append("    def __getattr__(self, name: str) -> Any: ...")
        lines += [*body, ""]
    return "\n".join([*lines, *constants, "", *functions, ""])


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        file.write(stub())
