"""Layers, losses and containers of trainable tensors."""

from . import attention, functional, init, parallel, parameter, utils  # noqa: F401
from .modules import *  # noqa: F403
from .parallel import DataParallel  # noqa: F401
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter  # noqa: F401
