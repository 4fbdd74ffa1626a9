"""The quasi-Newton method of limited memory, by Broyden, Fletcher, Goldfarb and Shanno."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tinytensor
from tinytensor import _C

from .optimizer import Optimizer, ParamsT, check_lr


class _Point(NamedTuple):
    """The function along a line: where, its value, its gradient, and its slope along the line."""

    t: float
    f: float
    g: _C.Tensor
    slope: float


def _cubic_minimum(a: _Point, b: _Point, low: float, high: float) -> float:
    """Where the cubic with the values and slopes of both points has its minimum, kept within the bounds."""
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    if a.t > b.t:
        a, b = b, a
    d2 = square**0.5
    divisor = b.slope - a.slope + 2 * d2
    if divisor == 0:
        return (low + high) / 2.0
    return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / divisor), low), high)


def _strong_wolfe(
    at: Callable[[float], _Point],
    start: _Point,
    t: float,
    reach: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[_Point, int]:
    """A point on the line where the function is low enough and flat enough, and how often it was evaluated.
    `reach` is the largest element of the direction."""

    def too_high(p: _Point) -> bool:
        return p.f > start.f + c1 * p.t * start.slope

    def flat_enough(p: _Point) -> bool:
        return abs(p.slope) <= -c2 * start.slope

    previous, point, steps = start, at(t), 0
    bracket = None
    while steps < max_ls:
        if too_high(point) or (steps > 1 and point.f >= previous.f):
            bracket = [previous, point]
        elif flat_enough(point):
            return point, steps + 1
        elif point.slope >= 0:
            bracket = [previous, point]
        if bracket:
            break
        nearest, farthest = point.t + 0.01 * (point.t - previous.t), point.t * 10
        previous, point = point, at(_cubic_minimum(previous, point, nearest, farthest))
        steps += 1
    bracket = bracket or [start, point]
    evaluations, stuck = steps + 1, False
    best = 0 if bracket[0].f <= bracket[1].f else 1
    while steps < max_ls:
        low, high = sorted(p.t for p in bracket)
        if (high - low) * reach < tolerance_change:
            break
        t = _cubic_minimum(bracket[0], bracket[1], low, high)
        margin = 0.1 * (high - low)
        if min(high - t, t - low) >= margin:
            stuck = False
        elif stuck or t >= high or t <= low:  # twice near an end of the bracket: move away from it
            t = high - margin if abs(t - high) < abs(t - low) else low + margin
            stuck = False
        else:
            stuck = True
        point = at(t)
        evaluations += 1
        steps += 1
        if too_high(point) or point.f >= bracket[best].f:
            bracket[1 - best] = point
            best = 0 if bracket[0].f <= bracket[1].f else 1
            continue
        done = flat_enough(point)
        if not done and point.slope * (bracket[1 - best].t - bracket[best].t) >= 0:
            bracket[1 - best] = bracket[best]
        bracket[best] = point
        if done:
            break
    return bracket[best], evaluations


class LBFGS(Optimizer):
    """Steps d = -H g, where the inverse H of the second derivative is estimated from the last `history_size`
    changes of parameters and gradients. `step` needs a closure, and calls it up to `max_eval` times in
    `max_iter` iterations; line_search_fn="strong_wolfe" looks along d for a good length, which is lr
    otherwise."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = dict(
            lr=lr,
            max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[_C.Tensor]:
        return self.param_groups[0]["params"]

    def _gradient(self) -> _C.Tensor:
        parts = [tinytensor.zeros_like(p) if p.grad is None else p.grad for p in self._params]
        return tinytensor.cat([part.reshape(-1) for part in parts], 0)

    def _move(self, t: float, direction: _C.Tensor) -> None:
        offset = 0
        for param in self._params:
            part = direction[offset : offset + param.numel()]
            param.add_(part.view_as(param), alpha=t)
            offset += param.numel()

    def _remember(
        self, state: dict[str, Any], change_of_gradient: _C.Tensor, step: _C.Tensor, size: int
    ) -> None:
        """One more pair for the estimate, unless the function curved downwards there."""
        curvature = float(change_of_gradient.dot(step))
        if not curvature > 1e-10:
            return
        for history in (state["old_dirs"], state["old_stps"], state["ro"]):
            if len(history) >= size:
                history.pop(0)
        state["old_dirs"].append(change_of_gradient)
        state["old_stps"].append(step)
        state["ro"].append(1.0 / curvature)
        state["H_diag"] = curvature / float(change_of_gradient.dot(change_of_gradient))

    @staticmethod
    def _direction(state: dict[str, Any], gradient: _C.Tensor) -> _C.Tensor:
        """-H g by the two-loop recursion."""
        pairs = list(zip(state["old_dirs"], state["old_stps"], state["ro"]))
        q, shares = gradient.neg(), []
        for y, s, inverse in reversed(pairs):
            shares.append(float(s.dot(q)) * inverse)
            q.add_(y, alpha=-shares[-1])
        d = q.mul(state["H_diag"])
        for (y, s, inverse), share in zip(pairs, reversed(shares)):
            d.add_(s, alpha=share - float(y.dot(d)) * inverse)
        return d

    @tinytensor.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:
        if len(self.param_groups) != 1:
            raise AssertionError(f"LBFGS: expected one param group, got {len(self.param_groups)}")
        group = self.param_groups[0]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported, got {group['line_search_fn']!r}")
        closure = tinytensor.enable_grad()(closure)
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        state["func_evals"] += 1
        point = _Point(0.0, float(first_loss), self._gradient(), 0.0)
        if not self._is_flat(point.g):
            self._iterate(closure, state, point)
        return first_loss

    def _is_flat(self, gradient: _C.Tensor) -> bool:
        return float(gradient.abs().max()) <= self.param_groups[0]["tolerance_grad"]

    def _iterate(self, closure: Callable[[], Any], state: dict[str, Any], point: _Point) -> None:
        group = self.param_groups[0]
        lr, tolerance = float(group["lr"]), group["tolerance_change"]
        evaluations = 1
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1, d=point.g.neg())
                state["t"] = min(1.0, 1.0 / float(point.g.abs().sum())) * lr
            else:
                change = point.g.sub(state["prev_flat_grad"])
                self._remember(state, change, state["d"].mul(state["t"]), group["history_size"])
                state["d"] = self._direction(state, point.g)
                state["t"] = lr
            state["prev_flat_grad"], state["prev_loss"] = point.g.clone(), point.f
            d, before = state["d"], point
            slope = float(point.g.dot(d))
            if slope > -tolerance:
                break
            last = iteration == group["max_iter"]
            if group["line_search_fn"] or not last:
                point, used = self._advance(closure, state, point._replace(t=0.0, slope=slope))
            else:
                self._move(state["t"], d)
                used = 0
            evaluations += used
            state["func_evals"] += used
            stop = last or evaluations >= group["max_eval"] or self._is_flat(point.g)
            if (
                stop
                or float(d.mul(state["t"]).abs().max()) <= tolerance
                or abs(point.f - before.f) < tolerance
            ):
                break

    def _advance(
        self, closure: Callable[[], Any], state: dict[str, Any], start: _Point
    ) -> tuple[_Point, int]:
        """Moves along d: by t, or by what the line search finds, which becomes t."""
        d = state["d"]
        if not self.param_groups[0]["line_search_fn"]:
            self._move(state["t"], d)
            return _Point(0.0, float(closure()), self._gradient(), 0.0), 1
        origin = [param.clone() for param in self._params]

        def at(t: float) -> _Point:
            self._move(t, d)
            loss, gradient = float(closure()), self._gradient()
            for param, value in zip(self._params, origin):
                param.copy_(value)
            return _Point(t, loss, gradient, float(gradient.dot(d)))

        found, used = _strong_wolfe(at, start, state["t"], float(d.abs().max()))
        state["t"] = found.t
        self._move(found.t, d)
        return found, used
