"""Convolutions: all ways to compute a pass against NumPy, and the modules."""

import copy
import pickle

import numpy as np
import pytest
import util
from catalog.convolution import conv, conv_transpose, grouped, padding_of, per_dimension

from .peer import compare

torch = util.torch
nn = torch.nn


def weight_gradient(x, dy, kernel, stride=1, padding=0, dilation=1, groups=1):
    rank = len(kernel)
    stride, dilation = per_dimension(stride, rank), per_dimension(dilation, rank)
    padded = np.pad(x, [(0, 0), (0, 0), *padding_of(padding, kernel, dilation)])
    outputs = dy.shape[1]
    dw = np.zeros((outputs, x.shape[1] // groups, *kernel))
    for tap in np.ndindex(*kernel):
        reached = tuple(
            slice(t * d, t * d + s * (n - 1) + 1, s)
            for t, d, s, n in zip(tap, dilation, stride, dy.shape[2:], strict=True)
        )
        window = grouped(padded[(..., *reached)], groups, 1).reshape(len(x), groups, x.shape[1] // groups, -1)
        due = np.einsum(
            "ngcp,ngkp->gkc", window, grouped(dy, groups, 1).reshape(len(x), groups, outputs // groups, -1)
        )
        dw[(..., *tap)] = due.reshape(outputs, -1)
    return dw


def input_gradient(dy, weight, sizes, stride=1, padding=0, dilation=1, groups=1):
    rank = len(sizes)
    stride, padding, dilation = (per_dimension(v, rank) for v in (stride, padding, dilation))
    extra = [
        n + 2 * p - d * (k - 1) - 1 - s * (m - 1)
        for n, p, d, k, s, m in zip(
            sizes, padding, dilation, weight.shape[2:], stride, dy.shape[2:], strict=True
        )
    ]
    return conv_transpose(dy, weight, None, stride, padding, tuple(extra), groups, dilation)


# images, channels in and out, sizes, kernel, and the rest: every loop, with whole and broken vectors
CASES = [
    (16, 3, 6, (14, 14), (5, 5), {}),
    (33, 6, 16, (12, 11), (5, 3), {"padding": (0, 2)}),
    (19, 1, 10, (9, 9), (3, 3), {"padding": 1}),
    (2, 3, 5, (20, 37), (3, 4), {"stride": (2, 3), "padding": 2}),
    (1, 4, 6, (33, 18), (3, 3), {"dilation": 2, "groups": 2}),
    (17, 8, 40, (9, 9), (3, 3), {"stride": 2, "padding": 1}),
    (3, 6, 70, (8, 7), (1, 1), {}),
    (4, 80, 160, (7, 7), (3, 3), {"groups": 2, "stride": 2}),
    (20, 24, 24, (8, 10), (3, 3), {"padding": 1, "groups": 24}),
    (2, 32, 48, (9, 14), (3, 3), {"padding": 1}),
    (18, 64, 32, (4, 4), (3, 3), {"padding": 1}),
    (1, 48, 32, (13, 27), (3, 3), {"padding": (2, 0)}),
    (3, 2, 5, (6, 5, 19), (2, 3, 3), {"padding": 1, "stride": (1, 2, 1)}),
    (16, 3, 4, (40,), (7,), {"stride": 3}),
]


def run_case(case, dtype):
    images, inputs, outputs, sizes, kernel, options = case
    draw = np.random.default_rng(7)
    groups = options.get("groups", 1)
    x = draw.standard_normal((images, inputs, *sizes)).astype(dtype)
    w = (draw.standard_normal((outputs, inputs // groups, *kernel)) / 10).astype(dtype)
    b = draw.standard_normal(outputs).astype(dtype)
    given = [torch.tensor(v).requires_grad_() for v in (x, w, b)]
    y = getattr(torch, f"conv{len(sizes)}d")(*given, **options)
    dy = draw.standard_normal(tuple(y.shape)).astype(dtype)
    y.backward(torch.tensor(dy))
    return (x, w, b, dy), [y.detach().numpy(), *(v.grad.numpy() for v in given)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_passes(case, dtype):
    """The result and the gradients of all three arguments, against double precision."""
    (x, w, b, dy), results = run_case(case, dtype)
    x, w, b, dy = (v.astype(np.float64) for v in (x, w, b, dy))
    kernel, options = case[4], case[5]
    due = [
        conv(x, w, b, **options),
        input_gradient(dy, w, x.shape[2:], **options),
        weight_gradient(x, dy, kernel, **options),
        dy.sum((0, *range(2, dy.ndim))),
    ]
    tolerance = 2e-5 if dtype == "float32" else 1e-13
    for name, result, wanted in zip(("y", "dx", "dw", "db"), results, due, strict=True):
        assert result.shape == wanted.shape and result.dtype == dtype
        np.testing.assert_allclose(
            result, wanted, rtol=0, atol=tolerance * np.abs(wanted).max(), err_msg=name
        )


@pytest.mark.skipif(util.STAND_IN, reason="our promise, not PyTorch's")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_threads(case):
    """The number of threads changes not a single bit."""
    before = torch.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(run_case(case, "float32")[1])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("wanted", ["x", "w", "b", "xw", "wb", "xb"])
def test_only_what_is_wanted(wanted):
    made = {"x": torch.randn(2, 3, 6, 6), "w": torch.randn(4, 3, 3, 3), "b": torch.randn(4)}
    for name in wanted:
        made[name].requires_grad_()
    torch.conv2d(*made.values(), padding=1).sum().backward()
    assert [name for name in made if made[name].grad is not None] == sorted(wanted, key="xwb".index)
    if "b" in wanted:
        np.testing.assert_allclose(made["b"].grad.numpy(), np.full(4, 72.0))


def test_name_of_the_derivative():
    """PyTorch gives the transpose the same one."""
    weight = torch.randn(1, 1, 3, 3, requires_grad=True)
    for convolve in (torch.conv2d, torch.conv_transpose2d):
        assert "ConvolutionBackward0" in repr(convolve(torch.randn(1, 1, 4, 4), weight).grad_fn)


def test_infinity_stays_where_it_is():
    """Small convolutions spread an infinity no further than the kernel reaches."""
    x = torch.zeros(2, 3, 20, 20)
    x[0, 0, 3, 3] = float("inf")
    y = torch.conv2d(x, torch.ones(5, 3, 3, 3))
    assert int(y.isinf().sum()) == 5 * 9 and not bool(y.isnan().any())


def test_half_rounds_once():
    x, w = torch.randn(2, 40, 6, 6), torch.randn(8, 40, 3, 3)
    due = torch.conv2d(x.half().float(), w.half().float()).half()
    assert bool((torch.conv2d(x.half(), w.half()) == due).all())


# ---------------------------------------------------------------- modules

MODULES = [
    ("Conv1d", (2, 3, 9), (3, 4, 3), {}),
    ("Conv1d", (3, 9), (3, 6, 4), {"padding": "same", "dilation": 2, "groups": 3}),
    ("Conv2d", (2, 3, 8, 8), (3, 6, 5), {}),
    ("Conv2d", (2, 4, 9, 7), (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 2), "bias": False}),
    ("Conv2d", (2, 4, 9, 7), (4, 8, 3), {"padding": "valid", "groups": 2, "dilation": (2, 1)}),
    ("Conv2d", (1, 2, 6, 6), (2, 2, 3), {"padding": (1, 2), "padding_mode": "reflect"}),
    ("Conv2d", (1, 2, 6, 6), (2, 2, 4), {"padding": "same", "padding_mode": "circular"}),
    ("Conv2d", (1, 2, 6, 6), (2, 2, 3), {"padding": 1, "padding_mode": "replicate", "stride": 2}),
    ("Conv3d", (1, 2, 4, 5, 3), (2, 3, (2, 3, 1)), {"padding": 1}),
    ("ConvTranspose1d", (2, 3, 5), (3, 4, 3), {"stride": 2, "output_padding": 1}),
    ("ConvTranspose2d", (2, 4, 5, 4), (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}),
    ("ConvTranspose3d", (1, 2, 3, 2, 2), (2, 2, 2), {"dilation": 2, "bias": False}),
    ("LazyConv2d", (2, 3, 8, 8), (4, 3), {"padding": 1}),
    ("LazyConvTranspose1d", (2, 3, 8), (4, 3), {}),
]


@pytest.mark.parametrize(("name", "shape", "arguments", "options"), MODULES)
def test_like_the_peer(name, shape, arguments, options):
    """The same draws, printed form, state, values and first and second gradients."""

    def program(torch):
        module = getattr(torch.nn, name)(*arguments, **options)
        x = torch.randn(*shape, requires_grad=True)
        y = module(x)
        (grad,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        grad.square().sum().backward()
        gradients = {key: p.grad for key, p in module.named_parameters()}
        return repr(module), dict(module.state_dict()), y, x.grad, gradients

    compare(program, rtol=2e-4, atol=1e-3)


def test_printed_form():
    assert repr(nn.Conv2d(3, 6, 5)) == "Conv2d(3, 6, kernel_size=(5, 5), stride=(1, 1))"
    full = nn.Conv2d(4, 6, 3, (2, 1), 1, 2, 2, False, "reflect")
    assert repr(full) == (
        "Conv2d(4, 6, kernel_size=(3, 3), stride=(2, 1), padding=(1, 1), dilation=(2, 2), groups=2, "
        "bias=False, padding_mode=reflect)"
    )
    assert "output_padding=(1,)" in repr(nn.ConvTranspose1d(4, 6, 3, 2, output_padding=1))
    assert repr(nn.Conv1d(1, 1, 1, padding="same")).endswith("padding=same)")


@pytest.mark.parametrize("groups", [1, 2])
def test_initial_values(groups):
    module = nn.Conv2d(4, 8, 3, groups=groups)
    bound = 1 / np.sqrt(9 * 4 / groups)
    assert list(module.state_dict()) == ["weight", "bias"]
    assert tuple(module.weight.shape) == (8, 4 // groups, 3, 3)
    for values in (module.weight, module.bias):
        assert 0 < float(values.detach().abs().max()) <= bound
    assert nn.Conv2d(1, 1, 1, bias=False).bias is None


def test_copies_and_pickles():
    module = nn.Conv2d(2, 3, 3, padding=1)
    x = torch.randn(1, 2, 5, 5)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(other) == repr(module)
        np.testing.assert_array_equal(other(x).detach().numpy(), module(x).detach().numpy())


def test_output_size():
    module = nn.ConvTranspose2d(3, 2, 3, stride=2)
    x = torch.randn(1, 3, 4, 4)
    assert tuple(module(x, output_size=(10, 9)).shape) == (1, 2, 10, 9)
    assert tuple(module(x, output_size=[1, 2, 9, 10]).shape) == (1, 2, 9, 10)
    with pytest.raises(ValueError, match=r"\(11, 9\).*\[9, 9\] to \[10, 10\]"):
        module(x, output_size=(11, 9))
    with pytest.raises(ValueError, match="2 or 4 elements"):
        module(x, output_size=(9,))


def test_lazy_module_becomes_its_plain_one():
    lazy = nn.LazyConv2d(4, 3)
    assert "LazyConv2d(0, 4" in repr(lazy)
    lazy(torch.zeros(1, 2, 5, 5))
    assert type(lazy) is nn.Conv2d and lazy.in_channels == 2
    loaded = nn.LazyConv2d(4, 3)
    loaded.load_state_dict(lazy.state_dict())
    np.testing.assert_array_equal(loaded.weight.detach().numpy(), lazy.weight.detach().numpy())
    with pytest.raises(RuntimeError, match="unbatched"):
        nn.LazyConv2d(4, 3)(torch.zeros(5, 5))
    with pytest.raises(ValueError, match="divisible"):
        nn.LazyConv2d(4, 3, groups=2)(torch.zeros(1, 3, 5, 5))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: nn.Conv2d(3, 6, 5, groups=2), ValueError, "in_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 6, 5, groups=4), ValueError, "out_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 6, 5, groups=0), ValueError, "positive"),
        (lambda: nn.Conv2d(4, 6, 5, padding="foo"), ValueError, "foo"),
        (lambda: nn.Conv2d(4, 6, 5, padding="same", stride=2), ValueError, "strided"),
        (lambda: nn.Conv2d(4, 6, 5, padding_mode="foo"), ValueError, "foo"),
        (lambda: nn.ConvTranspose2d(4, 6, 5, padding_mode="reflect"), ValueError, "ConvTranspose2d"),
    ],
)
def test_bad_arguments(build, error, message):
    with pytest.raises(error, match=message):
        build()
