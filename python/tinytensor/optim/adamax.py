"""Adamax, by Kingma and Ba (2014): Adam with the infinity norm."""

from __future__ import annotations

from typing import Any

from tinytensor import _C

from .optimizer import (
    GroupOptimizer,
    ParamsT,
    check_betas,
    check_lr,
    check_not_negative,
    count_of_steps,
    zeros_like,
)


class Adamax(GroupOptimizer):
    """p <- p - lr m / (1 - beta1^t) / u with a running mean m of the gradients and u <- max(beta2 u, |g| +
    eps)."""

    _update = _C._adamax_step

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        defaults = dict(
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
            capturable=capturable,
        )
        super().__init__(params, defaults)

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        state["exp_avg"] = zeros_like(param)
        state["exp_inf"] = zeros_like(param)
