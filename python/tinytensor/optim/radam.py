"""RAdam, by Liu and others (2019): Adam with a rectified rate."""

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


class RAdam(GroupOptimizer):
    """Adam, whose first steps leave out the mean of squares, as long as it is of too few gradients to be
    relied upon, and whose rate is then scaled by how far it can."""

    _update = _C._radam_step
    _since_then = {
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            decoupled_weight_decay=decoupled_weight_decay,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        state["exp_avg"] = zeros_like(param)
        state["exp_avg_sq"] = zeros_like(param)
