"""Adam for sparse gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinytensor
from tinytensor import _C

from .optimizer import Optimizer, ParamsT, check_betas, check_lr


class SparseAdam(Optimizer):
    """Adam that touches only those elements of which a sparse gradient speaks. Gradients here are always
    dense, and a step over dense gradients is an error, as in PyTorch."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | _C.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_lr(lr)
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, maximize=maximize))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with tinytensor.enable_grad():
                loss = closure()
        if any(_C._gradients(group["params"]) for group in self.param_groups):
            raise RuntimeError(
                "SparseAdam does not support dense gradients, please consider Adam instead (sparse "
                "gradients are not supported here)"
            )
        return loss
