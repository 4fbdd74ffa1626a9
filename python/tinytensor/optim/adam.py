"""Adam, by Kingma and Ba (2014), with the AMSGrad variant of Reddi, Kale and Kumar (2018)."""

from __future__ import annotations

from typing import Any

from tinytensor import _C

from .optimizer import (
    GroupOptimizer,
    ParamsT,
    check_betas,
    check_fused,
    check_lr,
    check_not_negative,
    count_of_steps,
    zeros_like,
)


class Adam(GroupOptimizer):
    """p <- p - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) with running means m of the gradients
    and v of their squares; amsgrad=True takes the largest v so far. Weight decay adds weight_decay p to the
    gradient, or with decoupled_weight_decay=True shrinks p by lr weight_decay p."""

    _update = _C._adam_step
    _since_then = {
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1e-3,
        betas: tuple[float | _C.Tensor, float | _C.Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_lr(lr, foreach, capturable, tensor_needs_capturable=True)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        if isinstance(betas[0], _C.Tensor) != isinstance(betas[1], _C.Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        check_fused(fused, foreach, differentiable)
        defaults = dict(
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=decoupled_weight_decay,
        )
        super().__init__(params, defaults)

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        state["exp_avg"] = zeros_like(param)
        state["exp_avg_sq"] = zeros_like(param)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(param)
