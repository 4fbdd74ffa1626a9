"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import tinytensor
from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table
from tinytensor.onnx._sizes import is_dynamic

TABLE = Table()


@TABLE.writes("scaled_dot_product_attention")
def scaled_dot_product_attention(
    g: Graph,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> str:
    """softmax(q k^T / sqrt(d) + mask) v; both factors take a square root of the scale, which keeps float16 finite."""
    if enable_gqa:
        raise g.refuse("enable_gqa: repeat the heads of key and value")
    if scale is None and is_dynamic(query.shape[-1]):
        raise g.refuse("the last axis must not be dynamic")
    factor = scale if scale is not None else 1 / math.sqrt(query.shape[-1])
    root = g.number(math.sqrt(abs(factor)), query.dtype)
    signed = g.number(math.copysign(math.sqrt(abs(factor)), factor), query.dtype)
    order = [*range(key.ndim - 2), key.ndim - 1, key.ndim - 2]
    scores = g.op("MatMul", g.op("Mul", query, signed), g.op("Mul", g.transpose(key, order), root))
    if is_causal:
        attn_mask = _causal(g, query, key)  # type: ignore[assignment]
        scores = g.op("Where", attn_mask, scores, g.number(-math.inf, query.dtype))
    elif attn_mask is not None and attn_mask.dtype == _C.bool:
        scores = g.op("Where", attn_mask, scores, g.number(-math.inf, query.dtype))
    elif attn_mask is not None:
        scores = g.op("Add", scores, g.cast(attn_mask, query.dtype))
    rank = max(query.ndim, key.ndim)
    weights = g.softmax("Softmax", scores, rank - 1, rank)
    if dropout_p:
        g.random = True
        weights = g.op("Dropout", weights, g.number(dropout_p, _C.float32), g.number(True, _C.bool))
    return g.op("MatMul", weights, value)


def _causal(g: Graph, query: Tensor, key: Tensor) -> Any:
    """True where a place may look: at itself and before."""
    rows, columns = query.shape[-2], key.shape[-2]
    if not is_dynamic(rows) and not is_dynamic(columns):
        return tinytensor.ones(rows, columns, dtype=_C.bool).tril()
    first, second = (
        g.op("Range", g.number(0, _C.int64), g.number(size, _C.int64), g.number(1, _C.int64))
        for size in (rows, columns)
    )
    return g.op("Not", g.op("Less", g.unsqueeze(first, [1]), g.unsqueeze(second, [0])))
