"""Operations and layers in ONNX files: the values that onnxruntime computes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from util import MODULE, torch

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.skipif(MODULE != "tinytensor", reason="tinytensor's own files")

from onnx_runtime import check  # noqa: E402

nn, F = torch.nn, torch.nn.functional


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def rows(table: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("model", list(table.values()), ids=list(table))


# ---------------------------------------------------------------- elementwise

UNARY = [
    *("abs", "exp", "sin", "cos", "tan", "atan", "sinh", "cosh", "asinh", "tanh", "sigmoid", "relu", "neg"),
    *(
        "sign",
        "floor",
        "ceil",
        "round",
        "erf",
        "reciprocal",
        "square",
        "expm1",
        "exp2",
        "erfc",
        "trunc",
        "frac",
    ),
    *("isnan", "isinf", "isfinite", "logical_not", "sqrt", "log", "log2", "log10", "log1p", "rsqrt", "acosh"),
    *("asin", "acos", "atanh"),
]


@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str) -> None:
    check(getattr(torch, name), torch.randn(3, 4) * 0.6, [torch.randn(2, 4)], (0,))


ACTIVATIONS: dict[str, Any] = {
    **{
        name: getattr(F, name)
        for name in (
            *("gelu", "silu", "mish", "hardswish", "hardsigmoid", "relu6", "selu", "softplus", "logsigmoid"),
            *("softsign", "tanhshrink", "softshrink", "hardshrink", "rrelu", "glu"),
        )
    },
    "gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
    "elu": lambda x: F.elu(x, 0.7),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "softplus sharp": lambda x: F.softplus(x, 2.0, 1.0),
    "threshold": lambda x: F.threshold(x, 0.1, 20.0),
    "hardtanh": lambda x: F.hardtanh(x, -2, 3),
    "softmax": lambda x: (x.softmax(-1), x.softmax(1), F.softmin(x, 0)),
    "log_softmax": lambda x: F.log_softmax(x, 2),
    "prelu": nn.PReLU(),
    "prelu channels": nn.PReLU(3),
    "in place": nn.Sequential(nn.SiLU(), nn.Hardswish(True), nn.ReLU(True), nn.Dropout(), nn.Identity()),
}


@rows(ACTIVATIONS)
@pytest.mark.parametrize("opset", [12, 20])
def test_activations(model: Any, opset: int) -> None:
    check(model, torch.randn(2, 3, 4, 8), [torch.randn(5, 3, 4, 8)], (0,), opset)


def _in_place(x, y):
    x = x.clone()
    x += y
    x *= 2
    x -= 1
    x /= 3
    return x.add_(y).clamp_(0, 1)


BINARY: dict[str, Any] = {
    "arithmetic": lambda x, y: (x + y, x - y, x * y, x / y, 1 - x, 1 / x, x**2, x**3, 2**x, -x),
    "division": lambda x, y: (
        x // y,
        x % y,
        torch.fmod(x, y),
        torch.div(x, y, rounding_mode="trunc"),
        2 // y,
    ),
    "alpha": lambda x, y: (torch.add(x, y, alpha=2), torch.sub(x, y, alpha=3), torch.rsub(x, y)),
    "powers": lambda x, y: (x.abs() ** y, x.abs() ** 0.5, x.abs().pow(-1.5)),
    "comparisons": lambda x, y: (x == y, x != y, x < y, x <= y, x > 0, x >= 1),
    "logic": lambda x, y: ((x > 0) & (y > 0), (x > 0) | (y > 0), (x > 0) ^ (y > 0), ~(x > 0)),
    "choices": lambda x, y: (torch.where(x > y, x, y), torch.where(x > 0, x, 0.0), x.where(y > 0, y)),
    "mask": lambda x, y: x.masked_fill(y > 2, -math.inf).softmax(-1),
    "limits": lambda x, y: (x.clamp(-0.5, 0.5), torch.clamp(x, min=y), x.clamp(min=0), torch.maximum(x, y)),
    "fused": lambda x, y: (torch.addcmul(x, x, y, value=0.5), torch.addcdiv(x, x, y), torch.lerp(x, y, 0.3)),
    "more": lambda x, y: (torch.hypot(x, y), torch.logaddexp(x, y), torch.logit(x, 0.1), torch.deg2rad(x)),
    "distance": lambda x, y: (torch.dist(x, y), torch.dist(x, y, 1)),
    "atan2": lambda x, y: torch.atan2(x, y),
    "in place": _in_place,
    "types": lambda x, y: (
        x + (y > 0),
        x.double() + y,
        x.long() + 1,
        x + torch.ones(4).long(),
        x.half().float(),
    ),
    "joined": lambda x, y: (torch.cat([x, y]), torch.cat((x, y), dim=-1), torch.stack([x, y], 1)),
    "products": lambda x, y: (x @ y.t(), torch.outer(x[0], y[0]), torch.dot(x[0], y[0]), x @ y[0]),
    "addmm": lambda x, y: torch.addmm(x[:, :1], x, y.t(), beta=2, alpha=3),
    "einsum": lambda x, y: torch.einsum("ij,kj->ik", x, y),
    "losses": lambda x, y: (F.mse_loss(x, y), F.l1_loss(x, y, reduction="sum")),
    "distances": lambda x, y: (F.cosine_similarity(x, y), F.pairwise_distance(x, y), torch.cdist(x, y)),
}


@rows(BINARY)
def test_binary(model: Any) -> None:
    check(model, (torch.randn(3, 4), torch.randn(3, 4)), [(torch.randn(5, 4), torch.randn(5, 4))], (0,))


def test_whole_numbers() -> None:
    def model(x, y):
        return x // y, x % y, x * y, x - y, -x, x / y, x.float().mean(), torch.maximum(x, y), x.sum(), x + 1.5

    pairs = [(torch.randint(-4, 5, (size, 4)), torch.randint(1, 5, (size, 4))) for size in (3, 5)]
    check(model, pairs[0], pairs[1:], (0,))


# ---------------------------------------------------------------- images: all axes but the channels are dynamic

REDUCTIONS: dict[str, Any] = {
    "sum": lambda x: (x.sum(), x.sum(1), x.sum((2, 3), keepdim=True)),
    "mean": lambda x: (x.mean(), x.mean([2, 3]), x.mean(-1, True)),
    "prod": lambda x: x.prod(1),
    "extremes": lambda x: (
        x.amax((2, 3)),
        x.amin(1, True),
        x.max(),
        x.min(-1),
        torch.max(x, dim=1, keepdim=True)[0],
    ),
    "places": lambda x: (x.argmax(1), x.argmax(), torch.argmin(x, dim=2, keepdim=True)),
    "var": lambda x: (x.var(), x.var(dim=(2, 3), unbiased=False), torch.var_mean(x, dim=1)),
    "std": lambda x: (x.std((0, 2)), torch.std(x, dim=1, correction=0, keepdim=True)),
    "norm": lambda x: (x.norm(), x.norm(1, 1), torch.linalg.vector_norm(x, 3, dim=(1, 2)), F.normalize(x)),
    "infinite norm": lambda x: x.flatten(1).norm(math.inf, 1),
    "logsumexp": lambda x: x.logsumexp(1),
    "truth": lambda x: ((x > 2).any(1), (x > -2).all(), (x > 0).sum(), torch.count_nonzero(x > 0, dim=1)),
    "cumsum": lambda x: x.cumsum(1),
    "order": lambda x: (x.topk(3, -1), x.sort(-1), x.argsort(1, descending=True)),
}

SHAPES: dict[str, Any] = {
    "view": lambda x: (
        x.view(x.size(0), -1),
        x.view(x.shape[0], 3, -1),
        x.view(-1, 3, x.size(2) * x.size(3)),
    ),
    "reshape": lambda x: x.reshape(x.shape[0] * x.shape[1], x.shape[2], x.shape[3]),
    "flatten": lambda x: (
        x.flatten(),
        x.flatten(1),
        torch.flatten(x, 2),
        x.flatten(0, 1),
        x.unflatten(1, (1, 3)),
    ),
    "ones": lambda x: (x[:, :1].squeeze(1), x.unsqueeze(1), x[:, None]),
    "orders": lambda x: (x.transpose(1, -1), x.mT, x.permute(0, 2, 3, 1).contiguous(), x.movedim(1, -1)),
    "turned": lambda x: (x.flip(2), torch.flip(x, [2, 3]), torch.roll(x, (1, -2), (2, 3)), x.roll(3)),
    "expand": lambda x: (x[:, :1].expand(-1, 4, -1, -1), x[:, :1].expand(*x.shape[:1], 7, *x.shape[2:])),
    "expand_as": lambda x: (
        x[:, :1].expand_as(x),
        torch.broadcast_to(x[:, :1], x.shape),
        x.flatten(1).view_as(x),
    ),
    "repeat": lambda x: (
        x.repeat(1, 2, 1, 3),
        x[0].repeat(x.size(0), 1, 1, 1),
        x.repeat_interleave(2, dim=2),
    ),
    "parts": lambda x: (
        x.chunk(3, 1),
        x.chunk(2, -1),
        x.split(2, 1),
        torch.split(x, [1, 2], dim=1),
        x.unbind(1),
    ),
    "narrow": lambda x: (x.narrow(2, 1, 3), x.select(1, -1)),
    "pad": lambda x: (F.pad(x, (1, 2)), F.pad(x, (1, 2, 0, 1), value=3.0), F.pad(x, (-1, -1))),
    "pad by values": lambda x: [
        F.pad(x, (1, 2, 2, 1), mode=mode) for mode in ("reflect", "replicate", "circular")
    ],
    "unfold": lambda x: (F.unfold(x, 3, padding=1), F.unfold(x, 2, stride=2), x.unfold(2, 3, 2)),
    "made": lambda x: (
        torch.cat([x, torch.zeros(x.shape[0], 2, x.shape[2], x.shape[3])], 1),
        x + torch.zeros_like(x) + x.new_ones(x.shape),
        x.new_full((x.size(0), 1, 1, 1), 2.0) * x + torch.arange(x.shape[-1]),
        torch.full((x.size(0), 2), 3.5),
        torch.tensor([x.size(0), 4]),
    ),
    "sizes": lambda x: (
        x[..., : x.shape[-1] // 2],
        x[..., : -(-x.shape[-1] // 4)],
        x.sum() / x.numel(),
        x * x.size(2),
    ),
    "channels": lambda x: F.channel_shuffle(x, 3),
    "constant": lambda x: (torch.ones(3) * 2, x, x),
    "grid": lambda x: torch.meshgrid(torch.arange(x.shape[2]), torch.arange(x.shape[3]), indexing="ij"),
}


def _put(x):
    x = x.clone()
    x[:, 1] = 0
    x[:, :, 1:-1] = x[:, :, :-2] * 2
    x[:, 0] += 1
    x[x < 0] = -1
    return x


INDEXING: dict[str, Any] = {
    "numbers": lambda x: (x[:, 0], x[:, -1, 0], x[..., 0], x[:, :, -1]),
    "slices": lambda x: (x[:, 1:], x[..., ::2, 1::2], x[:, :-1, :-2], x[:, None, 0, ..., 1:3, None]),
    "lists": lambda x: (x[:, [2, 0]], x[:, torch.tensor([1, 1, 0])]),
    "several tensors": lambda x: (
        x[:, torch.tensor([1, 0]), torch.tensor([3, 2])],
        x[:, :, torch.tensor([[1], [0]]), torch.tensor([3, 2])],
        x[:, torch.tensor([1, 0]), :, torch.tensor([3, 2])],
        x[torch.arange(x.size(0)), x[:, :, 0, 0].argmax(1)],
    ),
    "functions": lambda x: (
        x.index_select(1, torch.tensor([2, 0])),
        x.gather(1, (x[:, :1] > 0).long()),
        torch.take_along_dim(x, x.argsort(1), 1),
        F.one_hot((x[:, 0] > 0).long(), 3),
        x.index_fill(1, torch.tensor([0, 2]), 3.0),
        torch.fliplr(x),
        torch.flipud(x),
    ),
    "triangles": lambda x: (x.tril(), torch.triu(x, 1)),
    "put": _put,
}

LAYERS: dict[str, Any] = {
    "conv": nn.Conv2d(3, 6, 3, 2, 1, bias=False),
    "conv grouped": nn.Conv2d(3, 6, 3, groups=3, dilation=2),
    "conv same": nn.Conv2d(3, 5, (3, 4), padding="same"),
    "conv circular": nn.Conv2d(3, 5, 3, padding=1, padding_mode="circular"),
    "conv weight_norm": nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 1)),
    "conv_transpose": nn.ConvTranspose2d(3, 4, 3, 2, 1, output_padding=1),
    "batch_norm": nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False)),
    "batch_norm of batch": nn.BatchNorm2d(3, track_running_stats=False),
    "instance_norm": nn.Sequential(
        nn.InstanceNorm2d(3), nn.InstanceNorm2d(3, affine=True, track_running_stats=True)
    ),
    "group_norm": nn.Sequential(nn.GroupNorm(3, 3), nn.GroupNorm(1, 3)),
    "local_response_norm": nn.LocalResponseNorm(2),
    "max_pool": nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, 1, dilation=2, padding=1)),
    "max_pool ceil": nn.MaxPool2d(3, 2, ceil_mode=True),
    "avg_pool": nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
    "lp_pool": nn.LPPool2d(2, 2),
    "adaptive pool": nn.Sequential(nn.AdaptiveAvgPool2d((1, None)), nn.AdaptiveMaxPool2d(1)),
    "head": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(3, 2)),
    "pixel_shuffle": nn.Sequential(nn.Conv2d(3, 8, 1), nn.PixelShuffle(2), nn.PixelUnshuffle(2)),
    "upsample": nn.Upsample(scale_factor=2),
    "upsample bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
    "upsample corners": nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
    "upsample bicubic": nn.Upsample(scale_factor=2, mode="bicubic"),
    "upsample exact": lambda x: F.interpolate(x, scale_factor=1.5, mode="nearest-exact"),
    "to size": lambda x: F.interpolate(x, size=(5, 7), mode="bilinear"),
    "to computed size": lambda x: F.interpolate(x, size=(x.shape[2] * 2, x.shape[3] + 1)),
}


@rows(REDUCTIONS | SHAPES | INDEXING | LAYERS)
def test_images(model: Any) -> None:
    others = [torch.randn(3, 3, 12, 10), torch.randn(1, 3, 8, 6)]
    check(model, torch.randn(2, 3, 8, 8) * 3, others, (0, 2, 3), tolerance=2e-4)


FIXED: dict[str, tuple[Any, Any]] = {
    "adaptive uneven": (
        lambda x: (F.adaptive_avg_pool2d(x, (3, 4)), F.adaptive_max_pool2d(x, (3, 5))),
        (2, 3, 8, 8),
    ),
    "adaptive even": (
        lambda x: (F.adaptive_avg_pool2d(x, (2, 4)), F.adaptive_avg_pool2d(x, 8)),
        (2, 3, 8, 8),
    ),
    "layer_norm": (nn.Sequential(nn.LayerNorm([3, 8]), nn.LayerNorm(8, elementwise_affine=False)), (2, 3, 8)),
    "rms_norm": (nn.RMSNorm(8), (2, 3, 8)),
    "linear": (nn.Sequential(nn.Linear(8, 5), nn.Linear(5, 2, bias=False)), (2, 3, 8)),
    "conv1d": (nn.Sequential(nn.Conv1d(3, 4, 3), nn.MaxPool1d(2), nn.ConvTranspose1d(4, 2, 4, 2)), (2, 3, 9)),
    "conv3d": (
        nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.AvgPool3d(2), nn.BatchNorm3d(4)),
        (2, 2, 4, 5, 6),
    ),
    "batch_norm1d": (nn.Sequential(nn.BatchNorm1d(4), nn.Flatten(), nn.BatchNorm1d(20)), (3, 4, 5)),
    "bilinear": (lambda x, layer=nn.Bilinear(3, 3, 2): layer(x, x + 1), (5, 3)),
}


@pytest.mark.parametrize(("model", "shape"), list(FIXED.values()), ids=list(FIXED))
@pytest.mark.parametrize("opset", [13, 16, 20])
def test_dynamic_batch(model: Any, shape: Any, opset: int) -> None:
    if isinstance(model, nn.Module):
        model.eval()
    bound = model if isinstance(model, nn.Module) else lambda x: model(x)
    check(bound, torch.randn(*shape), [torch.randn(shape[0] + 2, *shape[1:])], (0,), opset)


@pytest.mark.parametrize("pool", ["max_pool1d", "avg_pool1d"])
@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
def test_windows_past_the_end(pool: str, kernel: int, stride: int, padding: int) -> None:
    options = [{}, {"count_include_pad": False}] if pool == "avg_pool1d" else [{}]
    for size in range(3, 9):
        x = torch.randn(1, 2, size)
        for more in options:
            check(
                lambda x, more=more: getattr(F, pool)(x, kernel, stride, padding, ceil_mode=True, **more), x
            )


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
def test_every_pixel_of_every_size(mode: str) -> None:
    for size in (3, 7, 10, 14):
        x = torch.randn(1, 2, size)
        check(lambda x: [F.interpolate(x, size=other, mode=mode) for other in range(1, 20)], x)
        factors = [0.5, 0.7, 1.3, 1.5, 2.0, 2.7]
        check(lambda x: [F.interpolate(x, scale_factor=one, mode=mode) for one in factors], x, tolerance=1e-3)


def test_without_a_batch() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.ReLU())
    check(model, torch.randn(3, 8, 8))


def test_places_from_inputs() -> None:
    check(lambda i: torch.arange(10.0)[i], torch.tensor([1, 2]), [torch.tensor([3, 4, 5])], (0,))
    x, i = torch.randn(3, 2), torch.tensor([[0, 1], [2, 3], [4, 0]])
    check(lambda x, i: torch.zeros(3, 5).scatter(1, i, x), (x, i))
    check(lambda x, i: torch.zeros(3, 5).scatter_add(1, i * 0, x), (x, i))
    check(lambda x, i: torch.zeros_like(x).scatter_(1, i % 2, 1.0), (x, i))
    check(lambda x, i: torch.zeros(3, 2).index_add(0, i[:, 0] // 2, x), (x, i))

    def put(x):
        x = x.clone()
        x[1:3, ::2, [0, 3]] = 7
        x[0, 0] = x[1, 1]
        return x

    check(put, torch.randn(4, 5, 6))


def test_sampled_at_places() -> None:
    def model(x):
        grid = F.affine_grid(torch.eye(2, 3)[None].expand(2, 2, 3) * 0.9, [2, 3, 5, 5], align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    def transformed(x, theta):
        grids = [F.affine_grid(theta, x.size(), align_corners=corners) for corners in (False, True)]
        return [F.grid_sample(x, grid, align_corners=False) for grid in grids]

    for opset in (16, 20):
        check(model, torch.randn(2, 3, 8, 8), opset=opset)
        given = [(torch.randn(n, 3, 8, 6), torch.randn(n, 2, 3)) for n in (2, 5)]
        check(transformed, given[0], given[1:], (0,), opset)


def test_patches_put_together() -> None:
    check(lambda x: F.fold(x, (4, 5), (2, 3), padding=1, stride=2), torch.randn(2, 12, 9))


def test_bags() -> None:
    for mode in ("mean", "sum", "max"):
        check(
            nn.EmbeddingBag(10, 3, mode=mode),
            torch.randint(0, 10, (2, 4)),
            [torch.randint(0, 10, (5, 3))],
            (0, 1),
        )


def test_losses() -> None:
    pairs = [(torch.randn(size, 5), torch.randint(0, 5, (size,))) for size in (4, 7)]
    check(lambda x, t: (F.cross_entropy(x, t), F.nll_loss(F.log_softmax(x, 1), t)), pairs[0], pairs[1:], (0,))
