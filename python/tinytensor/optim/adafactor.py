"""Adafactor, by Shazeer and Stern (2018)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinytensor
from tinytensor import _C

from .optimizer import Optimizer, ParamsT, check_lr, count_of_steps


class Adafactor(Optimizer):
    """Steps scaled by the root of an estimated mean of squares, which for a matrix is the product of a column
    and a row, so that little memory is needed; a step's root mean square is at most d, times that of the
    parameter."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = dict(
            lr=lr,
            beta2_decay=beta2_decay,
            eps=eps,
            d=d,
            weight_decay=weight_decay,
            foreach=foreach,
            maximize=maximize,
        )
        super().__init__(params, defaults)

    @tinytensor.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with tinytensor.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._step_one(group, param, self.state[param])
        return loss

    @staticmethod
    def _make_state(grad: _C.Tensor, state: dict[str, Any]) -> None:
        state["step"] = count_of_steps()
        if grad.dim() > 1:
            state["row_var"] = tinytensor.zeros_like(grad[..., :1])
            state["col_var"] = tinytensor.zeros_like(grad[..., :1, :])
        else:
            state["variance"] = tinytensor.zeros_like(grad)

    @staticmethod
    def _mean_of_squares(state: dict[str, Any], grad: _C.Tensor, take: float, eps: float) -> _C.Tensor:
        if grad.dim() < 2:
            return state["variance"].lerp_(grad * grad, take).clone()
        for name, dim in (("row_var", -1), ("col_var", -2)):
            state[name].lerp_(grad.square().mean(dim=dim, keepdim=True), take)
        estimate = state["row_var"] @ state["col_var"]
        return estimate.div_(state["row_var"].mean(dim=-2, keepdim=True).clamp_(min=eps))

    def _step_one(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        grad = -param.grad if group["maximize"] else param.grad
        if not state:
            self._make_state(grad, state)
        state["step"] += 1
        step, lr = state["step"].item(), float(group["lr"])
        eps1, eps2 = group["eps"]
        eps1 = tinytensor.finfo(param.dtype).eps if eps1 is None else eps1
        size = param.norm(2).item() / param.numel() ** 0.5
        alpha = max(eps2, size) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            param.mul_(1 - lr * group["weight_decay"])
        variance = self._mean_of_squares(state, grad, step ** group["beta2_decay"], eps1)
        update = variance.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        excess = max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * group["d"]))
        param.add_(update, alpha=-alpha / excess)
