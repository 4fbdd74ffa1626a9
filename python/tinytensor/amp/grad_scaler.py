"""A factor for the loss, so that the gradients of halves do not vanish."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from enum import Enum
from typing import Any

import tinytensor
from tinytensor import _C

__all__ = ["GradScaler", "OptState"]


class OptState(Enum):
    READY = 0
    UNSCALED = 1
    STEPPED = 2


class _PerOptimizer:
    """What happened to an optimizer since the last update."""

    def __init__(self) -> None:
        self.stage = OptState.READY
        self.found_inf: bool | None = None  # None before the gradients were looked at


class GradScaler:
    """scale(loss).backward(), then step(optimizer) and update(). A step whose gradients hold infinities or
    NaN is left out, and the factor falls to backoff_factor times what it was; after growth_interval steps
    without any it grows to growth_factor times."""

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if device not in ("cpu", "cuda"):
            raise ValueError(f"GradScaler: expected the device 'cpu' or 'cuda', got {device!r}")
        self._device = device
        if enabled and device == "cuda" and not tinytensor.cuda.is_available():
            warnings.warn("GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            enabled = False
        self._enabled = enabled
        if enabled:
            if not growth_factor > 1.0:
                raise AssertionError("The growth factor must be > 1.0.")
            if not backoff_factor < 1.0:
                raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale: Any = None  # made when the first output is scaled
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0  # steps without infinities since the factor changed
        self._per_optimizer: dict[int, _PerOptimizer] = {}

    # ---- the loop

    def scale(self, outputs: Any) -> Any:
        """The tensor, or all tensors of an iterable, times the factor."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, _C.Tensor):
            if self._scale is None:
                self._scale = tinytensor.full(
                    (), self._init_scale, dtype=tinytensor.float32, device=outputs.device
                )
            return outputs * self._scale.to(device=outputs.device)
        if not isinstance(outputs, Iterable):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        if isinstance(outputs, str):
            raise ValueError(f"outputs must be a Tensor or an iterable of Tensors, got {outputs!r}")
        scaled = map(self.scale, outputs)
        return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled

    def unscale_(self, optimizer: Any) -> None:
        """Divides the gradients of the optimizer's parameters by the factor, as before clipping them."""
        if not self._enabled:
            return
        self._check_scale("unscale_")
        state = self._state_of(optimizer)
        if state.stage is OptState.UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if state.stage is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        grads = [grad for group in optimizer.param_groups for grad in _C._gradients(group["params"])]
        if any(grad.dtype == tinytensor.float16 for grad in grads):
            raise ValueError("Attempting to unscale FP16 gradients.")
        if grads:
            state.found_inf = _C._unscale_tensors(grads, 1.0 / self._scale.item())
        state.stage = OptState.UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """optimizer.step(), unless a gradient is infinite or NaN; unscales the gradients if that was not
        done."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale("step")
        state = self._state_of(optimizer)
        if state.stage is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state.stage is OptState.READY:
            self.unscale_(optimizer)
        if state.found_inf is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if state.found_inf else optimizer.step(*args, **kwargs)
        state.stage = OptState.STEPPED
        return result

    def update(self, new_scale: float | _C.Tensor | None = None) -> None:
        """Settles the factor for the next iteration: `new_scale`, or what the steps since the last update
        say."""
        if not self._enabled:
            return
        self._check_scale("update")
        if new_scale is not None:
            if isinstance(new_scale, _C.Tensor) and (new_scale.numel() != 1 or new_scale.requires_grad):
                raise AssertionError(
                    "new_scale should be a float or a 1-element Tensor that requires no grad"
                )
            self._scale.fill_(float(new_scale))
        else:
            found = [state.found_inf for state in self._per_optimizer.values() if state.found_inf is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._follow(any(found))
        self._per_optimizer = {}

    def _follow(self, found_inf: bool) -> None:
        if found_inf:
            self._scale.mul_(self._backoff_factor)
            self._growth_tracker = 0
            return
        self._growth_tracker += 1
        if self._growth_tracker < self._growth_interval:
            return
        grown = self._scale * self._growth_factor
        if math.isfinite(grown.item()):
            self._scale.copy_(grown)
        self._growth_tracker = 0

    def _check_scale(self, method: str) -> None:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {method} but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )

    def _state_of(self, optimizer: Any) -> _PerOptimizer:
        return self._per_optimizer.setdefault(id(optimizer), _PerOptimizer())

    # ---- settings and checkpoints

    def get_scale(self) -> float:
        """The factor, or 1 when scaling is off."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The factor and how it moves; empty when scaling is off."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes what state_dict gave."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of "
                "GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]

    def __getstate__(self) -> dict[str, Any]:
        if self._per_optimizer:
            raise AssertionError(
                "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end "
                "after scaler.update()."
            )
        return {
            **self.__dict__,
            "_scale": None,
            "_init_scale": self.get_scale() if self._enabled else self._init_scale,
        }
