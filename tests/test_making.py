"""Tensors out of nothing: options, out=, memory formats, defaults, data that is shared."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from util import STAND_IN, torch

pytestmark = pytest.mark.filterwarnings("ignore")


def test_every_spelling_of_a_size() -> None:
    shapes = [
        torch.zeros(2, 3),
        torch.zeros((2, 3)),
        torch.zeros([2, 3]),
        torch.zeros(size=(2, 3)),
        torch.zeros(torch.ones(2, 3).shape),
        torch.zeros(np.int64(2), torch.tensor(3)),
    ]
    assert all(tuple(x.shape) == (2, 3) for x in shapes)
    assert torch.zeros(()).shape == ()
    for bad in ((2.0,), ("a",), ((2,), (3,)), ()):
        with pytest.raises(TypeError):
            torch.zeros(*bad)


def test_options() -> None:
    x = torch.zeros(
        2, dtype=torch.float64, layout=torch.strided, device="cpu", requires_grad=True, pin_memory=False
    )
    assert x.dtype == torch.float64 and x.requires_grad and x.is_leaf
    assert torch.zeros(2, dtype=None, layout=None, device=None, requires_grad=None).dtype == torch.float32
    assert (
        torch.zeros(2, dtype=float).dtype == torch.float64 and torch.zeros(2, dtype=int).dtype == torch.int64
    )
    with pytest.raises(RuntimeError, match="floating"):
        torch.zeros(2, dtype=torch.int64, requires_grad=True)
    with pytest.raises(TypeError):
        torch.zeros(2, dtype="float32")
    with pytest.raises(TypeError):
        torch.zeros(2, requires_grad=3)
    with pytest.raises(RuntimeError):
        torch.zeros(2, device="nowhere")


def test_out_decides_the_dtype() -> None:
    out = torch.ones(5, dtype=torch.int64)
    assert torch.arange(3.0, out=out) is out and out.tolist() == [0, 1, 2]
    assert torch.full((2,), 1.5, out=out).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="dtype"):
        torch.zeros(2, dtype=torch.float32, out=out)
    with pytest.raises(RuntimeError):
        torch.zeros(2, out=torch.ones(2, requires_grad=True))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(300, "uint8"), (-300, "uint8"), (2**40, "int32"), (1e300, "float32"), (7e4, "float16")],
)
def test_values_out_of_range(value: float, dtype: str) -> None:
    with pytest.raises(RuntimeError, match="overflow"):
        torch.full((2,), value, dtype=getattr(torch, dtype))
    with pytest.raises(RuntimeError, match="overflow"):
        torch.ones(2, dtype=getattr(torch, dtype)).fill_(value)


def test_values_that_just_fit() -> None:
    assert torch.full((1,), -1, dtype=torch.uint8).item() == 255
    assert torch.full((1,), float("inf")).item() == float("inf")
    assert torch.full((1,), -(2**63)).item() == -(2**63)
    with pytest.raises(RuntimeError):
        torch.full((1,), float("nan"), dtype=torch.int32)


def test_memory_formats() -> None:
    x = torch.ones(2, 3, 4, 5)
    assert torch.empty(2, 3, 4, 5, memory_format=torch.channels_last).stride() == (60, 1, 15, 3)
    assert torch.zeros_like(x, memory_format=torch.channels_last).stride() == (60, 1, 15, 3)
    turned = torch.ones(4, 3).t()
    assert torch.zeros_like(turned).stride() == (1, 3)
    assert torch.zeros_like(turned, memory_format=torch.contiguous_format).stride() == (4, 1)
    assert torch.zeros_like(torch.ones(4, 1).expand(4, 3)).stride() == (3, 1)
    with pytest.raises(RuntimeError):
        torch.empty(2, 3, memory_format=torch.channels_last)
    assert torch.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert torch.empty_permuted((2, 3), (1, 0)).stride() == (1, 2)
    for size, stride in (((2, 3), (1,)), ((2,), (-1,)), ((2**40, 2), (2**40, 1))):
        with pytest.raises(RuntimeError):
            torch.empty_strided(size, stride)


def test_fresh_tensors_have_seen_no_change() -> None:
    made = [
        torch.zeros(2),
        torch.full((2,), 1),
        torch.arange(3),
        torch.rand(2),
        torch.eye(2),
        torch.tensor([1]),
    ]
    assert all(x._version == 0 for x in made)


def test_arange_in_whole_numbers() -> None:
    cases = [
        ((0, 3.7), "int64", [0, 1, 2]),
        ((0, 3.7), "int32", [0, 1, 2, 3]),
        ((0.5, 3.7, 1.5), "int32", [0, 1, 2]),
        ((3, -1, -1), "uint8", [3, 2, 1, 0]),
        ((5, 0, -2), "float16", [5, 3, 1]),
    ]
    for limits, dtype, due in cases:
        assert torch.arange(*limits, dtype=getattr(torch, dtype)).tolist() == due
    with pytest.raises(ValueError):
        torch.arange(0, 3, 0.5, dtype=torch.int64)
    with pytest.raises(NotImplementedError):
        torch.arange(2, dtype=torch.bool)


@pytest.mark.parametrize("start, end, count", [(-1, 1, 28), (-3.25, 3.5, 2000), (0, 1, 50)])
def test_linspace_rounds_once(start: float, end: float, count: int) -> None:
    step = np.float64((np.float32(end) - np.float32(start)) / np.float32(count - 1))
    i = np.arange(count)
    exact = np.where(i < count // 2, start + step * i, end - step * (count - 1 - i))
    assert torch.linspace(start, end, count).tolist() == exact.astype(np.float32).tolist()


def test_range_includes_its_end() -> None:
    with pytest.warns(UserWarning):
        assert torch.range(1, 3).tolist() == [1, 2, 3]


WINDOWS = {
    "hann_window": ((), np.hanning),
    "hamming_window": ((), np.hamming),
    "blackman_window": ((), np.blackman),
    "bartlett_window": ((), np.bartlett),
    "kaiser_window": ((6.0,), lambda n: np.kaiser(n, 6.0)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str) -> None:
    shape, reference = WINDOWS[name]
    window = getattr(torch, name)
    for n in (2, 5, 8):
        np.testing.assert_allclose(
            window(n, False, *shape, dtype=torch.float64).numpy(), reference(n), atol=1e-12
        )
        np.testing.assert_allclose(
            window(n, True, *shape, dtype=torch.float64).numpy(), reference(n + 1)[:-1], atol=1e-12
        )
    assert window(0).tolist() == [] and window(1).tolist() == [1]
    with pytest.raises(RuntimeError):
        window(-1)
    with pytest.raises(RuntimeError):
        window(3, dtype=torch.int64)


def test_copies_of_tensors() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning):
        y = torch.tensor(x)
    assert not y.requires_grad and y.data_ptr() != x.data_ptr()
    assert torch.as_tensor(x) is x and torch.as_tensor(x, dtype=torch.float64).requires_grad
    assert torch.ones(2, dtype=torch.int64).new_tensor([1.5]).tolist() == [1]


def test_asarray() -> None:
    array = np.arange(3.0)
    shared, copied = torch.asarray(array), torch.asarray(array, copy=True)
    array[0] = 7
    assert shared[0].item() == 7 and copied[0].item() == 0
    assert not torch.asarray(torch.ones(2, requires_grad=True), requires_grad=False).requires_grad
    for refused in ([1, 2], torch.ones(2, dtype=torch.int64)):
        with pytest.raises(ValueError):
            torch.asarray(refused, dtype=torch.float32, copy=False)


def test_frombuffer() -> None:
    memory = bytearray(b"abcdefgh")
    x = torch.frombuffer(memory, dtype=torch.uint8, count=3, offset=2)
    memory[2] = 0
    assert x.tolist() == [0, ord("d"), ord("e")]
    if not STAND_IN:
        with pytest.raises(BufferError):
            memory.append(1)  # the tensor holds the buffer
        del x
        memory.append(1)
    wrong: list[dict[str, Any]] = [{"count": 3}, {"offset": 9}, {"offset": -1}, {"count": 0}, {"offset": 1}]
    for options in wrong:
        with pytest.raises(ValueError):
            torch.frombuffer(bytearray(8), dtype=torch.int32, **options)
    with pytest.raises(ValueError):
        torch.frombuffer([1], dtype=torch.uint8)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert torch.frombuffer(b"a", dtype=torch.uint8).tolist() == [97]
    assert caught


def test_defaults() -> None:
    assert torch.get_default_dtype() == torch.float32 and torch.get_default_device().type == "cpu"
    try:
        torch.set_default_dtype(torch.float64)
        made = [torch.zeros(1), torch.tensor(1.0), torch.arange(1.0), torch.rand(1), torch.full((1,), 1.0)]
        assert all(x.dtype == torch.float64 for x in made)
    finally:
        torch.set_default_dtype(torch.float32)
    with pytest.raises(TypeError):
        torch.set_default_dtype(torch.int64)
    with torch.device("cpu"):
        assert torch.zeros(1).device.type == "cpu"
    torch.set_default_device("cpu")
    torch.set_default_device(None)


def test_generators_are_pickled_with_their_state() -> None:
    generator = torch.Generator().manual_seed(3)
    torch.rand(5, generator=generator)
    copy = pickle.loads(pickle.dumps(generator))
    assert torch.rand(3, generator=copy).tolist() == torch.rand(3, generator=generator).tolist()


def test_dropout() -> None:
    x = torch.ones(1000, requires_grad=True)
    y = torch.dropout(x, 0.25, True)
    y.sum().backward()
    assert set(y.tolist()) == {0.0, float(np.float32(1) / np.float32(0.75))}
    assert x.grad.tolist() == y.tolist() and 650 < (y != 0).sum().item() < 850
    assert torch.dropout(x, 0.25, False) is x and torch.dropout(x, 0.0, True) is x
    assert torch.dropout(x, 1.0, True).abs().sum().item() == 0
    channels = torch.feature_dropout(torch.ones(4, 50, 3), 0.5, True)
    assert all(len(set(row)) == 1 for batch in channels.tolist() for row in batch)
    base = torch.ones(1000)
    assert torch.dropout_(base, 0.5, True) is base and 0 in base.tolist()
    for p in (-0.1, 1.1):
        with pytest.raises(RuntimeError):
            torch.dropout(x, p, True)
    kept = torch.alpha_dropout(torch.randn(100000), 0.3, True)
    assert abs(kept.mean().item()) < 0.03 and abs(kept.std().item() - 1) < 0.03


def test_numpy_scalars_keep_their_type() -> None:
    for kind in ("float64", "float32", "float16", "int32", "int8", "bool"):
        number = getattr(np, kind if kind != "bool" else "bool_")(1)
        assert torch.tensor(number).dtype == getattr(torch, kind)
        assert torch.tensor([number]).dtype == getattr(torch, kind)
    assert torch.tensor([1.0, np.float64(2)]).dtype == torch.float64
    assert (torch.ones(2) * np.float64(2)).dtype == torch.float32
