"""Muon, by Jordan and others (2024): momentum made orthogonal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinytensor
from tinytensor import _C

from .optimizer import Optimizer, ParamsT, check_lr, zeros_like


def _orthogonal(
    matrix: _C.Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> _C.Tensor:
    """The nearest matrix with orthonormal rows or columns, roughly: a Newton-Schulz iteration of the odd
    polynomial a x + b x^3 + c x^5, which drives the singular values towards 1. In bfloat16, which is enough
    for that."""
    a, b, c = coefficients
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.bfloat16()
    x = x.T if tall else x
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = tinytensor.addmm(x, tinytensor.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(Optimizer):
    """p <- p - lr o with o the orthogonal matrix nearest to the momentum. For matrices only, such as the
    weights of hidden layers; other parameters go to another optimizer."""

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        for what, value in (("learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay)):
            if not 0.0 <= value:
                raise ValueError(f"{what} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        if ns_steps >= 100:
            raise ValueError(f"Muon: expected fewer than 100 ns_steps, got {ns_steps}")
        if len(ns_coefficients) != 3:
            raise ValueError(f"Muon: expected 3 ns_coefficients, got {len(ns_coefficients)}")
        defaults = dict(
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_coefficients=ns_coefficients,
            eps=eps,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        )
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{param.size()}"
                    )

    @tinytensor.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with tinytensor.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._step_one(group, param)
        return loss

    def _step_one(self, group: dict[str, Any], param: _C.Tensor) -> None:
        state = self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros_like(param)
        momentum = group["momentum"]
        mean = state["momentum_buffer"].lerp_(param.grad, 1 - momentum)
        update = param.grad.lerp(mean, momentum) if group["nesterov"] else mean
        update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = param.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * max(rows, columns) ** 0.5
        else:
            scale = max(1, rows / columns) ** 0.5
        lr = float(group["lr"])
        param.mul_(1 - lr * group["weight_decay"])
        param.add_(update.to(param.dtype), alpha=-lr * scale)
