"""flex_attention against attention written out."""

import math

import numpy as np
import pytest
import tinytensor as torch
from tinytensor.nn import functional as F
from tinytensor.nn.attention import SDPBackend, sdpa_kernel
from tinytensor.nn.attention.flex_attention import (
    AuxRequest,
    and_masks,
    create_block_mask,
    flex_attention,
    or_masks,
)


def operands(*shape):
    return [torch.randn(*shape, dtype=torch.float64) for _ in range(3)]


def causal(b, h, q, k):
    return q >= k


def test_mask_of_indices():
    q, k, v = operands(2, 3, 5, 8)
    mask = create_block_mask(causal, None, None, 5, 5, BLOCK_SIZE=2)
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    np.testing.assert_allclose(flex_attention(q, k, v, block_mask=mask).numpy(), expected.numpy(), atol=1e-12)
    assert mask.to_dense()[0, 0].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert mask.sparsity() == pytest.approx(100 / 3)


def test_scores_of_indices():
    q, k, v = operands(2, 3, 4, 8)
    result, lse = flex_attention(q, k, v, lambda s, b, h, qi, ki: s + (qi - ki) * (h + 1), return_lse=True)
    scores = q.numpy() @ k.numpy().swapaxes(-2, -1) / math.sqrt(8)
    scores += (np.arange(4)[:, None] - np.arange(4)) * (np.arange(3) + 1)[:, None, None]
    weights = np.exp(scores)
    np.testing.assert_allclose(lse.numpy(), np.log(weights.sum(-1)), atol=1e-12)
    np.testing.assert_allclose(
        result.numpy(), weights / weights.sum(-1, keepdims=True) @ v.numpy(), atol=1e-12
    )


def test_combined_masks():
    q, k, v = operands(1, 1, 4, 2)
    window = lambda b, h, q, k: q - k < 2  # noqa: E731
    both = create_block_mask(and_masks(causal, window), 1, 1, 4, 4).mask[0, 0].tolist()
    assert both == [[q >= k and q - k < 2 for k in range(4)] for q in range(4)]
    either = create_block_mask(or_masks(causal, lambda b, h, q, k: k == 3), 1, 1, 4, 4).mask[0, 0].tolist()
    assert either == [[q >= k or k == 3 for k in range(4)] for q in range(4)]


def test_a_row_that_sees_nothing_is_zero():
    q, k, v = operands(1, 1, 3, 2)
    for x in (q, k, v):
        x.requires_grad_()
    mask = create_block_mask(lambda b, h, q, k: (q > 0) & (k >= 0), None, None, 3, 3)
    result = flex_attention(q, k, v, block_mask=mask)
    assert result[0, 0, 0].tolist() == [0.0, 0.0]
    result.sum().backward()
    assert bool(v.grad.isfinite().all())


def test_groups_of_heads():
    q, k, v = torch.randn(1, 4, 3, 2), torch.randn(1, 2, 3, 2), torch.randn(1, 2, 3, 2)
    expected = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    np.testing.assert_allclose(flex_attention(q, k, v, enable_gqa=True).numpy(), expected.numpy(), atol=1e-6)
    with pytest.raises(ValueError, match="enable_gqa"):
        flex_attention(q, k, v)


def test_choice_of_implementation():
    q, k, v = operands(1, 1, 3, 2)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        F.scaled_dot_product_attention(q, k, v)
    with pytest.raises(AssertionError), sdpa_kernel([]):
        pass
    with pytest.raises(AssertionError), sdpa_kernel(["math"]):
        pass


def test_what_is_asked_for_besides_the_result():
    q = torch.randn(1, 2, 3, 4)
    result, lse = flex_attention(q, q, q, return_lse=True)
    same, aux = flex_attention(q, q, q, return_aux=AuxRequest(lse=True))
    assert torch.equal(same, result) and torch.equal(aux.lse, lse) and aux.max_scores is None
    assert flex_attention(q, q, q, return_aux=AuxRequest())[1].lse is None
    with pytest.raises(NotImplementedError, match="max_scores"):
        flex_attention(q, q, q, return_aux=AuxRequest(max_scores=True))
    with pytest.raises(ValueError, match="return_lse"):
        flex_attention(q, q, q, return_lse=True, return_aux=AuxRequest())
