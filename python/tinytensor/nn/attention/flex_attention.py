"""Attention whose scores and mask are Python functions of the indices.

The functions get index tensors that broadcast against each other, [B, 1, 1, 1] to [1, 1, 1, K], so that one call covers
every score: written for one element, as PyTorch wants them, they work unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tinytensor
from tinytensor._C import Tensor

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

_DEFAULT_SPARSE_BLOCK_SIZE = 128

Mask = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _indices(*counts: int, device: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    shapes = ((-1, 1, 1, 1), (1, -1, 1, 1), (1, 1, -1, 1), (1, 1, 1, -1))
    b, h, q, k = (
        tinytensor.arange(n, device=device).view(shape) for n, shape in zip(counts, shapes, strict=True)
    )
    return b, h, q, k


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Lets every query see every key."""
    return tinytensor.ones((), dtype=tinytensor.bool)


def and_masks(*mask_mods: Mask) -> Mask:
    """What all of the masks let through."""

    def both(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        result = noop_mask(b, h, q, k)
        for mask in mask_mods:
            result = result & mask(b, h, q, k)
        return result

    return both


def or_masks(*mask_mods: Mask) -> Mask:
    """What any of the masks lets through."""

    def either(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        result = ~noop_mask(b, h, q, k)
        for mask in mask_mods:
            result = result | mask(b, h, q, k)
        return result

    return either


def create_mask(
    mod_fn: Mask, B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = None
) -> Tensor:
    """The mask as a tensor [B, H, Q_LEN, KV_LEN] of truth values; None stands for one that all share."""
    sizes = (B or 1, H or 1, Q_LEN, KV_LEN)
    return mod_fn(*_indices(*sizes, device=device)).expand(sizes).contiguous()


class BlockMask:
    """A mask that flex_attention takes: the function and the truth values it gave."""

    def __init__(self, mask: Tensor, mask_mod: Mask, block_size: tuple[int, int]) -> None:
        self.mask, self.mask_mod, self.BLOCK_SIZE = mask, mask_mod, block_size

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.mask.shape)

    @property
    def seq_lengths(self) -> tuple[int, int]:
        return self.shape[2], self.shape[3]

    def to_dense(self) -> Tensor:
        """1 for every block in which some query sees some key."""
        rows, columns = self.BLOCK_SIZE
        queries, keys = self.seq_lengths
        padded = tinytensor.nn.functional.pad(self.mask.int(), (0, -keys % columns, 0, -queries % rows))
        blocks = padded.unflatten(-1, (-1, columns)).unflatten(2, (-1, rows))
        return blocks.amax((3, 5))

    def sparsity(self) -> float:
        """Which part of the blocks, in percent, is not looked at."""
        return 100 * (1 - self.to_dense().float().mean().item())

    def to(self, device: Any) -> BlockMask:
        return BlockMask(self.mask.to(device), self.mask_mod, self.BLOCK_SIZE)

    def __repr__(self) -> str:
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%)"


def create_block_mask(
    mask_mod: Mask,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: int | tuple[int, int] = _DEFAULT_SPARSE_BLOCK_SIZE,
    _compile: bool = False,
) -> BlockMask:
    """Calls the function once for all indices. `_compile` has nothing to do here: there is no compiler."""
    size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
    return BlockMask(create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device), mask_mod, size)


class AuxRequest(NamedTuple):
    """What `flex_attention` shall tell besides its result."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What was asked for by an `AuxRequest`."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor] | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: dict[str, Any] | None = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """softmax(score_mod(q k / sqrt(E))) v over [B, H, L, E]; a row that sees no key gives zeros."""
    if return_lse and return_aux is not None:
        raise ValueError("flex_attention: return_aux takes the place of return_lse, got both")
    if return_aux is not None and return_aux.max_scores:
        raise NotImplementedError("flex_attention: max_scores are not kept")
    if kernel_options:
        raise NotImplementedError(f"flex_attention: kernel_options are not supported, got {kernel_options}")
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.dim() != 4:
            raise NotImplementedError(
                f"flex_attention: expected {name} of 4 dimensions, got shape {tuple(tensor.shape)}"
            )
    heads, key_heads = query.size(1), key.size(1)
    if heads != key_heads:
        if not enable_gqa:
            raise ValueError(
                f"flex_attention: {heads} heads of the query and {key_heads} of the key; set enable_gqa=True for groups"
            )
        key, value = (x.repeat_interleave(heads // key_heads, 1) for x in (key, value))
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.size(-1)) if scale is None else scale)
    if score_mod is not None:
        scores = score_mod(scores, *_indices(*scores.shape, device=scores.device))
    if block_mask is not None:
        queries, keys = scores.shape[2:]
        if block_mask.seq_lengths != (queries, keys):
            raise ValueError(
                f"flex_attention: block_mask was made for lengths {block_mask.seq_lengths}, got {(queries, keys)}"
            )
        scores = scores.masked_fill(~block_mask.mask, -math.inf)
    lse = scores.logsumexp(-1)
    weights = (scores - lse.masked_fill(lse == -math.inf, 0).unsqueeze(-1)).exp()
    result = weights.to(value.dtype) @ value
    if return_aux is not None:
        return result, AuxOutput(lse=lse if return_aux.lse else None)
    return (result, lse) if return_lse else result
