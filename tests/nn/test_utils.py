"""nn.utils: vectors of parameters, norms of weights, parametrizations, pruning, functional calls, fusion."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings

import numpy as np
import pytest
from util import MODULE, torch

from .peer import compare, outcome

nn = torch.nn
utils = nn.utils
parametrize = utils.parametrize
parametrizations = utils.parametrizations
prune = importlib.import_module(MODULE + ".nn.utils.prune")


def test_vector_of_parameters():
    layer = nn.Linear(3, 2)
    vector = utils.parameters_to_vector(layer.parameters())
    assert vector.shape == (8,) and vector.requires_grad
    utils.vector_to_parameters(torch.arange(8.0), layer.parameters())
    assert torch.equal(layer.weight, torch.arange(6.0).reshape(2, 3)) and layer.bias[1] == 7
    with pytest.raises(TypeError):
        utils.vector_to_parameters(3, layer.parameters())


# ---------------------------------------------------------------- weight and spectral norm


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(dim):
    layer = nn.Linear(3, 2)
    x, before = torch.randn(4, 3), layer.weight.detach().clone()
    with pytest.warns(FutureWarning):
        assert utils.weight_norm(layer, dim=dim) is layer
    assert {*layer.state_dict()} == {"bias", "weight_g", "weight_v"}
    assert torch.allclose(layer.weight, before)
    with torch.no_grad():
        layer.weight_g.mul_(2)
    assert torch.allclose(layer(x), x @ (2 * before).t() + layer.bias)
    layer(x).sum().backward()
    assert layer.weight_g.grad is not None and layer.weight_v.grad is not None
    with pytest.raises(RuntimeError, match="two weight_norm hooks"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utils.weight_norm(layer)
    utils.remove_weight_norm(layer)
    assert torch.allclose(layer.weight, 2 * before) and isinstance(layer.weight, nn.Parameter)
    with pytest.raises(ValueError, match="not found"):
        utils.remove_weight_norm(layer)


def test_spectral_norm_converges():
    for layer in (
        utils.spectral_norm(nn.Linear(6, 4), n_power_iterations=200),
        parametrizations.spectral_norm(nn.Linear(6, 4), n_power_iterations=200),
    ):
        layer(torch.ones(1, 6))
        assert np.linalg.svd(layer.weight.detach().numpy())[1][0] == pytest.approx(1, rel=1e-4)
        layer.eval()
        first = layer.weight.detach().clone()
        layer(torch.ones(1, 6))
        assert torch.equal(first, layer.weight)
    layer = utils.spectral_norm(nn.Linear(3, 2))
    assert {*layer.state_dict()} == {"bias", "weight_orig", "weight_u", "weight_v"}
    with pytest.raises(RuntimeError, match="two spectral_norm hooks"):
        utils.spectral_norm(layer)
    utils.remove_spectral_norm(layer)
    assert {*layer.state_dict()} == {"bias", "weight"} and len(layer._forward_pre_hooks) == 0
    with pytest.raises(ValueError):
        utils.remove_spectral_norm(layer)


# ---------------------------------------------------------------- parametrizations


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).t()

    def right_inverse(self, x):
        return x.triu()


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


def test_register_and_remove_parametrization():
    layer = nn.Linear(3, 3)
    original = layer.weight
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert parametrize.is_parametrized(layer) and not parametrize.is_parametrized(layer, "bias")
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert layer.parametrizations.weight.original is original
    assert torch.equal(layer.weight, layer.weight.t())
    assert [*layer.state_dict()] == ["bias", "parametrizations.weight.original"]
    layer(torch.ones(1, 3)).sum().backward()
    assert torch.equal(original.grad.tril(-1), torch.zeros(3, 3)) and original.grad[0, 1] != 0

    layer.weight = torch.ones(3, 3)
    assert torch.equal(layer.weight, torch.ones(3, 3)) and torch.equal(original, torch.ones(3, 3).triu())
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert torch.equal(layer.weight, 2 * torch.ones(3, 3))
    with pytest.raises(RuntimeError, match="does not implement right_inverse"):
        layer.weight = torch.ones(3, 3)
    parametrize.remove_parametrizations(layer, "weight")
    assert (
        type(layer) is nn.Linear
        and layer.weight is original
        and torch.equal(layer.weight, 2 * torch.ones(3, 3))
    )
    assert [*layer.state_dict()] == ["bias", "weight"] or [*layer.state_dict()] == ["weight", "bias"]


def test_removal_may_bring_back_the_original():
    layer = nn.Linear(2, 2)
    values = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Doubled())
    parametrize.register_parametrization(layer, "bias", Doubled())
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert torch.equal(layer.weight, values) and parametrize.is_parametrized(layer, "bias")


def test_parametrizations_are_cached_in_their_context():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled())
    assert layer.weight is not layer.weight
    with parametrize.cached():
        first = layer.weight
        assert layer.weight is first
    assert layer.weight is not first


def test_copies_of_parametrized_modules():
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    copied = copy.deepcopy(layer)
    assert torch.equal(copied.weight, layer.weight)
    with torch.no_grad():
        copied.parametrizations.weight.original.zero_()
    assert layer.weight.abs().sum() > 0
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)
    plain = nn.Linear(3, 3)
    other = parametrize.register_parametrization(plain, "weight", Symmetric())
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.weight, layer.weight)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear


def test_wrong_parametrizations():
    class Shorter(nn.Module):
        def forward(self, x):
            return x[0]

    class Wider(nn.Module):
        def forward(self, x):
            return x.double()

    for wrong, text in ((Shorter(), "change the shape"), (Wider(), "change the dtype")):
        with pytest.raises(ValueError, match=text):
            parametrize.register_parametrization(nn.Linear(2, 2), "weight", wrong)
        layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled())
        with pytest.raises(ValueError, match=text):
            parametrize.register_parametrization(layer, "weight", wrong)
    unsafe = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Shorter(), unsafe=True)
    assert unsafe.weight.shape == (2,)
    with pytest.raises(ValueError, match="does not have a parameter"):
        parametrize.register_parametrization(nn.Linear(2, 2), "nowhere", Doubled())
    with pytest.raises(ValueError, match="does not have a parametrization"):
        parametrize.remove_parametrizations(nn.Linear(2, 2), "weight")


def test_parametrized_weight_norm():
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    parametrizations.weight_norm(layer)
    assert torch.allclose(layer.weight, before)
    assert layer.parametrizations.weight.original0.shape == (2, 1)
    layer.weight = 3 * before
    assert torch.allclose(layer.weight, 3 * before)
    with pytest.raises(ValueError, match="sequence of tensors"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    old = nn.Linear(3, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utils.weight_norm(old)
    layer.load_state_dict(old.state_dict())
    assert torch.allclose(layer.weight, old.weight)


@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder", None])
@pytest.mark.parametrize("shape", [(3, 3), (3, 5), (5, 3)])
def test_orthogonal(orthogonal_map, shape):
    layer = nn.Linear(*shape, dtype=torch.float64)
    parametrizations.orthogonal(layer, orthogonal_map=orthogonal_map)
    original = layer.parametrizations.weight.original

    def distance():
        w = layer.weight.detach().numpy()
        small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        return np.abs(small - np.eye(len(small))).max()

    assert distance() < 1e-12
    with torch.no_grad():
        original.add_(torch.randn(original.shape, dtype=torch.float64).tril(-1) * 2)
    assert distance() < 1e-9
    layer(torch.ones(2, shape[0], dtype=torch.float64)).pow(2).sum().backward()
    assert original.grad.abs().sum() > 0

    def weight_of(x):
        return layer.parametrizations.weight[0](x)

    moved = original.detach().clone().requires_grad_()
    if orthogonal_map in ("matrix_exp", "cayley"):
        assert torch.autograd.gradcheck(weight_of, (moved,))
    with pytest.raises(ValueError, match="orthogonal_map has to be"):
        parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="nonsense")
    with pytest.raises(ValueError, match="Expected a matrix"):
        parametrizations.orthogonal(nn.Linear(2, 2), "bias")


# ---------------------------------------------------------------- pruning


def test_prune_and_make_it_final():
    layer = nn.Linear(4, 3)
    values = layer.weight.detach().clone()
    assert prune.l1_unstructured(layer, "weight", 5) is layer
    assert {*layer.state_dict()} == {"bias", "weight_orig", "weight_mask"} and prune.is_pruned(layer)
    smallest = np.sort(np.abs(values.numpy()).ravel())[:5]
    mask = layer.weight_mask.numpy()
    assert set(np.abs(values.numpy())[mask == 0]) == set(smallest)
    layer(torch.ones(1, 4)).sum().backward()
    assert torch.equal(layer.weight_orig.grad, layer.weight_mask)
    with torch.no_grad():
        layer.weight_orig.add_(1)
    layer(torch.ones(1, 4))
    assert torch.equal(layer.weight, (values + 1) * layer.weight_mask)

    prune.ln_structured(layer, "weight", 1, n=2, dim=0)
    assert len(layer._forward_pre_hooks) == 1 and int((layer.weight_mask.sum(1) == 0).sum()) == 1
    prune.remove(layer, "weight")
    assert isinstance(layer.weight, nn.Parameter) and not prune.is_pruned(layer)
    assert int((layer.weight == 0).sum()) >= 5
    with pytest.raises(ValueError, match="has to be pruned"):
        prune.remove(layer, "weight")


def test_global_pruning_lets_parameters_compete():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    nn.init.constant_(a.weight, 1.0)
    nn.init.constant_(b.weight, 2.0)
    prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=0.5)
    assert a.weight_mask.sum() == 0 and b.weight_mask.sum() == 4


def test_custom_masks_scores_and_tensors():
    layer = prune.custom_from_mask(nn.Linear(2, 2), "weight", torch.tensor([[1, 0], [0, 1]]))
    assert layer.weight[0, 1] == 0 and layer.weight[0, 0] != 0
    scored = prune.l1_unstructured(
        nn.Linear(2, 2), "weight", 1, importance_scores=torch.tensor([[4.0, 3], [2, 5]])
    )
    assert torch.equal(scored.weight_mask, torch.tensor([[1.0, 1], [0, 1]]))
    assert torch.equal(prune.L1Unstructured(2).prune(torch.tensor([1.0, -3, 2])), torch.tensor([0.0, -3, 0]))
    assert torch.equal(prune.identity(nn.Linear(2, 2), "bias").bias_mask, torch.ones(2))

    class EverySecond(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    layer = nn.Linear(2, 2)
    EverySecond.apply(layer, "weight")
    assert torch.equal(layer.weight_mask, torch.tensor([[0.0, 1], [0, 1]]))
    EverySecond.apply(layer, "weight")
    assert torch.equal(layer.weight_mask, torch.tensor([[0.0, 0], [0, 1]]))


# ---------------------------------------------------------------- functional calls, fusion and the rest


def test_functional_call():
    layer = nn.Linear(2, 2)
    call = torch.func.functional_call
    weight = torch.ones(2, 2, requires_grad=True)
    x = torch.ones(1, 2)
    y = call(layer, {"weight": weight, "bias": torch.zeros(2)}, (x,))
    assert torch.equal(y, torch.full((1, 2), 2.0))
    y.sum().backward()
    assert weight.grad is not None and layer.weight.grad is None and isinstance(layer.weight, nn.Parameter)
    assert torch.equal(call(layer, [{"weight": weight}, {"bias": torch.ones(2)}], x, strict=True), y + 1)
    with pytest.raises(RuntimeError, match="Missing key"):
        call(layer, {"weight": weight}, x, strict=True)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        call(layer, {**dict(layer.named_parameters()), "zz": x}, x, strict=True)
    for wrong in (3, [{"weight": weight}, {"weight": weight}]):
        with pytest.raises(ValueError):
            call(layer, wrong, x)
    with pytest.raises(TypeError):
        call(layer, {"weight": 3}, x)
    with pytest.raises(RuntimeError):
        call(layer, {"weight": torch.ones(3, 3)}, x)
    assert layer(x).shape == (1, 2)


def test_functional_call_keeps_sharing():
    model = nn.Sequential(nn.Linear(2, 2, False), nn.Linear(2, 2, False))
    model[1].weight = model[0].weight
    ones, x = torch.ones(2, 2), torch.ones(1, 2)
    call = torch.func.functional_call
    assert torch.equal(call(model, {"0.weight": ones}, x), torch.full((1, 2), 4.0))
    assert not torch.equal(call(model, {"0.weight": ones}, x, tie_weights=False), torch.full((1, 2), 4.0))
    with pytest.raises(ValueError, match="tied"):
        call(model, {"0.weight": ones, "1.weight": ones * 2}, x)


def test_stack_module_state():
    models = [nn.Linear(2, 3) for _ in range(4)]
    parameters, buffers = torch.func.stack_module_state(models)
    assert parameters["weight"].shape == (4, 3, 2) and parameters["weight"].requires_grad and buffers == {}
    assert torch.equal(parameters["bias"][2], models[2].bias)


def test_fused_weights():
    rng = np.random.default_rng(0)
    w, b, mean, scale, shift = (rng.normal(size=s) for s in ((3, 4), (3,), (3,), (3,), (3,)))
    variance, x = rng.uniform(0.5, 2, 3), rng.normal(size=(5, 4))
    fused_w, fused_b = utils.fuse_linear_bn_weights(
        *(torch.from_numpy(v) for v in (w, b, mean, variance)),
        1e-5,
        torch.from_numpy(scale),
        torch.from_numpy(shift),
    )
    expected = ((x @ w.T + b) - mean) / np.sqrt(variance + 1e-5) * scale + shift
    np.testing.assert_allclose(x @ fused_w.detach().numpy().T + fused_b.detach().numpy(), expected, rtol=1e-9)
    kernel = torch.ones(4, 3, 2, 2)
    statistics = (torch.zeros(3), torch.full((3,), 3.0))
    turned, _ = utils.fuse_conv_bn_weights(kernel, None, *statistics, 1.0, None, None, transpose=True)
    assert torch.allclose(turned, kernel / 2)


def test_skip_init_draws_nothing():
    torch.manual_seed(0)
    layer = utils.skip_init(nn.Linear, 2, 3)
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(1)) and layer.weight.shape == (3, 2)
    with pytest.raises(RuntimeError):
        utils.skip_init(nn.ReLU)
    torch.manual_seed(0)
    again = nn.Linear(2, 3)
    assert again.weight.abs().max() <= 0.7072


def test_data_parallel_on_one_device():
    model = nn.DataParallel(nn.Linear(2, 2))
    assert [*model.state_dict()] == ["module.weight", "module.bias"] and model.module.in_features == 2
    assert model(torch.ones(3, 2)).shape == (3, 2)
    model(torch.ones(3, 2)).sum().backward()
    assert model.module.weight.grad is not None


# ---------------------------------------------------------------- against PyTorch


def test_weight_reparametrizations_are_pytorchs():
    def program(torch):
        nn = torch.nn
        utils = nn.utils
        found = []
        makers = [
            lambda m: utils.weight_norm(m),
            lambda m: utils.weight_norm(m, dim=1),
            lambda m: utils.weight_norm(m, dim=None),
            lambda m: utils.spectral_norm(m),
            lambda m: utils.spectral_norm(m, n_power_iterations=3, dim=1),
            lambda m: utils.parametrizations.weight_norm(m),
            lambda m: utils.parametrizations.weight_norm(m, dim=None),
            lambda m: utils.parametrizations.spectral_norm(m),
        ]
        for map_name in ("matrix_exp", "cayley", "householder"):
            for trivial in (True, False):
                makers.append(
                    lambda m, a=map_name, b=trivial: utils.parametrizations.orthogonal(
                        m, "weight", a, use_trivialization=b
                    )
                )
        for make in makers:
            for shape in ((4, 4), (3, 5), (5, 3)):
                layer = make(nn.Linear(*shape))
                y = layer(torch.randn(2, shape[0])) ** 2
                y.sum().backward()
                state = dict(sorted(layer.state_dict().items()))
                grads = {name: p.grad for name, p in sorted(layer.named_parameters())}
                found.append([state, grads, y, repr(layer), layer.eval()(torch.ones(1, shape[0]))])
        return found

    compare(program, rtol=2e-4, atol=2e-5)


def test_pruning_is_pytorchs():
    def program(torch):
        import importlib

        nn = torch.nn
        prune = importlib.import_module(torch.__name__ + ".nn.utils.prune")
        layer, other = nn.Linear(5, 4), nn.Linear(4, 3)
        found = []
        for step in (
            lambda: prune.random_unstructured(layer, "weight", 0.3),
            lambda: prune.l1_unstructured(layer, "weight", 3),
            lambda: prune.random_structured(layer, "weight", 1, 1),
            lambda: prune.ln_structured(layer, "weight", 0.4, 1, -1),
            lambda: prune.global_unstructured(
                [(layer, "weight"), (other, "weight")], prune.L1Unstructured, amount=0.4
            ),
            lambda: prune.global_unstructured(
                [(layer, "weight"), (other, "weight")], prune.RandomUnstructured, amount=3
            ),
        ):
            step()
            found.append([layer.state_dict(), other.state_dict(), layer.weight])
        prune.remove(layer, "weight")
        found.append([dict(layer.named_parameters()), torch.rand(2)])
        calls = [
            lambda: prune.l1_unstructured(layer, "weight", -1),
            lambda: prune.l1_unstructured(layer, "weight", 1.5),
            lambda: prune.l1_unstructured(layer, "nowhere", 1),
            lambda: prune.l1_unstructured(layer, "weight", "a"),
            lambda: prune.ln_structured(layer, "bias", 1, 2, 0),
            lambda: prune.ln_structured(nn.Linear(3, 3), "weight", 1, 2, 7),
            lambda: prune.global_unstructured(3, prune.L1Unstructured, amount=0.5),
            lambda: prune.remove(layer, "weight"),
        ]
        return [*found, [type(outcome(call)).__name__ for call in calls]]

    compare(program)
