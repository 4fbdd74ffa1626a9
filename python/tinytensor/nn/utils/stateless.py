"""Calling a module with other tensors in the place of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tinytensor._C import Tensor

__all__ = ["functional_call"]


def _own_tensors(module: Any) -> dict[str, Tensor]:
    """All parameters and buffers by dotted name, shared ones under each of their names."""
    tensors = dict(module.named_parameters(remove_duplicate=False))
    tensors.update(module.named_buffers(remove_duplicate=False))
    return tensors


def _with_tied(own: dict[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
    """A tensor that is given under one name is meant under all names that share it."""
    names_of: dict[int, list[str]] = {}
    for name, tensor in own.items():
        names_of.setdefault(id(tensor), []).append(name)
    complete = dict(given)
    for names in names_of.values():
        values = {id(given[name]): given[name] for name in names if name in given}
        if len(values) > 1:
            keys = sorted(name for name in names if name in given)
            raise ValueError(
                f"functional_call got multiple values for keys {keys}, which are tied. "
                "Consider using tie_weights=False"
            )
        for value in values.values():
            complete.update(dict.fromkeys(names, value))
    return complete


def _check_names(module: Any, own: dict[str, Tensor], given: dict[str, Tensor], strict: bool) -> None:
    for value in given.values():
        if not isinstance(value, Tensor):
            raise TypeError(f"{value} is not an instance of torch.Tensor")
    if not strict:
        return
    problems = []
    for kind, names in (
        ("Unexpected", [n for n in given if n not in own]),
        ("Missing", [n for n in own if n not in given]),
    ):
        if names:
            problems.append(f"{kind} key(s): {', '.join(map(repr, names))}.")
    if problems:
        listed = "\n\t".join(problems)
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t{listed}")


@contextlib.contextmanager
def _reparametrize_module(
    module: Any, given: dict[str, Tensor], *, tie_weights: bool = False, strict: bool = False
) -> Iterator[None]:
    own = _own_tensors(module)
    if tie_weights:
        given = _with_tied(own, given)
    _check_names(module, own, given, strict)
    swapped = []
    try:
        for name in given:
            if name not in own:
                continue
            path, _, last = name.rpartition(".")
            owner = module.get_submodule(path)
            members = owner._parameters if last in owner._parameters else owner._buffers
            swapped.append((members, last, members[last]))
            members[last] = given[name]
        yield
    finally:
        for members, last, tensor in reversed(swapped):
            members[last] = tensor


def functional_call(
    module: Any,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module as if its parameters and buffers were those given by dotted name; others stay its own.

    With `strict` all must be given. With `tie_weights`, tensors that are shared stay shared.
    """
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _reparametrize_module(module, parameters_and_buffers, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))
