"""Rprop, by Riedmiller and Braun (1993)."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import _C

from .optimizer import GroupOptimizer, ParamsT, check_lr, count_of_steps, zeros_like


class Rprop(GroupOptimizer):
    """Steps of a size of each element's own, in the direction of the sign of the gradient. A size grows by
    the larger of `etas` while the sign stays and shrinks by the smaller one where it turns, within
    `step_sizes`."""

    _update = _C._rprop_step

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = dict(
            lr=lr,
            etas=etas,
            step_sizes=step_sizes,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
            capturable=capturable,
        )
        super().__init__(params, defaults)

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        state["prev"] = zeros_like(param)
        state["step_size"] = tinytensor.full_like(param, float(group["lr"]), requires_grad=False)
