"""PyTorch's programming model in a small package: `import tinytensor as torch`."""

from __future__ import annotations

import math as _math

from . import _C
from ._C import *  # noqa: F403
from ._C import Size, Tensor, device, dtype  # noqa: F401

pi, e, inf, nan = _math.pi, _math.e, _math.inf, _math.nan

from . import _tensor  # noqa: E402, F401
from . import autograd, random  # noqa: E402
from ._legacy import CPU_TYPES, set_default_tensor_type  # noqa: E402, F401
from ._printing import get_printoptions, printoptions, set_printoptions  # noqa: E402, F401
from ._types_info import finfo, iinfo  # noqa: E402, F401
from ._tensor import from_dlpack, to_dlpack  # noqa: E402, F401
from .autograd import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: E402, F401
from .functional import *  # noqa: E402, F403

__version__ = "0.1.0"

globals().update(CPU_TYPES)
