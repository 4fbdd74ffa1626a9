"""`testing.assert_close` and `make_tensor`."""

import re

import numpy
import pytest
import tinytensor as torch
from tinytensor.testing import assert_allclose, assert_close, make_tensor

ONES = torch.ones(3)


@pytest.mark.parametrize(
    "actual, expected, keywords",
    [
        (ONES, ONES + 1e-6, {}),
        (ONES, ONES + 0.01, {"rtol": 0.1, "atol": 0}),
        (ONES, ONES.double(), {"check_dtype": False}),
        ([1.0, ONES], [1.0, ONES.clone()], {}),
        ({"a": (1, 2)}, {"a": [1, 2]}, {}),
        (float("nan"), float("nan"), {"equal_nan": True}),
        (torch.tensor([float("nan"), 1]), torch.tensor([float("nan"), 1]), {"equal_nan": True}),
        (torch.tensor(float("inf")), torch.tensor(float("inf")), {}),
        (None, None, {}),
        (numpy.ones(2), numpy.ones(2), {}),
        (torch.ones(2).bfloat16(), torch.full((2,), 1.01).bfloat16(), {}),
        (torch.tensor([2**62 + 1]), torch.tensor([2**62 + 1]), {}),
        (torch.nn.Parameter(torch.ones(3)), ONES, {}),
    ],
)
def test_close(actual, expected, keywords):
    assert assert_close(actual, expected, **keywords) is None


@pytest.mark.parametrize(
    "actual, expected, keywords, message",
    [
        (
            ONES,
            torch.tensor([1.0, 2, 1]),
            {},
            "Tensor-likes are not close!\n\nMismatched elements: 1 / 3 (33.3%)\n"
            "Greatest absolute difference: 1.0 at index (1,) (up to 1e-05 allowed)\n"
            "Greatest relative difference: 0.5 at index (1,) (up to 1.3e-06 allowed)",
        ),
        (
            ONES,
            torch.ones(2),
            {},
            "The values for attribute 'shape' do not match: torch.Size([3]) != torch.Size([2]).",
        ),
        (
            ONES,
            ONES.double(),
            {},
            "The values for attribute 'dtype' do not match: torch.float32 != torch.float64.",
        ),
        (torch.ones(1, 2), torch.ones(2, 1).t(), {"check_stride": True}, "attribute 'stride()' do not match"),
        (
            [1.0, 2.0],
            [1.0, 3.0],
            {},
            "Scalars are not close!\n\nExpected 3.0 but got 2.0.\n"
            "Absolute difference: 1.0 (up to 1e-07 allowed)\n"
            "Relative difference: 0.3333333333333333 (up to 1e-07 allowed)\n\nThe failure occurred for item [1]",
        ),
        ([1.0], [1.0, 2.0], {}, "The length of the sequences mismatch: 1 != 2"),
        ({"a": 1}, {"b": 1}, {}, "Missing keys in the actual mapping: ['b']"),
        (1, 1.0, {}, "The (d)types do not match: <class 'int'> != <class 'float'>."),
        (None, ONES, {}, "None mismatch: None is not"),
        (torch.tensor([2**62 + 1]), torch.tensor([2**62]), {}, "Mismatched elements: 1 / 1"),
        (torch.tensor([True]), torch.tensor([False]), {}, "Tensor-likes are not equal!"),
        (torch.tensor(1.0), torch.tensor(2.0), {}, "Expected 2.0 but got 1.0."),
        (float("nan"), float("nan"), {}, "Expected nan but got nan."),
        (ONES, torch.zeros(3), {"msg": "mine"}, "mine"),
        (ONES, torch.zeros(3), {"msg": lambda text: "so: " + text}, "so: Tensor-likes are not close!"),
    ],
)
def test_not_close(actual, expected, keywords, message):
    with pytest.raises(AssertionError, match=re.escape(message)):
        assert_close(actual, expected, **keywords)


def test_bad_input():
    with pytest.raises(
        ValueError, match="Both 'rtol' and 'atol' must be either specified or omitted, but got no atol"
    ):
        assert_close(ONES, ONES, rtol=0.1)
    with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
        assert_close("a", "a")
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close(torch.nn.Parameter(ONES), ONES, allow_subclasses=False)


def test_the_older_form():
    assert_allclose(ONES, [1.0, 1.0, 1.0])
    assert_allclose(torch.tensor(float("nan")), float("nan"))
    with pytest.raises(AssertionError):
        assert_allclose(ONES, 2.0 * ONES)


def test_make_tensor():
    x = make_tensor((3, 4), dtype=torch.float64, device="cpu", low=2, high=3, requires_grad=True)
    assert x.shape == (3, 4) and x.requires_grad and bool(((x >= 2) & (x < 3)).all())
    assert x.std() > 0
    y = make_tensor(50, 4, dtype=torch.int32, device="cpu", low=0, high=2, exclude_zero=True)
    assert y.dtype == torch.int32 and bool((y == 1).all())
    assert not make_tensor(3, 4, dtype=torch.float32, device="cpu", noncontiguous=True).is_contiguous()
    assert set(make_tensor(64, dtype=torch.bool, device="cpu").tolist()) == {True, False}
    with pytest.raises(ValueError, match="less than or equal"):
        make_tensor(3, dtype=torch.float32, device="cpu", low=1, high=0)


def test_against_pytorch():
    other = pytest.importorskip("torch")
    a = numpy.array([[1.0, 2.5, -3.0], [0.0, 1e-9, 5.0]])
    b = a + numpy.array([[0, 1e-3, 0], [1e-12, 0, 2.0]])
    messages = []
    for library, close in ((torch, assert_close), (other, other.testing.assert_close)):
        with pytest.raises(AssertionError) as caught:
            close({"x": [library.tensor(a)]}, {"x": [library.tensor(b)]})
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
