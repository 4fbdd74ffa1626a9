"""Transformer encoder, decoder, their layers, and both together."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from util import torch

from .peer import compare, raised

nn = torch.nn

LAYERS = [
    {},
    {"norm_first": True, "batch_first": True},
    {"activation": "gelu", "bias": False},
    {"layer_norm_eps": 1e-2, "dropout": 0.5},
    {"dtype": "float64"},
]


def resolved(torch, options):
    return {key: getattr(torch, value) if key == "dtype" else value for key, value in options.items()}


def trained(torch, module, *inputs, **masks):
    y = module(*inputs, **masks)
    loss = (y * torch.randn(y.shape, dtype=y.dtype)).sum()
    wanted = [x for x in (*inputs, *module.parameters()) if x.requires_grad]
    return y, torch.autograd.grad(loss, wanted)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", LAYERS, ids=str)
@pytest.mark.parametrize("name", ["TransformerEncoderLayer", "TransformerDecoderLayer"])
def test_layers_are_pytorchs(name, options, training):
    def program(torch):
        settings = resolved(torch, options)
        layer = getattr(torch.nn, name)(6, 2, 8, **settings).train(training)
        x = torch.randn(4, 3, 6, dtype=settings.get("dtype"), requires_grad=True)
        memory = torch.randn(4, 3, 6, dtype=settings.get("dtype"), requires_grad=True)
        torch.manual_seed(7)
        inputs = (x,) if "Encoder" in name else (x, memory)
        return layer.state_dict(), repr(layer), trained(torch, layer, *inputs)

    compare(program, rtol=1e-4, atol=2e-5)


def test_callable_activation():
    def program(torch):
        layer = torch.nn.TransformerDecoderLayer(4, 2, 8, 0.0, activation=torch.nn.Tanh())
        x = torch.randn(3, 2, 4)
        plain = torch.nn.TransformerEncoderLayer(4, 2, 8, 0.0, activation=torch.sigmoid)
        return repr(layer), list(layer.state_dict()), layer(x, x), repr(plain), plain(x)

    compare(program, rtol=1e-4, atol=1e-5)


def test_masks_are_pytorchs():
    def program(torch):
        layer = torch.nn.TransformerEncoderLayer(4, 2, 8, 0.0)
        encoder = torch.nn.TransformerEncoder(layer, 2, torch.nn.LayerNorm(4))
        x = torch.randn(3, 2, 4)
        causal = torch.nn.Transformer.generate_square_subsequent_mask(3)
        padding = torch.tensor([[False, False, True], [False, True, True]])
        masks = [
            {"mask": causal},
            {"mask": causal, "is_causal": True},
            {"mask": causal, "is_causal": False},
            {"mask": torch.randn(3, 3)},
            {"mask": causal.isinf(), "src_key_padding_mask": padding},
            {"src_key_padding_mask": padding},
        ]
        return causal, [encoder(x, **mask) for mask in masks], [x + layer(x, src_mask=causal)]

    compare(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_is_pytorchs(batch_first, norm_first):
    def program(torch):
        model = torch.nn.Transformer(
            8, 2, 2, 2, 16, dropout=0.1, batch_first=batch_first, norm_first=norm_first
        )
        src, tgt = torch.randn(4, 4, 8, requires_grad=True), torch.randn(4, 4, 8, requires_grad=True)
        mask = model.generate_square_subsequent_mask(4)
        padding = torch.zeros(4, 4)
        padding[1, 2:] = float("-inf")
        torch.manual_seed(3)
        results = trained(
            torch,
            model,
            src,
            tgt,
            tgt_mask=mask,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return model.state_dict(), repr(model), results, model.eval()(src[0], tgt[0])

    compare(program, rtol=1e-3, atol=5e-5)


def test_second_derivatives_are_pytorchs():
    def program(torch):
        layer = torch.nn.TransformerEncoderLayer(4, 2, 6, 0.0, dtype=torch.float64, activation="gelu")
        x = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True)
        # PyTorch differentiates attention twice only where the mask learns.
        mask = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(layer(x, mask).pow(2).sum(), x, create_graph=True)
        return torch.autograd.grad(slope.pow(2).sum(), [x, layer.linear1.weight])

    compare(program, rtol=1e-7, atol=1e-9)


def test_encoder_layers_are_copies():
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    encoder = nn.TransformerEncoder(layer, 3)
    weights = [part.linear1.weight for part in (layer, *encoder.layers)]
    assert len({weight.data_ptr() for weight in weights}) == 4
    assert all(torch.equal(weight, weights[0]) for weight in weights)


def test_a_causal_layer_sees_nothing_later():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    x, mask = torch.randn(1, 5, 4), nn.Transformer.generate_square_subsequent_mask(5)
    due = layer(x, mask, is_causal=True).detach().numpy()
    x[0, 3:] = 100.0
    y = layer(x, mask, is_causal=True).detach().numpy()
    np.testing.assert_allclose(y[:, :3], due[:, :3], atol=1e-6)
    assert np.abs(y[:, 3:] - due[:, 3:]).max() > 0.1


def test_custom_parts():
    class Twice(nn.Module):
        def forward(self, src, **masks):
            assert set(masks) == {"mask", "src_key_padding_mask", "is_causal"}
            return 2 * src

    class Sum(nn.Module):
        def forward(self, tgt, memory, **masks):
            return tgt + memory

    model = nn.Transformer(4, 2, custom_encoder=Twice(), custom_decoder=Sum())
    x = torch.randn(3, 2, 4)
    assert torch.equal(model(x, x), 3 * x)


def test_copies_and_pickles():
    torch.manual_seed(0)
    model, x = nn.Transformer(4, 2, 1, 1, 8).eval(), torch.randn(3, 2, 4)
    due = model(x, x).detach().numpy()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin(x, x).detach().numpy(), due)


def test_errors_are_pytorchs():
    def program(torch):
        nn, x = torch.nn, torch.zeros(3, 2, 8)
        model = nn.Transformer(8, 2, 1, 1, 16)
        layer = nn.TransformerEncoderLayer(8, 2, 16)
        calls = [
            lambda: nn.TransformerEncoderLayer(8, 2, activation="foo"),
            lambda: nn.Transformer(8, 3),
            lambda: model(x, x[:, :1]),
            lambda: model(x, x[..., :4]),
            lambda: nn.TransformerEncoder(layer, 1)(x, is_causal=True),
            lambda: layer(x[0, 0]),
            lambda: layer(torch.zeros(2, 3, 4, 8)),
            lambda: layer(x, src_mask=torch.zeros(3, 3).long()),
            lambda: layer(x, src_key_padding_mask=torch.zeros(2, 3).long()),
        ]
        return [raised(call) for call in calls]

    compare(program)
