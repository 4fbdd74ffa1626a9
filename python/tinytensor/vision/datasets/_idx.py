"""The idx format of MNIST: a magic number with type and rank, the sizes, the elements, all big-endian."""

from __future__ import annotations

import gzip
import os
from math import prod
from pathlib import Path

import numpy as np

import tinytensor

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> tinytensor.Tensor:
    """The tensor in an idx file, which may be compressed by gzip."""
    path = Path(path)
    try:
        content = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError) as error:
        raise RuntimeError(f"{path}: not a whole gzip file: {error}") from error
    kind, rank = (content[2], content[3]) if len(content) >= 4 else (0, 0)
    start = 4 + 4 * rank
    if content[:2] != b"\0\0" or kind not in TYPES or len(content) < start:
        raise RuntimeError(f"{path}: not an idx file: it begins with {content[:4]!r}")
    sizes = [int(size) for size in np.frombuffer(content, ">u4", rank, 4)]
    dtype = np.dtype(TYPES[kind])
    if len(content) != start + prod(sizes) * dtype.itemsize:
        raise RuntimeError(
            f"{path}: {len(content) - start} bytes of elements, {prod(sizes) * dtype.itemsize} due for {sizes}"
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(sizes)
    return tinytensor.from_numpy(array.astype(dtype.newbyteorder("=")))
