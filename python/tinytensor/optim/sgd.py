"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from tinytensor import _C

from .optimizer import GroupOptimizer, ParamsT, check_fused, check_lr, check_not_negative, zeros_like


class SGD(GroupOptimizer):
    """p <- p - lr b with b <- momentum b + (1 - dampening) g, or p <- p - lr (g + momentum b) with
    nesterov=True. Weight decay adds weight_decay p to the gradient g; maximize=True climbs."""

    _update = _C._sgd_step
    _since_then = {
        "nesterov": False,
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "fused": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | _C.Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_fused(fused, foreach, differentiable)
        defaults = dict(
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
            foreach=foreach,
            differentiable=differentiable,
            fused=fused,
        )
        super().__init__(params, defaults)

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["momentum_buffer"] = zeros_like(param)
