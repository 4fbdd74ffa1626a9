"""Operations that take functions."""

from .._missing import missing
from .associative_scan import associative_scan

__all__ = ["associative_scan"]

__getattr__ = missing(__name__)
