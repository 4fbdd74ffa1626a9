"""Scaled dot-product attention beyond the catalogue, and MultiheadAttention."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from catalog.attention import attention
from util import STAND_IN, torch

from .peer import compare, raised

nn = torch.nn
F = nn.functional


def heads(torch, *shape, dtype=None, interleaved=False):
    """[batch, heads, steps, width]; interleaved: as a view of [batch, steps, heads, width]."""
    if interleaved:
        batch, count, steps, width = shape
        x = torch.randn(batch, steps, count, width, dtype=dtype).transpose(1, 2).detach()
    else:
        x = torch.randn(*shape, dtype=dtype)
    return x.requires_grad_()


# ---------------------------------------------------------------- the function


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("queries", "keys"), [(1, 1), (33, 31), (64, 64), (70, 300), (300, 70), (129, 513)], ids=str
)
def test_every_block_against_numpy(queries, keys, causal, interleaved):
    torch.manual_seed(0)
    options = {"dtype": torch.float64, "interleaved": interleaved}
    q, k, v = (
        heads(torch, 2, 4, queries, 6, **options),
        *(heads(torch, 2, 2, keys, 6, **options) for _ in "kv"),
    )
    y = F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)
    due = attention(*(x.detach().numpy() for x in (q, k, v)), is_causal=causal, enable_gqa=True)
    np.testing.assert_allclose(y.detach().numpy(), due, rtol=1e-10, atol=1e-12)
    weights = torch.randn(y.shape, dtype=y.dtype)
    fused = torch.autograd.grad((y * weights).sum(), (q, k, v))
    composed = torch.autograd.grad(
        (F.scaled_dot_product_attention(q, k, v, None, 0.0, causal, enable_gqa=True) * weights).sum(),
        (q, k, v),
        create_graph=True,
    )
    for a, b in zip(fused, composed, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-11)


def test_masks_over_several_blocks():
    """The first keys are hidden, so that the first block of keys is empty for some queries."""
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, n, 4, dtype=torch.float64, requires_grad=True) for n in (5, 600, 600))
    mask = torch.rand(5, 600) > 0.5
    mask[1, :590], mask[2, 3:], mask[3] = False, False, False
    y = F.scaled_dot_product_attention(q, k, v, mask)
    due = attention(q.detach().numpy(), k.detach().numpy(), v.detach().numpy(), mask.numpy())
    np.testing.assert_allclose(y.detach().numpy(), due, rtol=1e-10, atol=1e-12)
    assert not y[:, :, 3].any().item()
    grads = torch.autograd.grad(y.sum(), (q, k, v))
    again = torch.autograd.grad(
        F.scaled_dot_product_attention(q, k, v, mask).sum(), (q, k, v), create_graph=True
    )
    for a, b in zip(grads, again, strict=True):
        assert torch.isfinite(a).all().item()
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-11)


def test_few_long_heads_share_out_their_blocks():
    """One head with many scores takes another way through backward."""
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 1, 600, 8, dtype=torch.float64, requires_grad=True) for _ in range(3))
    weights = torch.randn(1, 1, 600, 8, dtype=torch.float64)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    alone = torch.autograd.grad((y * weights).sum(), (q, k, v))
    many = [x.detach().expand(16, 1, 600, 8).clone().requires_grad_() for x in (q, k, v)]
    y = F.scaled_dot_product_attention(*many, is_causal=True)
    for a, b in zip(alone, torch.autograd.grad((y * weights).sum(), many), strict=True):
        np.testing.assert_array_equal(a[0].numpy(), b[3].numpy())


@pytest.mark.skipif(STAND_IN, reason="our promise, not PyTorch's")
def test_threads_change_no_bit():
    torch.manual_seed(0)
    before, results = torch.get_num_threads(), []
    q, k, v = (torch.randn(3, 5, 70, 8, requires_grad=True) for _ in range(3))
    for threads in (1, 3):
        torch.set_num_threads(threads)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        results.append([x.detach().numpy() for x in (y, *torch.autograd.grad(y.sum(), (q, k, v)))])
    torch.set_num_threads(before)
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", ["none", "bool", "float", "learnt"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_values_gradients_and_layout_are_pytorchs(dtype, mask, causal):
    def program(torch):
        kind = getattr(torch, dtype)
        q, k, v = (heads(torch, 2, 3, 6, 4, dtype=kind, interleaved=True) for _ in range(3))
        attn_mask = {
            "none": None,
            "bool": torch.rand(2, 1, 6, 6) > 0.3,
            "float": torch.randn(6, 6, dtype=kind),
            "learnt": torch.randn(6, 6, dtype=kind, requires_grad=True),
        }[mask]
        if causal and attn_mask is not None:
            return None
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask, is_causal=causal)
        inputs = [q, k, v] + ([attn_mask] if mask == "learnt" else [])
        grads = torch.autograd.grad((y * torch.randn(y.shape, dtype=kind)).sum(), inputs)
        return y, y.stride() if mask != "learnt" else None, grads

    half = dtype == "bfloat16"
    compare(program, rtol=5e-2 if half else 1e-4, atol=5e-2 if half else 1e-5)


def test_dropout_draws_what_pytorch_draws():
    def program(torch):
        q, k, v = (heads(torch, 2, 3, n, 4) for n in (5, 7, 7))
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=0.4)
        return y, torch.autograd.grad(y.pow(2).sum(), (q, k, v))

    compare(program, rtol=1e-4, atol=1e-5)


def test_five_dimensions():
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 2, 4, 5, dtype=torch.float64, requires_grad=True) for _ in range(3))
    mask = torch.rand(2, 1, 1, 4, 4) > 0.3
    y = F.scaled_dot_product_attention(q, k, v, mask)
    due = attention(*(x.detach().numpy() for x in (q, k, v)), mask.numpy())
    np.testing.assert_allclose(y.detach().numpy(), due, rtol=1e-10)
    y.sum().backward()
    assert q.grad.shape == q.shape


def test_a_mask_and_causal_hide_together():
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 2, n, 3, dtype=torch.float64) for n in (4, 5, 5))
    mask = torch.rand(4, 5) > 0.3
    y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=True)
    due = attention(*(x.numpy() for x in (q, k, v)), mask.numpy(), is_causal=True)
    np.testing.assert_allclose(y.numpy(), due, rtol=1e-10, atol=1e-14)


def test_large_scores_do_not_overflow():
    q = torch.tensor([[[1e4, 0.0]]])
    k = torch.tensor([[[1e4, 0.0], [-1e4, 0.0], [1e4, 1.0]]])
    y = F.scaled_dot_product_attention(q, k, torch.tensor([[[1.0], [5.0], [3.0]]]))
    assert y.item() == 2.0
    k[0, 1, 0] = math.nan
    assert math.isnan(F.scaled_dot_product_attention(q, k, torch.ones(1, 3, 1)).item())


# ---------------------------------------------------------------- the layer

LAYERS = [
    {},
    {"batch_first": True},
    {"bias": False},
    {"kdim": 3, "vdim": 5},
    {"add_bias_kv": True, "add_zero_attn": True},
    {"add_bias_kv": True, "batch_first": True, "kdim": 3, "vdim": 3},
    {"dtype": "float64"},
]


def layer_inputs(torch, layer):
    """Three queries and four keys for a batch of two."""
    dtype = layer.out_proj.weight.dtype
    x = [
        torch.randn(n, 2, w, dtype=dtype) for n, w in ((3, layer.embed_dim), (4, layer.kdim), (4, layer.vdim))
    ]
    return [(y.transpose(0, 1).contiguous() if layer.batch_first else y).requires_grad_() for y in x]


def made(torch, options, **more):
    options = {key: getattr(torch, value) if key == "dtype" else value for key, value in options.items()}
    return torch.nn.MultiheadAttention(6, 2, **options, **more)


def multi_head_by_hand(layer, q, k, v):
    """For layers without any option, in NumPy."""
    weight, bias = (p.detach().numpy() for p in (layer.in_proj_weight, layer.in_proj_bias))
    parts = [x @ w.T + b for x, w, b in zip((q, k, v), np.split(weight, 3), np.split(bias, 3), strict=True)]
    by_head = [x.reshape(*x.shape[:2], 2, 3).transpose(1, 2, 0, 3) for x in parts]
    out = attention(*by_head).transpose(2, 0, 1, 3).reshape(q.shape)
    return out @ layer.out_proj.weight.detach().numpy().T + layer.out_proj.bias.detach().numpy()


@pytest.mark.parametrize("need_weights", [True, False])
def test_layer_against_numpy(need_weights):
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(6, 2, dtype=torch.float64)
    q, k, v = layer_inputs(torch, layer)
    y, weights = layer(q, k, v, need_weights=need_weights)
    due = multi_head_by_hand(layer, *(x.detach().numpy() for x in (q, k, v)))
    np.testing.assert_allclose(y.detach().numpy(), due, rtol=1e-11)
    assert (weights is not None) == need_weights
    if need_weights:
        np.testing.assert_allclose(weights.sum(-1).detach().numpy(), np.ones((2, 3)), rtol=1e-12)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_layer_is_pytorchs(options, need_weights):
    def program(torch):
        layer = made(torch, options)
        q, k, v = layer_inputs(torch, layer)
        y, weights = layer(q, k, v, need_weights=need_weights, average_attn_weights=False)
        loss = (y * torch.randn(y.shape, dtype=y.dtype)).sum()
        grads = torch.autograd.grad(loss, [q, k, v, *layer.parameters()])
        return layer.state_dict(), repr(layer), y, weights, grads

    compare(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("need_weights", [True, False])
def test_masks_are_pytorchs(need_weights):
    def program(torch):
        layer = torch.nn.MultiheadAttention(4, 2)
        x = torch.randn(3, 2, 4)
        causal = torch.nn.Transformer.generate_square_subsequent_mask(3)
        padding = torch.tensor([[False, False, True], [False, True, True]])
        masks = [
            {"attn_mask": causal},
            {"attn_mask": causal, "is_causal": True},
            {"attn_mask": causal.isinf()},
            {"attn_mask": torch.randn(4, 3, 3)},
            {"key_padding_mask": padding},
            {"key_padding_mask": padding, "attn_mask": causal.isinf()},
            {"key_padding_mask": padding, "attn_mask": causal, "is_causal": True},
            {"key_padding_mask": torch.randn(2, 3)},
        ]
        return [layer(x, x, x, need_weights=need_weights, **mask) for mask in masks]

    compare(program, rtol=1e-4, atol=1e-5)


def test_masks_reach_added_keys():
    def program(torch):
        layer = torch.nn.MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True, batch_first=True)
        x = torch.randn(2, 3, 4)
        padding = torch.tensor([[False, False, True], [False, True, True]])
        mask = torch.ones(3, 3).triu(1).bool()
        return [
            layer(x, x, x, key_padding_mask=padding, attn_mask=mask, need_weights=w) for w in (True, False)
        ]

    compare(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("need_weights", [True, False])
def test_layer_dropout_draws_what_pytorch_draws(need_weights):
    def program(torch):
        layer = torch.nn.MultiheadAttention(4, 2, dropout=0.5)
        x = torch.randn(3, 2, 4)
        torch.manual_seed(3)
        drawn = layer(x, x, x, need_weights=need_weights)
        return drawn, layer.eval()(x, x, x, need_weights=need_weights)

    compare(program, rtol=1e-4, atol=1e-5)


def test_second_derivatives_are_pytorchs():
    def program(torch):
        layer = torch.nn.MultiheadAttention(4, 2, dtype=torch.float64)
        x = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True)
        y, _ = layer(x, x, x)
        (slope,) = torch.autograd.grad(y.pow(2).sum(), x, create_graph=True)
        return torch.autograd.grad(slope.pow(2).sum(), [x, layer.in_proj_weight])

    compare(program, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("shared", ["all", "keys", "none"])
def test_shared_inputs_change_nothing(shared):
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2)
    x = torch.randn(3, 2, 4)
    q = x if shared == "all" else x.clone()
    v = x if shared != "none" else x.clone()
    y, weights = layer(q, x, v)
    due, due_weights = layer(x, x, x)
    np.testing.assert_allclose(y.detach().numpy(), due.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(weights.detach().numpy(), due_weights.detach().numpy(), atol=1e-6)


def test_unbatched_is_a_batch_of_one():
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2)
    q, k = torch.randn(3, 4), torch.randn(5, 4)
    mask = torch.zeros(5, dtype=torch.bool)
    mask[1] = True
    y, weights = layer(q, k, k, key_padding_mask=mask)
    due, due_weights = layer(*(x.unsqueeze(1) for x in (q, k, k)), key_padding_mask=mask.unsqueeze(0))
    assert y.shape == (3, 4) and weights.shape == (3, 5)
    np.testing.assert_allclose(y.detach().numpy(), due[:, 0].detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(weights.detach().numpy(), due_weights[0].detach().numpy(), atol=1e-6)


def test_function_with_static_keys_is_pytorchs():
    def program(torch):
        layer = torch.nn.MultiheadAttention(4, 2)
        x, keys, values = torch.randn(3, 2, 4), torch.randn(4, 5, 2), torch.randn(4, 5, 2)
        return torch.nn.functional.multi_head_attention_forward(
            x, x, x, 4, 2, layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0,
            layer.out_proj.weight, layer.out_proj.bias, static_k=keys, static_v=values,
        )  # fmt: skip

    compare(program, rtol=1e-4, atol=1e-5)


def test_merged_masks_are_pytorchs():
    def program(torch):
        layer, x = torch.nn.MultiheadAttention(4, 2, batch_first=True), torch.zeros(2, 3, 4)
        mask, padding = torch.randn(3, 3), torch.randn(2, 3)
        return [
            layer.merge_masks(*pair, x)
            for pair in ((None, None), (mask, None), (None, padding), (mask, padding))
        ]

    compare(program)


def test_errors_are_pytorchs():
    def program(torch):
        nn = torch.nn
        layer, x = nn.MultiheadAttention(4, 2), torch.zeros(3, 2, 4)
        causal = {"attn_mask": None, "is_causal": True}
        calls = [
            lambda: nn.MultiheadAttention(5, 2),
            lambda: nn.MultiheadAttention(0, 2),
            lambda: nn.MultiheadAttention(4, 0),
            lambda: layer(x, x, x, attn_mask=torch.zeros(3, 2)),
            lambda: layer(x, x, x, attn_mask=torch.zeros(2, 3, 3)),
            lambda: layer(x, x, x, attn_mask=torch.zeros(3)),
            lambda: layer(x, x, x, attn_mask=torch.zeros(3, 3).double()),
            lambda: layer(x, x, x, **causal),
            lambda: layer(x, x, x, need_weights=False, **causal),
            lambda: layer(x, x, x, key_padding_mask=torch.zeros(2, 3).long()),
            lambda: layer(x, x, x, key_padding_mask=torch.zeros(3, 2).bool()),
            lambda: layer(x, x, x, key_padding_mask=torch.zeros(3).bool()),
            lambda: layer(x, x[:2], x),
            lambda: layer(x[..., :3], x, x),
            lambda: layer(x[0, 0], x, x),
            lambda: layer(x[:, 0], x, x),
            lambda: layer(x[:, :1], x, x),
        ]
        return [raised(call) for call in calls]

    compare(program)


def test_mismatched_masks_warn():
    layer, x = nn.MultiheadAttention(4, 2), torch.zeros(3, 2, 4)
    with pytest.warns(UserWarning, match="mismatched key_padding_mask and attn_mask"):
        layer(x, x, x, key_padding_mask=torch.zeros(2, 3, dtype=torch.bool), attn_mask=torch.zeros(3, 3))


def test_half_precision_follows_float():
    torch.manual_seed(0)
    layer, x = nn.MultiheadAttention(4, 2), torch.randn(3, 2, 4)
    due = layer(x, x, x)[0].detach().numpy()
    for dtype, off in ((torch.float16, 5e-3), (torch.bfloat16, 3e-2)):
        h = x.to(dtype)
        y, _ = copy.deepcopy(layer).to(dtype)(h, h, h, need_weights=False)
        assert y.dtype == dtype
        np.testing.assert_allclose(y.detach().float().numpy(), due, atol=off)
