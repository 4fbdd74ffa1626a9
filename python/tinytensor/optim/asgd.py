"""Averaged stochastic gradient descent, by Polyak and Juditsky (1992)."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import _C

from .optimizer import (
    GroupOptimizer,
    ParamsT,
    check_lr,
    check_not_negative,
    count_of_steps,
    counting_dtype,
    zeros_like,
)


class ASGD(GroupOptimizer):
    """p <- (1 - lambd eta) p - eta g with eta = lr / (1 + lambd lr t)^alpha; state["ax"] is the average of
    the parameter since step t0."""

    _update = _C._asgd_step

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("weight_decay value", weight_decay)
        defaults = dict(
            lr=lr,
            lambd=lambd,
            alpha=alpha,
            t0=t0,
            weight_decay=weight_decay,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
            capturable=capturable,
        )
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for kept in self.state.values():
            for name in ("eta", "mu"):
                if name in kept and not isinstance(kept[name], _C.Tensor):
                    kept[name] = tinytensor.tensor(kept[name], dtype=counting_dtype())

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        state["eta"] = tinytensor.as_tensor(group["lr"], dtype=counting_dtype()).clone().detach()
        state["mu"] = tinytensor.ones((), dtype=counting_dtype())
        state["ax"] = zeros_like(param)
