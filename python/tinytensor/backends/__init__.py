"""What computes here, and the switches of PyTorch's backends.

All computations are this package's own, in one way: cuDNN, MKL and oneDNN are never called, and every product
of float32 is made of float32 products. So each switch keeps its value for who asks, and allows what holds anyway.
"""

from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
