"""The settings of PyTorch's compiler: their names are checked, and their values kept for who asks."""

from __future__ import annotations

import contextlib
import sys
from types import ModuleType
from typing import Any

recompile_limit: int = 8
cache_size_limit: int = 8
accumulated_recompile_limit: int = 256
accumulated_cache_size_limit: int = 256
fail_on_recompile_limit_hit = False
error_on_recompile = False
capture_scalar_outputs = False
capture_dynamic_output_shape_ops = False
suppress_errors = False
verbose = False
disable = False
dynamic_shapes = True
automatic_dynamic_shapes = True
assume_static_by_default = True
specialize_int = False
specialize_float = False
force_parameter_static_shapes = True
allow_rnn = False
allow_unspec_int_on_nn_module = False
guard_nn_modules = True
inline_inbuilt_nn_modules = True
skip_fwd_side_effects_in_bwd_under_checkpoint = False
optimize_ddp: bool | str = True
compiled_autograd = False

_OLD_NAMES = {
    "cache_size_limit": "recompile_limit",
    "accumulated_cache_size_limit": "accumulated_recompile_limit",
}
_SETTINGS = {name for name, value in list(globals().items()) if isinstance(value, (bool, int))}


class patch(contextlib.ContextDecorator):
    """Other values inside a block or a function: `patch("verbose", True)`, `patch({"verbose": True})` or
    `patch(verbose=True)`.
    """

    def __init__(self, arg1: str | dict[str, Any] | None = None, arg2: Any = None, **kwargs: Any) -> None:
        self.changes = {arg1: arg2} if isinstance(arg1, str) else {**(arg1 or {}), **kwargs}
        self.before: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        module = sys.modules[__name__]
        self.before.append({name: getattr(module, name) for name in self.changes})
        for name, value in self.changes.items():
            setattr(module, name, value)

    def __exit__(self, *exception: object) -> None:
        for name, value in self.before.pop().items():
            setattr(sys.modules[__name__], name, value)


class _Settings(ModuleType):
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"torch._dynamo.config.{name} does not exist")

    def __setattr__(self, name: str, value: Any) -> None:
        # An import system sets its own.
        if name.startswith("__"):
            return super().__setattr__(name, value)
        if name not in _SETTINGS:
            raise AttributeError(f"torch._dynamo.config.{name} does not exist")
        names = {name, *(pair[1 - pair.index(name)] for pair in _OLD_NAMES.items() if name in pair)}
        for one in names:
            super().__setattr__(one, value)


sys.modules[__name__].__class__ = _Settings
