"""PyTorch's programming model in a small package: `import tinytensor as torch`."""

from __future__ import annotations

import math as _math

from . import _C
from ._C import *  # noqa: F403
from ._C import Size, Tensor, device, dtype, layout, memory_format  # noqa: F401

# The core's functions that PyTorch keeps in nn.functional, or not at all.
for _name in (
    "RemovableHandle", "elu", "elu_", "gelu", "gelu_", "hardsigmoid", "hardsigmoid_", "hardswish", "hardswish_",
    "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "linear", "logsigmoid", "mish", "mish_", "relu6", "relu6_",
    "silu", "silu_", "softmin", "softplus", "softshrink", "vector_norm",
):  # fmt: skip
    globals().pop(_name, None)

pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None

# The modules below find the package's names at call time: what they need at import time stands above.
from . import _tensor, autograd, cuda, random, special  # noqa: E402
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

globals().update(CPU_TYPES)

__version__ = "0.1.0"
