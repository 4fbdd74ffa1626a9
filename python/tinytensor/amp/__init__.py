"""Mixed precision: ops that gain from a smaller type run in it, and the loss is scaled to keep gradients in
range."""

from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
