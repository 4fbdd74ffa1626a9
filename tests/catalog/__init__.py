"""The catalogue: one row per op, from which the loops of test_catalog.py make their checks."""

from . import (
    attention,
    convert,
    convolution,
    create,
    elementwise,
    index,
    join,
    loss,
    matmul,
    pairwise,
    recurrent,
    reduce,
    scan,
    scatter,
    sort,
    statistics,
    view,
)
from .row import Op

FAMILIES = (
    elementwise,
    pairwise,
    reduce,
    statistics,
    scan,
    sort,
    matmul,
    convolution,
    recurrent,
    attention,
    loss,
    view,
    join,
    index,
    scatter,
    create,
    convert,
)
OPS: list[Op] = [op for family in FAMILIES for op in family.OPS]
