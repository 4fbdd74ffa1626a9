"""Products of matrices, and layers that are little else."""

from __future__ import annotations

from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table

TABLE = Table()


def _transposed(g: Graph, matrix: Tensor) -> str:
    return g.transpose(matrix, [*range(matrix.ndim - 2), matrix.ndim - 1, matrix.ndim - 2])


@TABLE.writes("linear")
def linear(g: Graph, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> str:
    if weight.ndim == 1:
        product = g.op("MatMul", input, weight)
        return product if bias is None else g.op("Add", product, bias)
    if input.ndim == 2:
        if bias is None and g.opset < 11:
            return g.op("MatMul", input, _transposed(g, weight))
        return g.op("Gemm", input, weight, bias, transB=1)
    product = g.op("MatMul", input, _transposed(g, weight))
    return product if bias is None else g.op("Add", product, bias)


@TABLE.writes("matmul", "mm", "bmm", "mv", "dot", "inner", "vdot")
def matmul(g: Graph, input: Any, other: Any) -> str:
    if g.operator == "inner" and (input.ndim > 1 or other.ndim > 1):
        raise g.refuse("more than one axis: use torch.matmul")
    return g.op("MatMul", input, other)


@TABLE.writes("rmatmul")
def rmatmul(g: Graph, input: Any, other: Any) -> str:
    return g.op("MatMul", other, input)


@TABLE.writes("addmm", "baddbmm", "addmv", "addbmm")
def addmm(g: Graph, input: Tensor, first: Tensor, second: Tensor, *, beta: Any = 1, alpha: Any = 1) -> str:
    if g.operator.startswith("addbmm"):
        raise g.refuse("use torch.bmm and a sum")
    product = g.op("MatMul", first, second)
    if alpha != 1:
        product = g.op("Mul", product, g.number(alpha, g.result.dtype))
    base = g.name(input) if beta == 1 else g.op("Mul", input, g.number(beta, g.result.dtype))
    return product if beta == 0 else g.op("Add", base, product)


@TABLE.writes("outer", "ger")
def outer(g: Graph, input: Tensor, vec2: Tensor) -> str:
    return g.op("Mul", g.unsqueeze(input, [1]), g.unsqueeze(vec2, [0]))


@TABLE.writes("einsum")
def einsum(g: Graph, equation: str, *operands: Any) -> str:
    if not isinstance(equation, str):
        raise g.refuse("the equation must be a string")
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else operands
    return g.op("Einsum", *tensors, equation=equation)


@TABLE.writes("bilinear")
def bilinear(g: Graph, input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> str:
    product = g.op("Einsum", input1, weight, input2, equation="...i,oij,...j->...o")
    return product if bias is None else g.op("Add", product, bias)


@TABLE.writes("cdist")
def cdist(g: Graph, x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: Any = None) -> str:
    if p not in (1, 2):
        raise g.refuse("p must be 1 or 2")
    apart = g.op("Sub", g.unsqueeze(x1, [x1.ndim - 1]), g.unsqueeze(x2, [x2.ndim - 2]))
    return g.reduce("ReduceL2" if p == 2 else "ReduceL1", apart, [g.result.ndim], False)


@TABLE.writes("embedding")
def embedding(
    g: Graph,
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> str:
    """The other arguments are about derivatives."""
    places = g.name(indices) if indices.dtype in (_C.int32, _C.int64) else g.cast(indices, _C.int64)
    return g.op("Gather", weight, places, axis=0)


@TABLE.writes("nn_embedding")
def nn_embedding(
    g: Graph,
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> str:
    if max_norm is not None:
        raise g.refuse("max_norm, which changes the weights: scale them before")
    return embedding(g, weight, input)


@TABLE.writes("embedding_bag")
def embedding_bag(
    g: Graph,
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    if input.ndim != 2 or max_norm is not None or padding_idx is not None:
        raise g.refuse("bags of equal length in rows are needed, without max_norm and padding_idx")
    rows = embedding(g, weight, input)
    if per_sample_weights is not None:
        rows = g.op("Mul", rows, g.unsqueeze(per_sample_weights, [2]))
    return g.reduce({"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax"}[mode], rows, [1], False)
