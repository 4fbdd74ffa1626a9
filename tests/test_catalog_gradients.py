"""First and second derivatives of every row, against difference quotients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradients
import pytest
from catalog.row import Op, Operand, elementwise_samples
from rows import rows, rows_with, takes_strides
from util import STAND_IN, flatten, invoke, materialise, operands, samples_of, torch, wanted

pytestmark = pytest.mark.filterwarnings("ignore")


def gradient_layouts(op: Op, order: int) -> tuple[str, ...]:
    if order > 1 and STAND_IN and "peer: second gradient" in op.tags:
        return ()
    return () if op.order < order else ("contiguous", "strided") if takes_strides(op) else ("contiguous",)


@rows_with(lambda op: gradient_layouts(op, 1), "layout")
def test_gradient(op: Op, layout: str) -> None:
    check_derivative(op, layout, gradients.check_first)


@rows_with(lambda op: gradient_layouts(op, 2), "layout")
def test_second_gradient(op: Op, layout: str) -> None:
    check_derivative(op, layout, gradients.check_second)


def check_derivative(op: Op, layout: str, derivative: Callable[..., None]) -> None:
    suited = [sample for _, sample in samples_of(op, "float64") if gradients.suits(sample)]
    assert suited, "no sample fits the derivative check"
    for sample in suited:
        matrices = any(o.array.ndim > 1 for o in operands(sample))
        derivative(op, sample, layout if layout == "contiguous" else "transposed" if matrices else "stepped")


def fits_in_place(op: Op, sample: Any) -> bool:
    target = sample.args[0]
    if not isinstance(target, Operand) or not target.drawn or "dtype" in sample.kwargs:
        return False
    due = wanted(op, sample, "float64")
    return due.shape == target.shape and due.dtype == target.dtype


def in_place(op: Op) -> Op:
    """The row with its in-place method, on a tensor that is no leaf."""
    name = op.name + "_"
    return replace(op, call=lambda torch, x, *args, **kwargs: getattr(x.clone(), name)(*args, **kwargs))


def in_place_on_view(op: Op) -> Op:
    """The row with its in-place method on a view, read through the base."""
    name = op.name + "_"

    def call(torch: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        base = x.clone()
        getattr(base.unsqueeze(0), name)(*args, **kwargs)
        return base

    return replace(op, call=call)


def is_elementwise(op: Op) -> bool:
    return op.samples is elementwise_samples or op.promotes


def in_place_targets(op: Op) -> tuple[str, ...]:
    if "i" not in op.forms or op.order < 1 or (STAND_IN and "peer: in place" in op.tags):
        return ()
    return ("self", "view") if is_elementwise(op) else ("self",)


@rows_with(in_place_targets, "target")
def test_inplace_gradient(op: Op, target: str) -> None:
    """Derivatives do not depend on where the result is written."""
    changed = in_place(op) if target == "self" else in_place_on_view(op)
    fitting = [s for _, s in samples_of(op, "float64") if gradients.suits(s) and fits_in_place(op, s)]
    assert fitting, "no sample fits in place"
    for sample in fitting:
        gradients.check_first(changed, sample, "contiguous")
        if op.order > 1:
            gradients.check_second(changed, sample, "contiguous")


def gives_no_reals(op: Op) -> bool:
    return op.result in ("bool", "int64", "truth") and "float32" in op.dtypes


@rows(gives_no_reals)
def test_not_differentiable(op: Op) -> None:
    """Results that are no real numbers do not require grad."""
    for _, sample in samples_of(op, "float32"):
        made = materialise(torch, sample)
        for x in flatten(list(made.args)):
            if x.dtype == torch.float32:
                x.requires_grad_()
        assert not any(y.requires_grad for y in flatten(invoke(op, torch, made)))
