"""Layers, losses and containers of trainable tensors."""

import typing as _typing

from .._missing import missing as _missing
from . import attention, functional, init, parallel, parameter, utils  # noqa: F401
from .modules import *  # noqa: F403
from .parallel import DataParallel  # noqa: F401
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter  # noqa: F401

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing(__name__)
