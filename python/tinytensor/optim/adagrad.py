"""Adagrad, by Duchi, Hazan and Singer (2011)."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import _C

from .optimizer import GroupOptimizer, ParamsT, check_fused, check_lr, check_not_negative, count_of_steps


class Adagrad(GroupOptimizer):
    """p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(sum) + eps) with the sum of all squared gradients so
    far."""

    _update = _C._adagrad_step
    _since_then = {"maximize": False, "foreach": None, "differentiable": False, "fused": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("lr_decay value", lr_decay)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("initial_accumulator_value value", initial_accumulator_value)
        check_not_negative("epsilon value", eps)
        check_fused(fused, foreach, differentiable)
        defaults = dict(
            lr=lr,
            lr_decay=lr_decay,
            eps=eps,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
            fused=fused,
        )
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self._make_state(group, param, self.state[param])

    def share_memory(self) -> None:
        """Moves the state to shared memory."""
        for state in self.state.values():
            state["sum"].share_memory_()

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        start = group["initial_accumulator_value"]
        state["sum"] = tinytensor.full_like(param, start, requires_grad=False)
