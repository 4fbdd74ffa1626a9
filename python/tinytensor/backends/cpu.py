"""The CPU."""

from .. import _C

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """The instruction set that the kernels are chosen for: 'DEFAULT', 'AVX2' or 'AVX512'."""
    return {"base": "DEFAULT"}.get(_C.instruction_set(), _C.instruction_set().upper())
