"""Frequencies and their order, and what the transforms say."""

import pytest
from util import STAND_IN, torch

fft = torch.fft


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies(n):
    numbers = [*range((n + 1) // 2), *range(-(n // 2), 0)]
    torch.testing.assert_close(fft.fftfreq(n), torch.tensor(numbers, dtype=torch.float32) / n)
    expected = torch.arange(n // 2 + 1, dtype=torch.float64) / (n * 0.5)
    torch.testing.assert_close(fft.rfftfreq(n, 0.5, dtype=torch.float64), expected)
    out = torch.empty(0)
    assert fft.fftfreq(n, out=out) is out and out.shape == (n,)
    assert fft.fftfreq(n, requires_grad=True).requires_grad


@pytest.mark.parametrize("n", [1, 4, 5])
def test_order(n):
    frequencies = fft.fftfreq(n)
    assert torch.equal(fft.fftshift(frequencies), frequencies.sort().values)
    assert torch.equal(fft.ifftshift(fft.fftshift(frequencies)), frequencies)
    x = torch.arange(6.0 * n).reshape(n, 2, 3)
    assert torch.equal(fft.fftshift(x), x.roll((n // 2, 1, 1), (0, 1, 2)))
    assert torch.equal(fft.ifftshift(x, 0), x.roll(-(n // 2), 0))
    assert torch.equal(fft.fftshift(x, (0, -1)), x.roll((n // 2, 1), (0, 2)))


@pytest.mark.skipif(STAND_IN, reason="PyTorch has complex numbers")
@pytest.mark.parametrize("name", ["fft", "irfft", "fft2", "fftn", "ifftn"])
def test_transforms_need_complex_numbers(name):
    with pytest.raises(NotImplementedError, match=f"{name}: there are no tensors of complex numbers"):
        getattr(fft, name)(torch.ones(4))
