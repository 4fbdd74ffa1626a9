"""Attention as functions."""

from __future__ import annotations

import math
import warnings
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]

scaled_dot_product_attention = _C.scaled_dot_product_attention
_linear = _C.linear


def _canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Tensor | None:
    """A mask as numbers to add to scores: -inf where a bool mask hides."""
    if mask is None:
        return None
    if mask.dtype != _C.bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. "
            "Use same type for both instead.",
            stacklevel=3,
        )
    if mask.dtype != _C.bool:
        return mask
    return _C.zeros_like(mask, dtype=target_type).masked_fill_(mask, float("-inf"))


def _dtype_of(mask: Tensor | None) -> Any:
    return None if mask is None else mask.dtype


def _check_ranks(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    heads: int,
) -> bool:
    """Whether there is a batch dimension."""
    if query.dim() not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor"
        )
    rank = query.dim()
    kind = "batched (3-D)" if rank == 3 else "unbatched (2-D)"
    if key.dim() != rank or value.dim() != rank:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {rank}-D but found {key.dim()}-D and "
            f"{value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != rank - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {rank - 1}-D but found "
            f"{key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is None:
        return rank == 3
    if attn_mask.dim() not in (2, 3):
        raise AssertionError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
            f"{attn_mask.dim()}-D tensor instead"
        )
    expected = (heads, query.shape[0], key.shape[0])
    if rank == 2 and attn_mask.dim() == 3 and tuple(attn_mask.shape) != expected:
        raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {tuple(attn_mask.shape)}")
    return rank == 3


