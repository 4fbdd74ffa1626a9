"""Adadelta, by Zeiler (2012)."""

from __future__ import annotations

from typing import Any

from tinytensor import _C

from .optimizer import GroupOptimizer, ParamsT, check_lr, check_not_negative, count_of_steps, zeros_like


class Adadelta(GroupOptimizer):
    """p <- p - lr d with d = g sqrt(a + eps) / sqrt(s + eps) and running means s of g squared and a of d
    squared."""

    _update = _C._adadelta_step

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        defaults = dict(
            lr=lr,
            rho=rho,
            eps=eps,
            weight_decay=weight_decay,
            maximize=maximize,
            capturable=capturable,
            foreach=foreach,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        state["square_avg"] = zeros_like(param)
        state["acc_delta"] = zeros_like(param)
