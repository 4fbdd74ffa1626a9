"""Runs one program with the module under test and with PyTorch, and compares all it returns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import util


def _plain(value: Any) -> Any:
    """Tensors as arrays, containers of them likewise, other things as they are."""
    if hasattr(value, "detach"):
        value = value.detach()
        is_half = str(value.dtype) in ("torch.float16", "torch.bfloat16")
        return (
            str(value.dtype),
            tuple(value.shape),
            np.asarray((value.float() if is_half else value).numpy()),
        )
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Exception):
        return type(value).__name__
    return value


def _compare(ours: Any, theirs: Any, where: str, rtol: float, atol: float) -> None:
    if isinstance(theirs, np.ndarray):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=where)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), where
        for key in theirs:
            _compare(ours[key], theirs[key], f"{where}[{key!r}]", rtol, atol)
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), where
        for i, (mine, other) in enumerate(zip(ours, theirs)):
            _compare(mine, other, f"{where}[{i}]", rtol, atol)
    else:
        assert ours == theirs, f"{where}: {ours!r} is not {theirs!r}"


def compare(program: Callable[[Any], Any], rtol: float = 1e-5, atol: float = 1e-6, seed: int = 0) -> None:
    """Run `program(torch)` with both libraries from one seed; what it returns must be the same."""
    peer = util.find_peer()
    if peer is None:
        pytest.skip("PyTorch is not installed, or is itself under test")
    results = []
    for library in (util.torch, peer):
        library.manual_seed(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.append(_plain(program(library)))
    _compare(*results, "result", rtol, atol)


def outcome(function: Callable[[], Any]) -> Any:
    """What a call returns, or the exception that it raises."""
    try:
        return function()
    except Exception as error:
        return error


def raised(call: Callable[[], Any]) -> str:
    """The name of the exception that a call ends in."""
    try:
        call()
    except Exception as error:  # which one it is, is the result
        return type(error).__name__
    return "nothing"