def _projected(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values by one weight, in as few products as their being the same allows."""
    width = query.size(-1)
    if key is value:
        if query is key:
            q, k, v = _linear(query, weight, bias).chunk(3, -1)
            return q, k, v
        w_q, w_kv = weight.split([width, width * 2])
        b_q, b_kv = (None, None) if bias is None else bias.split([width, width * 2])
        k, v = _linear(key, w_kv, b_kv).chunk(2, -1)
        return _linear(query, w_q, b_q), k, v
    weights = weight.chunk(3)
    biases = (None, None, None) if bias is None else bias.chunk(3)
    q, k, v = (_linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases))
    return q, k, v


def _projected_apart(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weights: tuple[Any, Any, Any],
    bias: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    width = query.size(-1)
    for name, weight, x in zip(("q", "k", "v"), weights, (query, key, value)):
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
        expected = (width, x.size(-1))
        if tuple(weight.shape) != expected:
            raise AssertionError(
                f"expecting {name} weights shape of {expected}, but got {tuple(weight.shape)}"
            )
    biases = (None, None, None) if bias is None else bias.chunk(3)
    q, k, v = (_linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases))
    return q, k, v


def _attention_mask(mask: Tensor | None, queries: int, keys: int, batch: int, heads: int) -> Tensor | None:
    """The mask with the dimensions batch, heads, queries, keys, of which the first two may be 1."""
    if mask is None:
        return None
    if mask.dim() == 2:
        if tuple(mask.shape) != (queries, keys):
            raise RuntimeError(
                f"The shape of the 2D attn_mask is {mask.shape}, but should be {(queries, keys)}."
            )
        return mask.unsqueeze(0).unsqueeze(0)
    if mask.dim() != 3:
        raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
    expected = (batch * heads, queries, keys)
    if tuple(mask.shape) != expected:
        raise RuntimeError(f"The shape of the 3D attn_mask is {mask.shape}, but should be {expected}.")
    return mask.view(batch, heads, queries, keys)


def _with_padding(mask: Tensor | None, keys: int) -> Tensor | None:
    """A mask that shows a further key to all."""
    if mask is None or mask.size(-1) == keys:
        return mask
    return _C.cat([mask, mask.new_zeros((*mask.shape[:-1], keys - mask.size(-1)))], -1)


def _weighted(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float
) -> tuple[Tensor, Tensor]:
    """Attention that also returns its weights."""
    scores = (q * math.sqrt(1.0 / q.size(-1))).matmul(k.transpose(-2, -1))
    if mask is not None:
        if mask.dtype != scores.dtype:
            raise RuntimeError(
                f"Input dtypes must be the same, got: input {mask.dtype}, batch1: {scores.dtype}"
            )
        scores = scores + mask
    weights = scores.softmax(-1)
    if dropout_p > 0.0:
        weights = _C.dropout(weights, dropout_p, True)
    return weights.matmul(v), weights


def _merged_mask(
    attn_mask: Tensor | None, key_padding_mask: Tensor | None, batch: int, keys: int
) -> Tensor | None:
    if key_padding_mask is None:
        return attn_mask
    if tuple(key_padding_mask.shape) != (batch, keys):
        axis = 0 if key_padding_mask.shape[0] != batch else 1
        raise AssertionError(
            f"Expected key_padded_mask.shape[{axis}] to be {(batch, keys)[axis]}, but got "
            f"{key_padding_mask.shape[axis]}"
        )
    padding = key_padding_mask.view(batch, 1, 1, keys)
    return padding if attn_mask is None else attn_mask + padding


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    key_padding_mask: Tensor | None,
    need_weights: bool,
    attn_mask: Tensor | None,
    separate: tuple[Tensor | None, Tensor | None, Tensor | None] | None,
    static_k: Tensor | None,
    static_v: Tensor | None,
    average_attn_weights: bool,
    is_causal: bool,
    batch_first: bool,
    training: bool,
) -> tuple[Tensor, Tensor | None]:
    """Attention over batches [steps, batch, width], or [batch, steps, width]."""
    axis = 1 if batch_first else 0
    batch, queries, keys, width = query.size(1 - axis), query.size(axis), key.size(axis), query.size(-1)
    key_padding_mask = _canonical_mask(
        key_padding_mask, "key_padding_mask", _dtype_of(attn_mask), "attn_mask", query.dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the hint says it all
    else:
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False)
        is_causal = False
    _check_widths(query, key, value, embed_dim_to_check, num_heads, separate is not None, axis)

    if separate is not None:
        q, k, v = _projected_apart(query, key, value, separate, in_proj_bias)
    else:
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    mask = _attention_mask(attn_mask, queries, keys, batch, num_heads)
    mask = _merged_mask(mask, key_padding_mask, batch, keys)

    if bias_k is not None or bias_v is not None:
        k, v = _with_bias(k, v, bias_k, bias_v, static_k, static_v, batch, axis)

    def by_head(x: Tensor) -> Tensor:  # [batch, heads, steps, width of a head]
        return x.unflatten(-1, (num_heads, -1)).permute(*((0, 2, 1, 3) if batch_first else (1, 2, 0, 3)))

    q = by_head(q)
    k = by_head(k) if static_k is None else _static(static_k, "k", batch, num_heads, width // num_heads)
    v = by_head(v) if static_v is None else _static(static_v, "v", batch, num_heads, width // num_heads)
    if add_zero_attn:
        zero = k.new_zeros((batch, num_heads, 1, width // num_heads))
        k, v = _C.cat([k, zero], 2), _C.cat([v, zero], 2)
    mask = _with_padding(mask, k.size(2))

    weights = None
    if need_weights:
        out, weights = _weighted(q, k, v, mask, dropout_p)
        weights = weights.mean(1) if average_attn_weights else weights
    else:
        out = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    if batch_first and not training:
        return _linear(out.transpose(1, 2).flatten(2), out_proj_weight, out_proj_bias), weights
    # Step by step in memory, whatever the order of the dimensions: a dropout that follows draws as PyTorch's.
    out = _linear(out.permute(2, 0, 1, 3).flatten(2), out_proj_weight, out_proj_bias)
    return out.transpose(0, 1) if batch_first else out, weights


def _with_bias(
    k: Tensor,
    v: Tensor,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    static_k: Tensor | None,
    static_v: Tensor | None,
    batch: int,
    axis: int,
) -> tuple[Tensor, Tensor]:
    """Keys and values with one more step, which is learnt."""
    if bias_k is None or bias_v is None:
        raise AssertionError("bias_k and bias_v must both be given or both be None")
    if static_k is not None or static_v is not None:
        raise AssertionError("bias cannot be added to static key or value.")
    extra = [
        bias.transpose(0, axis).repeat(*((batch, 1, 1) if axis else (1, batch, 1)))
        for bias in (bias_k, bias_v)
    ]
    return _C.cat([k, extra[0]], axis), _C.cat([v, extra[1]], axis)


def _static(x: Tensor, name: str, batch: int, heads: int, width: int) -> Tensor:
    for dim, expected in ((0, batch * heads), (2, width)):
        if x.size(dim) != expected:
            raise AssertionError(f"expecting static_{name}.size({dim}) of {expected}, but got {x.size(dim)}")
    return x.view(batch, heads, -1, width)


def _check_widths(
    query: Tensor, key: Tensor, value: Tensor, expected: int, heads: int, separate: bool, axis: int
) -> None:
    width = query.size(-1)
    if width != expected:
        raise AssertionError(f"was expecting embedding dimension of {expected}, but got {width}")
    if width % heads != 0:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {heads}")
    if separate and key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
        )
    if not separate and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
    if not separate and key.size(-1) != width:
        raise RuntimeError(
            f"multi_head_attention_forward: key and value must have the width {width} of query, got "
            f"{key.size(-1)}"
        )
    if key.size(1 - axis) != query.size(1 - axis):
        raise RuntimeError(
            "multi_head_attention_forward: query and key differ in their batch sizes, got "
            f"{query.size(1 - axis)} and {key.size(1 - axis)}"
        )


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    _batch_first: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Project, attend in several heads, project back: the output, and the weights if they are wanted."""
    batched = _check_ranks(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        _batch_first = True
        same_kv, same = key is value, query is key
        query = query.unsqueeze(0)
        key = query if same else key.unsqueeze(0)
        value = key if same_kv else value.unsqueeze(0)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    output, weights = _attend(
        query,
        key,
        value,
        embed_dim_to_check,
        num_heads,
        in_proj_weight,
        in_proj_bias,
        bias_k,
        bias_v,
        add_zero_attn,
        dropout_p if training else 0.0,
        out_proj_weight,
        out_proj_bias,
        key_padding_mask,
        need_weights,
        attn_mask,
        separate,
        static_k,
        static_v,
        average_attn_weights,
        is_causal,
        _batch_first,
        training,
    )
    if batched:
        return output, weights
    return output.squeeze(0), None if weights is None else weights.squeeze(0)
