"""Anomaly mode: an error in backward shows the forward line that recorded the failing node.

Rests on `_C._set_anomaly(enabled, check_nan)`, `_C.is_anomaly_enabled()` and
`_C.is_anomaly_check_nan_enabled()`.
"""

from __future__ import annotations

import warnings

from tinytensor import _C

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Turn anomaly mode on or off, at once; as a context manager until the end of the block. With
    `check_nan`, a NaN in a gradient is an error too.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (_C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled())
        _C._set_anomaly(mode, check_nan)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        _C._set_anomaly(*self._before)


class detect_anomaly:
    """Context manager that turns anomaly mode on. It slows every operation down: use it to find a fault."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._before = (False, True)
        warnings.warn(
            "detect_anomaly: every operation now records where it was called, which is slow; "
            "use it only to find a fault",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = (_C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled())
        _C._set_anomaly(True, self.check_nan)

    def __exit__(self, *exception: object) -> None:
        _C._set_anomaly(*self._before)
