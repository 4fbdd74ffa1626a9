"""Linear algebra: factorizations, solutions and norms, batched and with gradients. NumPy's LAPACK computes."""

from ._arrays import LinAlgError
from ._exponential import matrix_exp
from ._factors import cholesky, cholesky_ex, eigh, eigvalsh, qr, svd, svdvals
from ._norms import cond, matrix_norm, norm, vector_norm
from ._products import matmul, matrix_power, multi_dot, vecdot
from ._solve import det, inv, inv_ex, lstsq, matrix_rank, pinv, slogdet, solve, solve_triangular

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "inv_ex",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vecdot",
    "vector_norm",
]
