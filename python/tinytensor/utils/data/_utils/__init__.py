"""What a loader is made of."""

from . import channel, collate, errors, fetch, pin_memory, worker  # noqa: F401
from .errors import ExceptionWrapper, KeyErrorMessage  # noqa: F401

MP_STATUS_CHECK_INTERVAL = 5.0  # seconds that a worker is given to end by itself
