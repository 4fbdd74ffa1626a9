"""PyTorch's programming model in a small package: `import tinytensor as torch`."""

from __future__ import annotations

import math as _math

from . import _C  # noqa: F401
from ._C import *  # noqa: F403
from ._C import Size, Tensor, device, dtype, layout, memory_format  # noqa: F401

pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None

# The modules below find the package's names at call time: what they need at import time stands above.
from . import _tensor, autograd, cuda, multiprocessing, overrides, random, special  # noqa: E402, F401
from ._legacy import CPU_TYPES, set_default_tensor_type  # noqa: E402, F401
from ._printing import set_printoptions  # noqa: E402, F401
from ._settings import (  # noqa: E402, F401
    are_deterministic_algorithms_enabled,
    get_float32_matmul_precision,
    is_deterministic_algorithms_warn_only_enabled,
    is_storage,
    is_tensor,
    set_float32_matmul_precision,
    typename,
    use_deterministic_algorithms,
)
from ._tensor import from_dlpack, to_dlpack  # noqa: E402, F401
from ._types_info import finfo, iinfo  # noqa: E402, F401
from .autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: E402, F401
from .functional import *  # noqa: E402, F403
from .random import (  # noqa: E402, F401
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .storage import NAMED_STORAGES, TypedStorage, UntypedStorage  # noqa: E402, F401

globals().update(CPU_TYPES)
globals().update(NAMED_STORAGES)

__version__ = "0.1.0"

# Packages that a program without layers never needs, imported at their first use.
_PACKAGES = {
    *(
        "_dynamo",
        "_higher_order_ops",
        "accelerator",
        "amp",
        "backends",
        "compiler",
        "cpu",
        "distributed",
        "distributions",
        "fft",
        "func",
        "fx",
        "hub",
        "jit",
        "library",
        "linalg",
        "mps",
        "nn",
    ),
    *(
        "onnx",
        "optim",
        "profiler",
        "safetensors",
        "serialization",
        "testing",
        "types",
        "utils",
        "version",
        "xpu",
    ),
}
_FUNCTIONS = {
    "GradScaler": "amp",
    "Stream": "cuda",
    "as_torch": "_as_torch",
    "autocast": "amp",
    "cholesky": "linalg._older",
    "compile": "compiler",
    "det": "linalg._older",
    "get_autocast_cpu_dtype": "amp.autocast_mode",
    "get_autocast_dtype": "amp.autocast_mode",
    "get_autocast_gpu_dtype": "amp.autocast_mode",
    "get_device_module": "accelerator",
    "inverse": "linalg._older",
    "is_autocast_cpu_enabled": "amp.autocast_mode",
    "is_autocast_enabled": "amp.autocast_mode",
    "load": "serialization",
    "logdet": "linalg._older",
    "matrix_exp": "linalg._older",
    "ops": "_ops",
    "pinverse": "linalg._older",
    "qr": "linalg._older",
    "save": "serialization",
    "set_autocast_dtype": "amp.autocast_mode",
    "set_autocast_enabled": "amp.autocast_mode",
    "slogdet": "linalg._older",
    "svd": "linalg._older",
    "vmap": "func",
}


def __getattr__(name: str):
    import importlib

    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
    if name.startswith("_foreach_"):
        return getattr(importlib.import_module(f"{__name__}._foreach"), name)
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; docs/compatibility.md tells what there is"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *_PACKAGES, *_FUNCTIONS})
