"""Products of matrices and vectors."""

from __future__ import annotations

from collections.abc import Sequence

from tinytensor import _C
from tinytensor._C import Tensor

from ._arrays import check_matrices
from ._solve import inv

matmul = _C.matmul


def matrix_power(A: Tensor, n: int) -> Tensor:
    """The product of n times the matrix, of its inverse if n is negative."""
    if A.dim() < 2 or A.shape[-1] != A.shape[-2]:
        check_matrices("linalg.matrix_power", A, square=True)
    if n < 0:
        return matrix_power(inv(A), -n)
    if n == 0:
        return _C.eye(A.shape[-1], dtype=A.dtype, device=A.device).expand(A.shape).clone()
    half = matrix_power(A, n // 2) if n > 1 else None
    if half is None:
        return A.clone()
    return half @ half @ A if n % 2 else half @ half


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Products of vectors along a dimension."""
    return (x * y).sum(dim)


def _cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each range of factors, so that all products together need the fewest multiplications."""
    count = len(sizes) - 1
    costs = {(i, i): 0 for i in range(count)}
    splits = {}
    for length in range(1, count):
        for first in range(count - length):
            last = first + length
            costs[first, last], splits[first, last] = min(
                (costs[first, k] + costs[k + 1, last] + sizes[first] * sizes[k + 1] * sizes[last + 1], k)
                for k in range(first, last)
            )
    return splits


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of matrices in the cheapest order; the first and the last factor may be vectors."""
    factors = list(tensors)
    if len(factors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(factors)}")
    before, after = factors[0].dim() == 1, factors[-1].dim() == 1
    factors[0] = factors[0].unsqueeze(0) if before else factors[0]
    factors[-1] = factors[-1].unsqueeze(1) if after else factors[-1]
    wrong = [index for index, factor in enumerate(factors) if factor.dim() != 2]
    if wrong:
        raise RuntimeError(f"multi_dot(): tensor {wrong[0]} must be 2D but got {factors[wrong[0]].dim()}D")
    splits = _cheapest([factors[0].shape[0], *(factor.shape[1] for factor in factors)])

    def product(first: int, last: int) -> Tensor:
        if first == last:
            return factors[first]
        split = splits[first, last]
        return product(first, split) @ product(split + 1, last)

    found = product(0, len(factors) - 1)
    found = found.squeeze(-1) if after else found
    return found.squeeze(0) if before else found
