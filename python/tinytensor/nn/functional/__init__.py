"""The layers as functions: every family has a file of its own, here are all their names."""

import typing as _typing

from ..._missing import missing as _missing
from .activation import *  # noqa: F403
from .attention import *  # noqa: F403
from .convolution import *  # noqa: F403
from .distance import *  # noqa: F403
from .dropout import *  # noqa: F403
from .linear import *  # noqa: F403
from .loss import *  # noqa: F403
from .normalization import *  # noqa: F403
from .padding import *  # noqa: F403
from .pooling import *  # noqa: F403
from .sparse import *  # noqa: F403
from .vision import *  # noqa: F403

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing(__name__)
