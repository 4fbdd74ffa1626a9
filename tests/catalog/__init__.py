"""The catalogue: one row per op, from which the loops of test_catalog.py make their checks."""

from . import (
    convert,
    create,
    elementwise,
    index,
    join,
    matmul,
    pairwise,
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
    view,
    join,
    index,
    scatter,
    create,
    convert,
)
OPS: list[Op] = [op for family in FAMILIES for op in family.OPS]
