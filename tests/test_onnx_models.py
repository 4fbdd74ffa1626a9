"""Sequences and whole models in ONNX files: the values that onnxruntime computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from util import MODULE, torch

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.skipif(MODULE != "tinytensor", reason="tinytensor's own files")

from onnx_runtime import check, compare, onnx_package, runner  # noqa: E402

nn, F = torch.nn, torch.nn.functional
OPSETS = range(10, 21)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def rows(table: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("model", list(table.values()), ids=list(table))


# ---------------------------------------------------------------- sequences: batch and time are dynamic


class Use(nn.Module):
    """A module, and what is done with it."""

    def __init__(self, module: Any, use: Callable) -> None:
        super().__init__()
        self.module, self.use = module, use

    def forward(self, *args: Any) -> Any:
        return self.use(self.module, *args)


def _started(module: Any, x: Any) -> Any:
    start = torch.zeros(2, x.size(0), 6)
    return module(x, (start, start + 1) if isinstance(module, nn.LSTM) else start)


RECURRENT: dict[str, Any] = {
    f"{layer.__name__} {name}": make(layer)
    for layer in (nn.LSTM, nn.GRU, nn.RNN)
    for name, make in {
        "time first": lambda layer: layer(8, 6),
        "deep": lambda layer: layer(8, 6, 2, batch_first=True, bidirectional=True, dropout=0.2),
        "without bias": lambda layer: layer(8, 6, bias=False),
        "last": lambda layer: Use(layer(8, 6, batch_first=True), lambda module, x: module(x)[0][:, -1]),
        "started": lambda layer: Use(layer(8, 6, 2, batch_first=True), _started),
    }.items()
}

SEQUENCES: dict[str, Any] = {
    "rnn relu": nn.RNN(8, 6, nonlinearity="relu"),
    "encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
    "encoder norm first": nn.TransformerEncoderLayer(8, 2, 16, norm_first=True, activation="gelu"),
    "attention": Use(nn.MultiheadAttention(8, 2, batch_first=True), lambda module, x: module(x, x, x)),
    "attention alone": Use(
        nn.MultiheadAttention(8, 2), lambda module, x: module(x, x, x, need_weights=False)[0]
    ),
    "causal": lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "masked": lambda x: F.scaled_dot_product_attention(
        x, x, x, attn_mask=torch.ones(x.size(1), x.size(1)).tril() > 0
    ),
    "einsum": lambda x: torch.einsum("b...j,jk->b...k", x, torch.ones(8, 3)),
}


@rows(RECURRENT | SEQUENCES)
def test_sequences(model: Any) -> None:
    check(model, torch.randn(2, 5, 8), [torch.randn(3, 7, 8), torch.randn(1, 1, 8)], (0, 1))


@pytest.mark.parametrize("cell", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cells(cell: Any) -> None:
    check(cell(8, 6), torch.randn(3, 8), [torch.randn(4, 8)], (0,))


def test_states_as_inputs() -> None:
    model = Use(nn.LSTM(8, 6), lambda module, x, h, c: module(x, (h, c)))
    given = [
        tuple(torch.randn(*shape) for shape in ((t, n, 8), (1, n, 6), (1, n, 6))) for t, n in ((5, 2), (3, 4))
    ]
    check(model, given[0], given[1:], [(0, 1), (1,), (1,)])


def test_transformer() -> None:
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    given = [(torch.randn(n, s, 8), torch.randn(n, t, 8)) for n, s, t in ((2, 5, 4), (3, 7, 2))]
    check(model, given[0], given[1:], (0, 1))
    attention = Use(
        nn.MultiheadAttention(8, 2, batch_first=True),
        lambda module, x, mask: module(x, x, x, key_padding_mask=mask),
    )
    masks = [torch.tensor([[0, 0, 0, 1, 1], [0, 0, 0, 0, 1]]).bool(), torch.tensor([[0, 1, 0]]).bool()]
    given = [(torch.randn(*mask.shape, 8), mask) for mask in masks]
    check(attention, given[0], given[1:], (0, 1))


class Gpt(nn.Module):
    def __init__(self, block: int = 16) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(11, 8), nn.Embedding(block, 8)
        self.norm, self.qkv, self.project = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.token.weight
        self.register_buffer("mask", torch.tril(torch.ones(block, block)).view(1, 1, block, block))

    def forward(self, tokens):
        batch, time = tokens.size()
        assert time <= self.mask.size(-1)
        x = self.token(tokens) + self.place(torch.arange(time, device=tokens.device))
        parts = self.qkv(self.norm(x)).split(8, dim=2)
        q, k, v = (part.view(batch, time, 2, 4).transpose(1, 2) for part in parts)
        scores = q @ k.transpose(-2, -1) * (1 / math.sqrt(k.size(-1)))
        scores = scores.masked_fill(self.mask[:, :, :time, :time] == 0, -math.inf)
        y = (F.softmax(scores, -1) @ v).transpose(1, 2).contiguous().view(batch, time, 8)
        return self.head(x + self.project(y))


@pytest.mark.parametrize("opset", OPSETS[1:])
def test_gpt_in_every_opset(opset: int) -> None:
    others = [torch.randint(0, 11, (3, 5)), torch.randint(0, 11, (1, 16))]
    for time in (8, 16):
        check(Gpt(), torch.randint(0, 11, (2, time)), others, (0, 1), opset)


# ---------------------------------------------------------------- whole models

MODELS = [
    *("resnet18", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "densenet121", "squeezenet1_1"),
    *("shufflenet_v2_x0_5", "googlenet", "convnext_tiny", "swin_t", "regnet_y_400mf", "mnasnet0_5"),
]


def _model(name: str) -> Any:
    pytest.importorskip("tinytensor.vision")
    from tinytensor.vision import models

    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    return getattr(models, name)(weights=None, num_classes=10, **options)


@pytest.mark.parametrize("name", MODELS)
def test_vision_models(name: str) -> None:
    check(_model(name), torch.randn(2, 3, 64, 64), [torch.randn(1, 3, 64, 64)], (0,), tolerance=1e-3)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_vision_models_for_any_image(name: str) -> None:
    check(_model(name), torch.randn(1, 3, 64, 64), [torch.randn(2, 3, 96, 64)], (0, 2, 3), tolerance=1e-3)


def test_super_resolution_in_opset_10() -> None:
    class SuperResolution(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Conv2d(1, 4, 5, padding=2), nn.Conv2d(4, 9, 3, padding=1)
            self.shuffle = nn.PixelShuffle(3)

        def forward(self, x):
            x = F.pad(torch.clamp(F.relu6(self.first(x)), 0, 2), (1, 1))
            return self.shuffle(self.last(x))[:, :, -1]

    check(SuperResolution(), torch.randn(1, 1, 8, 8), [torch.randn(3, 1, 8, 8)], (0,), 10)
    with pytest.raises(
        torch.onnx.errors.UnsupportedOperatorError, match="'round' in opset 10.* from opset 11"
    ):
        check(torch.round, torch.ones(2), opset=10)


@pytest.mark.parametrize("opset", OPSETS)
def test_resnet_in_every_opset(opset: int) -> None:
    check(_model("resnet18"), torch.randn(1, 3, 32, 32), [torch.randn(3, 3, 32, 32)], (0,), opset, 1e-3)


def test_weights_beside_the_file(tmp_path) -> None:
    model, x = nn.Linear(30, 20), torch.randn(2, 30)
    torch.onnx.export(model, (x,), tmp_path / "model.onnx")
    onnx_package.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)
    loaded = onnx_package.load(str(tmp_path / "model.onnx"))
    compare(runner(loaded.SerializeToString())({"input": x.numpy()})[0], model(x).detach(), 1e-5)
    program = torch.onnx.export(model, (x,))
    assert program.model_proto.graph.node[0].op_type == "Gemm"
