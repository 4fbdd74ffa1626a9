"""Derivatives by difference quotients, to hold autograd against.

With outputs y(x) and fixed weights v, backward gives g = d(v . y)/dx. The first check compares g with central
differences of v . y; the second takes w . g as a function of x and v and compares its own gradient likewise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from catalog.row import Op, Operand, Sample
from util import dtype_name, flatten, invoke, operands, tensor_of, to_numpy, torch, transform_sample

STEP = 1e-5
RELATIVE, ABSOLUTE = 2e-5, 2e-6
LARGEST = 30  # elements of all inputs together: every one of them costs two evaluations


def is_input(leaf: Any) -> bool:
    return isinstance(leaf, Operand) and leaf.drawn and leaf.dtype == "float64"


def inputs_of(sample: Sample) -> list[np.ndarray]:
    return [o.array.copy() for o in operands(sample) if is_input(o)]


def suits(sample: Sample) -> bool:
    arrays = inputs_of(sample)
    return sample.differentiable and bool(arrays) and 0 < sum(a.size for a in arrays) <= LARGEST


class Problem:
    """One sample of one op as a function of its floating inputs, in a fixed memory layout."""

    def __init__(self, op: Op, sample: Sample, layout: str) -> None:
        self.op, self.sample, self.layout = op, sample, layout
        self.arrays = inputs_of(sample)
        random = np.random.default_rng(7)
        outputs = self.outputs(self.tensors(self.arrays, track=True))
        assert any(y.requires_grad for y in outputs), "no output requires grad"
        self.weights = [random.normal(size=tuple(y.shape)) for y in outputs]
        self.seconds = [random.normal(size=a.shape) for a in self.arrays]

    def tensors(self, arrays: list[np.ndarray], track: bool) -> list[Any]:
        made = [tensor_of(torch, Operand(a, "float64"), self.layout) for a in arrays]
        return [x.requires_grad_() for x in made] if track else made

    def outputs(self, tensors: list[Any]) -> list[Any]:
        queue = list(tensors)

        def change(leaf: Any) -> Any:
            if is_input(leaf):
                return queue.pop(0)
            return tensor_of(torch, leaf) if isinstance(leaf, Operand) else getattr(torch, leaf.name)

        results = flatten(invoke(self.op, torch, transform_sample(self.sample, change)))
        return [y for y in results if dtype_name(y) == "float64"]

    def value(self, arrays: list[np.ndarray]) -> float:
        """v . y"""
        with torch.no_grad():
            outputs = self.outputs(self.tensors(arrays, track=False))
        return sum(float((v * to_numpy(y)).sum()) for v, y in zip(self.weights, outputs, strict=True))

    def gradient(self) -> list[np.ndarray]:
        """g by backward()."""
        tensors = self.tensors(self.arrays, track=True)
        self.weighted(self.outputs(tensors), self.weights_as_tensors(self.weights, False)).backward()
        for x in tensors:
            if x.grad is not None:
                assert x.grad.dtype == x.dtype and x.grad.shape == x.shape
        return [np.zeros(tuple(x.shape)) if x.grad is None else to_numpy(x.grad) for x in tensors]

    def second(self, arrays: list[np.ndarray], weights: list[np.ndarray], track: bool) -> Any:
        """w . g(x, v); with `track`, its gradient with respect to every x and v."""
        tensors, v = self.tensors(arrays, True), self.weights_as_tensors(weights, track)
        total = self.weighted(self.outputs(tensors), v)
        found = torch.autograd.grad(total, tensors, create_graph=track, allow_unused=True)
        pairs = [(g, w) for g, w in zip(found, self.seconds, strict=True) if g is not None]
        if not track:
            return sum(float((w * to_numpy(g)).sum()) for g, w in pairs)
        result = self.weighted([g for g, _ in pairs], self.weights_as_tensors([w for _, w in pairs], False))
        if not getattr(result, "requires_grad", False):
            return [np.zeros(a.shape) for a in (*arrays, *weights)]
        found = torch.autograd.grad(result, [*tensors, *v], allow_unused=True)
        return [
            np.zeros(a.shape) if g is None else to_numpy(g)
            for g, a in zip(found, (*arrays, *weights), strict=True)
        ]

    @staticmethod
    def weights_as_tensors(weights: list[np.ndarray], track: bool) -> list[Any]:
        made = [torch.from_numpy(np.array(v)) for v in weights]
        return [v.requires_grad_() for v in made] if track else made

    @staticmethod
    def weighted(values: list[Any], weights: list[Any]) -> Any:
        return sum((y * v).sum() for y, v in zip(values, weights, strict=True))


def differences(function: Callable[[list[np.ndarray]], float], arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Central differences of a number with respect to every element."""
    arrays = [a.copy() for a in arrays]
    result = [np.zeros(a.shape) for a in arrays]
    for array, slope in zip(arrays, result, strict=True):
        for at in np.ndindex(array.shape):
            held = array[at]
            array[at] = held + STEP
            above = function(arrays)
            array[at] = held - STEP
            below = function(arrays)
            array[at] = held
            slope[at] = (above - below) / (2 * STEP)
    return result


def agree(found: list[np.ndarray], numeric: list[np.ndarray], note: Any) -> None:
    scale = max(1.0, *(float(np.abs(n).max(initial=0)) for n in numeric))
    for one, due in zip(found, numeric, strict=True):
        np.testing.assert_allclose(one, due, rtol=RELATIVE, atol=ABSOLUTE * scale, err_msg=str(note))


def check_first(op: Op, sample: Sample, layout: str) -> None:
    problem = Problem(op, sample, layout)
    agree(problem.gradient(), differences(problem.value, problem.arrays), (op.name, sample))


def check_second(op: Op, sample: Sample, layout: str) -> None:
    problem = Problem(op, sample, layout)
    count = len(problem.arrays)
    numeric = differences(
        lambda a: problem.second(a[:count], a[count:], False), problem.arrays + problem.weights
    )
    agree(problem.second(problem.arrays, problem.weights, True), numeric, (op.name, sample))
