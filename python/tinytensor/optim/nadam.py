"""NAdam, by Dozat (2016): Adam with the momentum of Nesterov."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import _C

from .optimizer import (
    GroupOptimizer,
    ParamsT,
    check_betas,
    check_lr,
    check_not_negative,
    count_of_steps,
    counting_dtype,
    zeros_like,
)


class NAdam(GroupOptimizer):
    """With mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2) and the running means m and v of Adam,
    p <- p - lr ((1 - mu(t)) / (1 - mu(1) .. mu(t)) g + mu(t + 1) / (1 - mu(1) .. mu(t + 1)) m)
    / (sqrt(v / (1 - beta2^t)) + eps)."""

    _update = _C._nadam_step
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
        lr: float | _C.Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative("momentum_decay value", momentum_decay)
        defaults = dict(
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        state["mu_product"] = tinytensor.ones((), dtype=counting_dtype())
        state["exp_avg"] = zeros_like(param)
        state["exp_avg_sq"] = zeros_like(param)
