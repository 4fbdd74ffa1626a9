"""Loops over the catalogue: every check here runs for every row that it fits."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from catalog.row import Op, Operand, S, is_float, promote
from rows import EVERY_ROW, ROWS, present, rows, rows_with, takes_strides
from util import (
    STAND_IN,
    assert_same,
    can_cast,
    find_function,
    flatten,
    form,
    invoke,
    laid_out,
    materialise,
    operands,
    samples_of,
    tensor_of,
    to_numpy,
    torch,
    transform_sample,
    usual_dtype,
    wanted,
)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("op", [pytest.param(op, id=name) for name, op in EVERY_ROW])
def test_present(op: Op) -> None:
    """An op that lacks a spelling fails here, and only here."""
    assert present(op), f"{op.name}: not every form of {op.forms!r} exists"


def check(op: Op, sample: Any, dtype: str, actual: Any, note: Any) -> None:
    assert_same(actual, wanted(op, sample, dtype), op.tolerance, op.shape_only, note)


@rows_with(lambda op: op.dtypes)
def test_values(op: Op, dtype: str) -> None:
    """Values, shape and dtype follow the reference, and the arguments are left as they were."""
    for number, sample in samples_of(op, dtype):
        made: list[tuple[Operand, Any]] = []
        actual = invoke(op, torch, materialise(torch, sample, tensors=made))
        check(op, sample, dtype, actual, (number, sample))
        for operand, tensor in made:
            np.testing.assert_array_equal(to_numpy(tensor), operand.array, err_msg="an argument was changed")


@rows_with(lambda op: (d for d in ("float32", "float64") if op.nonfinite and d in op.dtypes))
def test_nonfinite(op: Op, dtype: str) -> None:
    for sample in op.nonfinite(op.draw(dtype)):
        check(op, sample, dtype, invoke(op, torch, materialise(torch, sample)), sample)


@rows_with(lambda op: ("transposed", "stepped", "expanded") if takes_strides(op) else (), "layout")
def test_strides(op: Op, layout: str) -> None:
    dtype = usual_dtype(op)
    for number, sample in samples_of(op, dtype):
        if layout == "expanded" and any(o.separate for o in operands(sample)):
            continue
        sample = transform_sample(
            sample, lambda leaf: laid_out(leaf, layout) if isinstance(leaf, Operand) and leaf.drawn else leaf
        )
        check(op, sample, dtype, invoke(op, torch, materialise(torch, sample, layout)), (number, sample))


def spellings(op: Op) -> list[tuple[str, Callable[..., Any]]]:
    result = [(kind, form(op, kind, torch)) for kind in "fm" if kind in op.forms and not op.changes_self]
    for alias in op.aliases:
        result.append((alias, find_function(torch, alias)))
        if "m" in op.forms:
            result.append((f"Tensor.{alias}", lambda x, *a, _name=alias, **k: getattr(x, _name)(*a, **k)))
    return result


@rows(lambda op: len(op.forms) > 1 or op.aliases or op.operator)
def test_forms(op: Op) -> None:
    """Function, method, aliases and Python operator give the same."""
    dtype = usual_dtype(op)
    for number, sample in samples_of(op, dtype):
        due = wanted(op, sample, dtype)
        for spelling, call in spellings(op):
            if spelling[0] in "mT" and not isinstance(sample.args[0], Operand):
                continue
            made = materialise(torch, sample)
            assert_same(
                call(*made.args, **made.kwargs), due, op.tolerance, op.shape_only, (spelling, number, sample)
            )
        if not op.operator or sample.kwargs:
            continue
        made = materialise(torch, sample)
        symbol = getattr(operator, op.operator)
        assert_same(symbol(*made.args), due, op.tolerance, note=("operator", number, sample))
        if len(sample.args) == 2 and not isinstance(sample.args[1], Operand):
            swapped = S(sample.args[1], sample.args[0])
            made = materialise(torch, swapped)
            check(op, swapped, dtype, symbol(*made.args), ("reflected operator", number, sample))


def in_place_names(op: Op) -> list[str]:
    if "i" not in op.forms:
        return [op.name] if op.changes_self and op.forms else []
    names = [op.name + "_"]
    if hasattr(operator, f"i{op.operator.strip('_')}"):
        names.append(f"__i{op.operator.strip('_')}__")
    return names + [f"{alias}_" for alias in op.aliases if hasattr(torch.Tensor, f"{alias}_")]


@rows(lambda op: bool(in_place_names(op)))
def test_inplace(op: Op) -> None:
    """name_ changes self and nothing around it, returns self, and refuses what does not fit into self."""
    dtype = usual_dtype(op)
    for name in in_place_names(op):
        for layout in ("contiguous", "transposed", "stepped"):
            for number, sample in samples_of(op, dtype):
                note = (name, layout, number, sample)
                if not isinstance(sample.args[0], Operand) or "dtype" in sample.kwargs:
                    continue
                if not (name.startswith("__") and sample.kwargs):
                    change_in_place(op, name, sample, layout, dtype, note)


def change_in_place(op: Op, name: str, sample: Any, layout: str, dtype: str, note: Any) -> None:
    target = sample.args[0]
    buffers: list[Any] = []
    x = tensor_of(torch, target, layout, buffers)
    rest = materialise(torch, S(*sample.args[1:], **sample.kwargs))
    due = wanted(op, sample, dtype)
    if due.shape != target.shape or not can_cast(due.dtype, target.dtype):
        with pytest.raises(RuntimeError):
            getattr(x, name)(*rest.args, **rest.kwargs)
        return
    assert getattr(x, name)(*rest.args, **rest.kwargs) is x, f"{note}: self is due"
    assert_same(
        x, Operand(due.array.astype(target.array.dtype), target.dtype), op.tolerance, op.shape_only, note
    )
    for buffer, window in buffers:
        buffer[window] = 77
        assert (buffer == buffer.dtype.type(77)).all(), f"{note}: wrote outside of self"


@rows(lambda op: "v" in op.forms)
def test_view_inplace(op: Op) -> None:
    """name_ gives self the shape of the view and returns it."""
    dtype = usual_dtype(op)
    for _, sample in samples_of(op, dtype):
        made = materialise(torch, sample)
        x = made.args[0]
        assert getattr(x, op.name + "_")(*made.args[1:], **made.kwargs) is x
        check(op, sample, dtype, x, sample)


def names_dim(sample: Any) -> bool:
    return "dim" in sample.kwargs or (len(sample.args) > 1 and not isinstance(sample.args[1], bool))


@rows(lambda op: "o" in op.forms)
def test_out(op: Op) -> None:
    """out= is resized, written wherever it lies, returned, and refused when its dtype is too low."""
    dtype = usual_dtype(op)
    function = find_function(torch, op.name)
    for number, sample in samples_of(op, dtype):
        made, due, note = materialise(torch, sample), wanted(op, sample, dtype), (number, sample)
        if "out needs dim" in op.tags and not names_dim(sample):
            continue
        if isinstance(due, tuple):
            outs = tuple(torch.empty((0,), dtype=getattr(torch, one.dtype)) for one in due)
            assert_same(function(*made.args, **made.kwargs, out=outs), due, op.tolerance, note=note)
            assert_same(outs, due, op.tolerance, note=note)
            continue
        out = torch.empty((0,), dtype=getattr(torch, due.dtype))
        assert function(*made.args, **made.kwargs, out=out) is out, f"{note}: out is due"
        assert_same(out, due, op.tolerance, op.shape_only, note)
        if not (STAND_IN and "peer: out strides" in op.tags):
            fill_strided_out(op, function, made, due, note)
        if is_float(due.dtype) and "out casts" not in op.tags:
            with pytest.raises((RuntimeError, TypeError)):
                function(*made.args, **made.kwargs, out=torch.empty(due.shape, dtype=torch.int64))


def fill_strided_out(op: Op, function: Callable[..., Any], made: Any, due: Operand, note: Any) -> None:
    out = tensor_of(torch, Operand(np.zeros(due.shape, due.array.dtype), due.dtype), "stepped")
    strides = out.stride()
    function(*made.args, **made.kwargs, out=out)
    assert out.stride() == strides, f"{note}: out of the right shape was laid out anew"
    assert_same(out, due, op.tolerance, op.shape_only, note)


def refuses_recorded_out(op: Op) -> bool:
    return (
        "o" in op.forms
        and op.order > 0
        and "float32" in op.dtypes
        and not (STAND_IN and "peer: out gradient" in op.tags)
    )


@rows(refuses_recorded_out)
def test_out_has_no_gradient(op: Op) -> None:
    """out= does not record: with an argument that requires grad it is an error."""
    sample = next(s for _, s in samples_of(op, "float32") if "out needs dim" not in op.tags or names_dim(s))
    made = transform_sample(
        sample,
        lambda leaf: tensor_of(torch, leaf).requires_grad_(leaf.drawn) if isinstance(leaf, Operand) else leaf,
    )
    due = wanted(op, sample, "float32")
    outs = tuple(
        torch.empty((0,), dtype=getattr(torch, one.dtype))
        for one in (due if isinstance(due, tuple) else (due,))
    )
    with pytest.raises(RuntimeError):
        find_function(torch, op.name)(
            *made.args, **made.kwargs, out=outs if isinstance(due, tuple) else outs[0]
        )


@rows(lambda op: op.promotes)
def test_promotion(op: Op) -> None:
    """Every pair of dtypes, with tensors of dimensions, 0-dim tensors and Python numbers."""
    positive = (1, 2)
    for first in op.dtypes:
        partners = [
            Operand(np.asarray(values).astype(op.draw(d).of(1).array.dtype), d)
            for d in op.dtypes
            for values in ([1, 2, 1], 2)
        ]
        for partner in [*partners, *((True, 2, 2.5) if takes_numbers(op) else ())]:
            for shape in ((3,), ()):
                x = op.draw(first)(*shape, domain=positive)
                if refuses_pair(op, x, partner):
                    continue
                sample = S(x, partner)
                check(op, sample, first, invoke(op, torch, materialise(torch, sample)), sample)


def takes_numbers(op: Op) -> bool:
    return any(
        not isinstance(s.args[1], Operand) for _, s in samples_of(op, usual_dtype(op)) if len(s.args) > 1
    )


def refuses_pair(op: Op, x: Operand, partner: Any) -> bool:
    """Some ops have no meaning in the promoted dtype."""
    return promote([x, partner]) not in op.dtypes or (partner is True and "bool" not in op.dtypes)


@rows(lambda op: op.view)
def test_view(op: Op) -> None:
    """A view shows what is written to its base afterwards."""
    dtype = usual_dtype(op)
    for number, sample in samples_of(op, dtype):
        made: list[tuple[Operand, Any]] = []
        outputs = flatten(invoke(op, torch, materialise(torch, sample, tensors=made)))
        for _, tensor in made:
            tensor.fill_(1)
        for y in outputs:
            assert (to_numpy(y) == 1).all(), f"{number} {sample}: not a view"


def bad_cases() -> list[Any]:
    cases = []
    for name, op in ROWS:
        for number, sample in enumerate(op.bad(op.draw(usual_dtype(op))) if op.bad else ()):
            cases.append(pytest.param(op, sample, id=f"{name}-{number}"))
    return cases


@pytest.mark.parametrize(("op", "sample"), bad_cases())
def test_bad_input(op: Op, sample: Any) -> None:
    """PyTorch's exception type; our messages name the op and the values at fault."""
    with pytest.raises(sample.raises) as caught:
        invoke(op, torch, materialise(torch, sample))
    if STAND_IN:
        return
    message = str(caught.value)
    assert re.search(op.label or re.escape(op.name.strip("_")), message), f"does not name the op: {message}"
    assert re.search(sample.message, message, re.DOTALL), f"does not say {sample.message}: {message}"


@rows_with(lambda op: op.rejects)
def test_rejects(op: Op, dtype: str) -> None:
    """A dtype the op is not defined for is an error, never a silent cast."""
    _, sample = next(samples_of(op, dtype))
    with pytest.raises((RuntimeError, TypeError)):
        invoke(op, torch, materialise(torch, sample))
