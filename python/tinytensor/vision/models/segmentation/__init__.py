"""Networks that tell a class for every pixel."""

from __future__ import annotations

from .deeplabv3 import *  # noqa: F403
from .fcn import *  # noqa: F403
from .lraspp import *  # noqa: F403
