"""Optimizers: values against NumPy references and PyTorch, state, checkpoints, param groups, hooks,
errors."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
import tinytensor as tt
from optim_references import CASES, IDS
from tinytensor.optim import optimizer as base

ALL = (
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
)
SHAPES = [(3, 4), (5,), (), (0,), (2, 1, 3)]


def values(*shape, seed=0, dtype="float64"):
    return np.asarray(np.random.default_rng(seed).normal(size=shape)).astype(dtype)


def gradients(shape, steps, dtype="float64"):
    return [values(*shape, seed=100 + step, dtype=dtype) for step in range(steps)]


def leaf(array, lib=tt):
    return lib.tensor(array).requires_grad_()


def run(lib, name, arrays, grads, **options):
    """Steps with given gradients: a list over steps of lists over parameters."""
    params = [leaf(array, lib) for array in arrays]
    optimizer = getattr(lib.optim, name)(params, **options)
    for step in grads:
        for param, grad in zip(params, step):
            param.grad = None if grad is None else lib.tensor(grad)
        optimizer.step()
    return params, optimizer


@pytest.fixture
def torch():
    module = pytest.importorskip("torch")
    import torch.optim.optimizer  # noqa: F401

    return module


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("name, reference, options", CASES, ids=IDS)
def test_reference(name, reference, options):
    arrays = [values(*shape, seed=i) for i, shape in enumerate(SHAPES)]
    grads = [gradients(shape, 40) for shape in SHAPES]
    params, _ = run(tt, name, arrays, list(zip(*grads)), **options)
    for param, array, series in zip(params, arrays, grads):
        expected = reference(array, series, **options)
        # eta, mu_product and the like are kept in float32
        np.testing.assert_allclose(param.detach().numpy(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("name, reference, options", CASES, ids=IDS)
def test_peer(torch, name, reference, options, dtype, tolerance):
    arrays = [values(*shape, seed=i, dtype=dtype) for i, shape in enumerate(SHAPES)]
    grads = list(zip(*(gradients(shape, 100, dtype) for shape in SHAPES)))
    ours, optimizer = run(tt, name, arrays, grads, **options)
    theirs, peer = run(torch, name, arrays, grads, foreach=False, **options)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)
    for a, b in zip(ours, theirs):
        mine, other = optimizer.state[a], peer.state[b]
        assert list(mine) == list(other)
        for key in mine:
            assert str(mine[key].dtype) == str(other[key].dtype) and mine[key].shape == other[key].shape
            np.testing.assert_allclose(mine[key].numpy(), other[key].numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name, reference, options", CASES, ids=IDS)
def test_peer_half(torch, name, reference, options, dtype):
    if options.get("centered"):
        pytest.skip("the variance of halves is all rounding")
    results = []
    for lib in (tt, torch):
        kind = getattr(lib, dtype)
        params = [lib.tensor(values(700, seed=1), dtype=kind).requires_grad_()]
        eps = {} if name in ("Adadelta", "ASGD", "Rprop", "SGD") else {"eps": 1e-3}
        optimizer = getattr(lib.optim, name)(params, **{**options, **eps})
        for grad in gradients((700,), 5):  # large enough for their squares not to vanish in a half
            params[0].grad = lib.tensor(grad + 3 * np.sign(grad), dtype=kind)
            optimizer.step()
        assert all(state.dtype == kind for key, state in optimizer.state[params[0]].items() if state.ndim)
        results.append(params[0].detach().to(lib.float32).numpy())
    np.testing.assert_allclose(*results, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("name", [name for name in ALL if name != "Adafactor"])
def test_layouts(name):
    """Transposed, sliced and spread out parameters, gradients and states all step alike."""
    start, series = values(6, 8), gradients((6, 8), 6)
    (plain,), _ = run(tt, name, [start], [[g] for g in series])

    def spread(array):
        room = tt.zeros(6, 17, dtype=tt.float64)
        room[:, 1::2] = tt.tensor(array)
        return room[:, 1::2]

    layouts = {
        "plain": tt.tensor,
        "transposed": lambda a: tt.tensor(np.ascontiguousarray(a.T)).t(),
        "spread": spread,
    }
    for of_param in layouts.values():
        for of_grad in layouts.values():
            param = of_param(start).detach().requires_grad_()
            optimizer = getattr(tt.optim, name)([param])
            for number, g in enumerate(series):
                param.grad = of_grad(g)
                strides = param.stride()
                optimizer.step()
                assert param.stride() == strides
                for key, state in optimizer.state[
                    param
                ].items():  # states that lie otherwise than the parameter
                    if number == 2 and state.ndim:
                        optimizer.state[param][key] = of_grad(state.numpy().copy())
            np.testing.assert_array_equal(param.detach().numpy(), plain.detach().numpy())


def test_expanded_gradient():
    param = leaf(np.zeros((3, 4)))
    param.grad = tt.ones(1, 4, dtype=tt.float64).expand(3, 4)
    tt.optim.SGD([param], lr=0.5).step()
    np.testing.assert_array_equal(param.detach().numpy(), np.full((3, 4), -0.5))


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_threads(name):
    """Large tensors are cut among threads, with the same bits for any number of them."""
    shapes = [(300, 301), (7,), (50_000,), (1,)]
    arrays = [values(*shape, dtype="float32") for shape in shapes]
    grads = list(zip(*(gradients(shape, 3, "float32") for shape in shapes)))
    before, results = tt.get_num_threads(), []
    for count in (1, 2, 4):
        tt.set_num_threads(count)
        results.append(run(tt, name, arrays, grads)[0])
    tt.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_infinite_parameters_stay():
    param = leaf(np.array([-math.inf, math.inf, 1.0]))
    for name in ("SGD", "Adam", "RMSprop"):
        param.grad = tt.tensor([0.0, 0.0, 1.0], dtype=tt.float64)
        getattr(tt.optim, name)([param]).step()
    assert param[0] == -math.inf and param[1] == math.inf and param[2].isfinite()


def test_nan_gradients_show():
    for name in ALL:
        param = leaf(np.zeros((2, 2)))
        param.grad = tt.tensor([[math.nan, 1.0], [1.0, 1.0]], dtype=tt.float64)
        optimizer = getattr(tt.optim, name)([param])
        optimizer.step()
        if name not in ("Rprop", "Adafactor"):
            assert param[0, 0].isnan() and not param[1, 1].isnan(), name


def test_mixed_dtypes_in_a_group():
    a, b = leaf(values(3, dtype="float32")), leaf(values(3))
    a.grad, b.grad = tt.ones(3), tt.ones(3, dtype=tt.float64)
    before = a.detach().clone()
    tt.optim.SGD([a, b], lr=0.5).step()
    np.testing.assert_allclose(a.detach().numpy(), before.numpy() - 0.5, rtol=1e-6)
    np.testing.assert_allclose(b.detach().numpy(), values(3) - 0.5)


def test_asgd_averages_from_t0():
    arrays, grads = [values(4)], [[g] for g in gradients((4,), 8)]
    seen = []
    param = leaf(arrays[0])
    optimizer = tt.optim.ASGD([param], t0=3)
    for (grad,) in grads:
        param.grad = tt.tensor(grad)
        optimizer.step()
        seen.append(param.detach().numpy().copy())
    # mu(t) = 1 / max(1, t - t0) serves step t + 1: the average begins with the parameter after step 5
    np.testing.assert_allclose(optimizer.state[param]["ax"].numpy(), np.mean(seen[4:], axis=0), rtol=1e-6)


# ---------------------------------------------------------------- autograd's view


def test_versions():
    param = leaf(values(3))
    y = (param * param).sum()
    param.grad = tt.ones(3, dtype=tt.float64)
    version = param._version
    optimizer = tt.optim.Adam([param])
    optimizer.step()
    assert param._version > version and optimizer.state[param]["exp_avg"]._version > 0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_training_loop():
    x, w = tt.tensor(values(64, 3)), tt.tensor([1.0, -2.0, 0.5], dtype=tt.float64)
    param = tt.zeros(3, dtype=tt.float64, requires_grad=True)
    optimizer = tt.optim.Adam([param], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss = ((x @ param - x @ w) ** 2).mean()
        loss.backward()
        optimizer.step()
    np.testing.assert_allclose(param.detach().numpy(), w.numpy(), atol=1e-3)


def test_zero_grad():
    a, b = leaf(values(3)), leaf(values(2))
    a.grad = tt.ones(3, dtype=tt.float64)
    kept = a.grad
    optimizer = tt.optim.SGD([a, b], lr=0.1)
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is kept and (kept == 0).all() and b.grad is None
    (a * 2).sum().backward(create_graph=True)
    optimizer.zero_grad(set_to_none=False)
    assert not a.grad.requires_grad and (a.grad == 0).all()
    optimizer.zero_grad()
    assert a.grad is None


def test_parameters_without_gradient_stay():
    a, b = leaf(values(3)), leaf(values(2))
    a.grad = tt.ones(3, dtype=tt.float64)
    optimizer = tt.optim.Adam([a, b])
    optimizer.step()
    np.testing.assert_array_equal(b.detach().numpy(), values(2))
    assert list(optimizer.state) == [a]


def test_closure():
    param = leaf(values(3))
    optimizer = tt.optim.SGD([param], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (param**2).sum()
        loss.backward()
        return loss

    with tt.no_grad():
        loss = optimizer.step(closure)
    np.testing.assert_allclose(loss.item(), (values(3) ** 2).sum())
    np.testing.assert_allclose(param.detach().numpy(), values(3) * 0.8)


# ---------------------------------------------------------------- param groups and options


def test_groups():
    a, b, c = (leaf(values(2)) for _ in range(3))
    optimizer = tt.optim.SGD(
        [{"params": [a], "lr": 0.5}, {"params": b, "name": "bias"}], lr=0.1, momentum=0.9
    )
    optimizer.add_param_group({"params": (c,), "momentum": 0})
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1, 0.1]
    assert optimizer.param_groups[1]["params"] == [b] and optimizer.param_groups[1]["name"] == "bias"
    for param in (a, b, c):
        param.grad = tt.ones(2, dtype=tt.float64)
    optimizer.param_groups[2]["lr"] = 2.0
    optimizer.step()
    for param, lr in ((a, 0.5), (b, 0.1), (c, 2.0)):
        np.testing.assert_allclose(param.detach().numpy(), values(2) - lr)
    assert list(optimizer.state) == [a, b]


def test_tensor_options():
    param = leaf(values(2))
    lr = tt.tensor(0.5)
    optimizer = tt.optim.SGD([param], lr=lr, weight_decay=tt.tensor(0.0))
    param.grad = tt.ones(2, dtype=tt.float64)
    optimizer.step()
    lr.fill_(0.25)
    optimizer.step()
    np.testing.assert_allclose(param.detach().numpy(), values(2) - 0.75)
    tt.optim.Adam([param], betas=(tt.tensor(0.9), tt.tensor(0.99))).step()


@pytest.mark.parametrize(
    "options", [{"foreach": True}, {"foreach": False}, {"fused": True}, {"capturable": False}]
)
def test_implementations_step_alike(options):
    arrays, grads = [values(4)], [[g] for g in gradients((4,), 3)]
    (plain,), _ = run(tt, "Adam", arrays, grads)
    (other,), optimizer = run(tt, "Adam", arrays, grads, **options)
    np.testing.assert_array_equal(plain.detach().numpy(), other.detach().numpy())
    assert optimizer.param_groups[0].items() >= options.items()


def test_names():
    a, b = leaf(values(2)), leaf(values(2))
    optimizer = tt.optim.SGD([("a", a), ("b", b)], lr=0.1)
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match="without names"):
        optimizer.add_param_group({"params": [leaf(values(2))]})
    with pytest.raises(ValueError, match="missing"):
        tt.optim.SGD([("a", a), b])


def bad_calls(lib):
    p, optim = lib.zeros(2, 3, requires_grad=True), lib.optim
    sgd = optim.SGD([p])
    return [
        lambda: optim.SGD(p),
        lambda: optim.SGD([]),
        lambda: optim.SGD([p, 1]),
        lambda: optim.SGD([p * 1]),
        lambda: optim.SGD([{"params": {p}}]),
        lambda: optim.SGD([{"params": p}, {"params": p}]),
        lambda: optim.SGD([{"params": p}, 3]),
        lambda: optim.SGD([{"lr": 1}]),
        lambda: optim.SGD([p], lr=-1),
        lambda: optim.Adam([p], lr=math.nan),
        lambda: optim.SGD([p], lr=lib.tensor([1.0, 2.0])),
        lambda: optim.SGD([p], momentum=-1),
        lambda: optim.SGD([p], nesterov=True),
        lambda: optim.SGD([p], momentum=0.9, dampening=0.1, nesterov=True),
        lambda: optim.SGD([p], weight_decay=-1),
        lambda: optim.SGD([p], fused=True, foreach=True),
        lambda: optim.SGD([p], fused=True, differentiable=True),
        lambda: optim.Adam([p], eps=-1),
        lambda: optim.Adam([p], betas=(1.0, 0.9)),
        lambda: optim.Adam([p], betas=(0.5, 1.9)),
        lambda: optim.Adam([p], betas=(0.9,)),
        lambda: optim.Adam([p], betas=(lib.tensor(0.9), 0.9)),
        lambda: optim.Adam([p], weight_decay=-1),
        lambda: optim.Adam([p], lr=lib.tensor(0.1), foreach=True),
        lambda: optim.AdamW([p], weight_decay=-1),
        lambda: optim.RMSprop([p], alpha=-1),
        lambda: optim.RMSprop([p], momentum=-1),
        lambda: optim.Adagrad([p], lr_decay=-1),
        lambda: optim.Adagrad([p], initial_accumulator_value=-1),
        lambda: optim.Adadelta([p], rho=2),
        lambda: optim.Adamax([p], betas=(0.9, 1.0)),
        lambda: optim.NAdam([p], momentum_decay=-1),
        lambda: optim.RAdam([p], lr=-1),
        lambda: optim.ASGD([p], weight_decay=-1),
        lambda: optim.Rprop([p], etas=(2, 3)),
        lambda: optim.LBFGS([p], lr=-1),
        lambda: optim.LBFGS([{"params": [p]}, {"params": [lib.zeros(1, requires_grad=True)]}]),
        lambda: optim.SparseAdam([p], lr=-1),
        lambda: optim.SparseAdam([p], betas=(2, 1)),
        lambda: optim.Adafactor([p], beta2_decay=1),
        lambda: optim.Muon([lib.zeros(3, requires_grad=True)]),
        lambda: optim.Muon([p], adjust_lr_fn="no"),
        lambda: sgd.add_param_group([p]),
        lambda: sgd.add_param_group({"params": [p]}),
        lambda: sgd.add_param_group({"params": [("name", lib.zeros(1, requires_grad=True))]}),
        lambda: sgd.load_state_dict({"state": {}, "param_groups": []}),
        lambda: sgd.load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]}),
        lambda: sgd.load_state_dict({"param_groups": [{"params": [0]}]}),
        lambda: optim.Optimizer([p], {}).step(),
    ]


@pytest.mark.parametrize("index", range(len(bad_calls(tt))))
def test_bad_calls(index):
    with pytest.raises((ValueError, TypeError, RuntimeError, IndexError, KeyError)) as ours:
        bad_calls(tt)[index]()
    try:
        import torch
    except ImportError:
        return
    with pytest.raises(ours.type):
        bad_calls(torch)[index]()


def test_differentiable_is_refused():
    with pytest.raises(NotImplementedError, match="differentiable"):
        tt.optim.Adam([leaf(values(2))], differentiable=True)


def test_sparse_adam_refuses_dense_gradients():
    param = leaf(values(2))
    optimizer = tt.optim.SparseAdam([param])
    optimizer.step()
    param.grad = tt.ones(2, dtype=tt.float64)
    with pytest.raises(RuntimeError, match="dense gradients"):
        optimizer.step()


def test_bad_states():
    param = leaf(values(2))
    param.grad = tt.ones(2, dtype=tt.float64)
    optimizer = tt.optim.Adam([param])
    optimizer.state[param] = {"step": tt.tensor(1.0)}
    with pytest.raises(KeyError, match="exp_avg"):
        optimizer.step()
    optimizer.state[param] = {"step": tt.tensor(1.0), "exp_avg": 3, "exp_avg_sq": tt.zeros(2)}
    with pytest.raises(TypeError, match="exp_avg"):
        optimizer.step()
    optimizer.state[param] = {"step": tt.tensor(1.0), "exp_avg": tt.zeros(3), "exp_avg_sq": tt.zeros(2)}
    with pytest.raises(RuntimeError, match="sizes differ"):
        optimizer.step()
    optimizer.param_groups[0].pop("lr")
    with pytest.raises(KeyError, match="lr"):
        optimizer.step()
    optimizer.param_groups[0]["lr"] = "fast"
    with pytest.raises(TypeError, match="lr"):
        optimizer.step()


def test_printed(torch):
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "LBFGS", "Adafactor", "Muon"):
        texts = []
        for lib in (tt, torch):
            groups = [{"params": [lib.zeros(2, 2, requires_grad=True)], "lr": 0.5, "name": "x"}]
            if name != "LBFGS":
                groups.append({"params": [lib.zeros(2, 2, requires_grad=True)]})
            texts.append(repr(getattr(lib.optim, name)(groups)))
        assert texts[0] == texts[1]


# ---------------------------------------------------------------- checkpoints


def plain(value):
    """A state_dict without a library's tensors."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(part) for part in value)
    if hasattr(value, "numpy"):
        return ("tensor", value.detach().numpy().copy())
    return value


def with_tensors(value, lib):
    if isinstance(value, dict):
        return {key: with_tensors(part, lib) for key, part in value.items()}
    if isinstance(value, tuple) and len(value) == 2 and value[0] == "tensor":
        return lib.tensor(value[1])
    if isinstance(value, (list, tuple)):
        return type(value)(with_tensors(part, lib) for part in value)
    return value


def same(a, b):
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        if len(a) == 2 and a[0] == "tensor":
            return a[1].dtype == b[1].dtype and np.allclose(a[1], b[1], rtol=1e-4, atol=1e-5)
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("name", ALL)
def test_state_dict_exchange(torch, name):
    """A run that changes the library in the middle ends as one that does not."""
    arrays = [values(3, 4, seed=i, dtype="float32") for i in range(2)]
    grads = list(zip(*(gradients((3, 4), 8, "float32") for _ in arrays)))
    ours, mine = run(tt, name, arrays, grads[:4], lr=0.05)
    theirs, other = run(torch, name, arrays, grads[:4], lr=0.05)
    assert same(plain(mine.state_dict()), plain(other.state_dict()))
    swapped = []
    for source, params, lib in ((mine, ours, torch), (other, theirs, tt)):
        copies = [leaf(param.detach().numpy().copy(), lib) for param in params]
        optimizer = getattr(lib.optim, name)(copies, lr=1.0)
        optimizer.load_state_dict(with_tensors(plain(source.state_dict()), lib))
        assert optimizer.param_groups[0]["lr"] == 0.05
        for step in grads[4:]:
            for param, grad in zip(copies, step):
                param.grad = lib.tensor(grad)
            optimizer.step()
        swapped.append(copies)
    whole, _ = run(torch, name, arrays, grads, lr=0.05)
    for copies in swapped:
        for a, b in zip(copies, whole):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=2e-4, atol=2e-5)


def test_loading_brings_states_to_their_parameter():
    param, half = leaf(values(3, dtype="float32")), tt.zeros(3, dtype=tt.bfloat16, requires_grad=True)
    param.grad = tt.ones(3)
    optimizer = tt.optim.Adam([param])
    optimizer.step()
    other = tt.optim.Adam([half])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[half]["exp_avg"].dtype == tt.bfloat16 and other.state[half]["step"].dtype == tt.float32
    assert other.param_groups[0] is not optimizer.param_groups[0]


def test_loading_old_checkpoints():
    """Counts of steps were numbers once, and options have been added since."""
    param = leaf(values(3, dtype="float32"))
    optimizer = tt.optim.AdamW([param])
    optimizer.load_state_dict(
        {
            "state": {0: {"step": 3, "exp_avg": tt.zeros(3), "exp_avg_sq": tt.zeros(3)}},
            "param_groups": [
                {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0, "params": [0]}
            ],
        }
    )
    param.grad = tt.ones(3)
    optimizer.step()
    assert optimizer.state[param]["step"] == 4 and optimizer.state[param]["step"].dtype == tt.float32


def test_copies():
    param = leaf(values(3))
    param.grad = tt.ones(3, dtype=tt.float64)
    optimizer = tt.optim.Adam([param], lr=0.5)
    optimizer.step()
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (other,) = twin.param_groups[0]["params"]
        assert other is not param and list(twin.state) == [other] and twin.state[other]["step"] == 1
        other.grad = tt.ones(3, dtype=tt.float64)
        twin.step()
        assert twin.state[other]["step"] == 2 and optimizer.state[param]["step"] == 1


# ---------------------------------------------------------------- hooks and subclasses


def test_step_hooks():
    param, calls = leaf(values(3)), []
    optimizer = tt.optim.SGD([param], lr=0.1)
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append(("pre", o, args, kwargs))),
        optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append(("post", o, args, kwargs))),
        base.register_optimizer_step_pre_hook(lambda *_: calls.append("all pre")),
        base.register_optimizer_step_post_hook(lambda *_: calls.append("all post")),
    ]
    optimizer.step(closure=None)
    expected = {"closure": None}
    assert calls == [
        "all pre",
        ("pre", optimizer, (), expected),
        ("post", optimizer, (), expected),
        "all post",
    ]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(calls) == 4
    optimizer.register_step_pre_hook(lambda *_: 3)
    with pytest.raises(RuntimeError, match="new_args"):
        optimizer.step()


def test_a_wrapper_of_an_optimizer_has_no_hooks_of_its_own():
    class Wrapper(tt.optim.Optimizer):
        def __init__(self, optimizer):
            self.optimizer = optimizer
            self.param_groups = optimizer.param_groups

        def step(self, closure=None):
            return self.optimizer.step(closure)

    param, calls = leaf(values(3)), []
    param.grad = tt.ones_like(param)
    inner = tt.optim.SGD([param], lr=1.0)
    inner.register_step_pre_hook(lambda *_: calls.append("pre"))
    before = param.detach().clone()
    wrapper = Wrapper(inner)
    schedule = tt.optim.lr_scheduler.LambdaLR(wrapper, lambda step: 1.0)
    wrapper.step()
    schedule.step()
    assert calls == ["pre"] and tt.allclose(param, before - 1)


def test_hooks_change_arguments_and_run_once():
    class Counted(tt.optim.SGD):
        def step(self, closure=None):
            return closure, super().step()

    optimizer, calls = Counted([leaf(values(3))]), []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append(1) or ((5,), {}))
    assert optimizer.step() == (5, None) and calls == [1]


def test_state_dict_hooks():
    optimizer, calls = tt.optim.SGD([leaf(values(3))], lr=0.1), []
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("pre"))
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, d: {**d, "extra": 1})
    state = optimizer.state_dict()
    assert calls == ["first", "pre"] and state["extra"] == 1

    def change(o, d):
        d["param_groups"] = [{**d["param_groups"][0], "lr": 7}]
        return d

    optimizer.register_load_state_dict_pre_hook(change)
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 7 and calls[-1] == "loaded"


def test_own_optimizers():
    class Sign(tt.optim.Optimizer):
        def __init__(self, params, lr=base.required):
            super().__init__(params, {"lr": lr})

        @tt.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for param in group["params"]:
                    param.add_(param.grad.sign(), alpha=-group["lr"])
                    self.state[param]["seen"] = True

    param = leaf(values(3))
    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Sign([param])
    optimizer = Sign([{"params": [param], "lr": 0.5}])
    calls = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    param.grad = tt.ones(3, dtype=tt.float64)
    optimizer.step()
    np.testing.assert_allclose(param.detach().numpy(), values(3) - 0.5)
    assert calls == [1] and optimizer.state_dict()["state"] == {0: {"seen": True}}
    assert repr(base.required) == "<required parameter>"


def test_duplicates_warn():
    param = leaf(values(3))
    with pytest.warns(UserWarning, match="duplicate"):
        tt.optim.SGD([param, param])


# ---------------------------------------------------------------- the others


def rosenbrock(lib, name, steps, **options):
    x = lib.tensor([-1.5, 2.0], dtype=lib.float64, requires_grad=True)
    y = lib.tensor(0.5, dtype=lib.float64, requires_grad=True)
    optimizer = getattr(lib.optim, name)([x, y], **options)

    def closure():
        optimizer.zero_grad()
        loss = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + (y - 3) ** 2
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(steps)]
    return losses, x.detach().numpy(), optimizer.state[x]


LBFGS_OPTIONS = [
    dict(lr=0.01, max_iter=5),
    dict(line_search_fn="strong_wolfe"),
    dict(line_search_fn="strong_wolfe", max_iter=3, history_size=2),
    dict(line_search_fn="strong_wolfe", lr=0.1, max_eval=7),
]


def test_lbfgs_finds_the_minimum():
    losses, x, _ = rosenbrock(tt, "LBFGS", 8, line_search_fn="strong_wolfe")
    assert losses[-1] < 1e-9
    np.testing.assert_allclose(x, [1, 1], atol=1e-4)


@pytest.mark.parametrize("options", LBFGS_OPTIONS)
def test_lbfgs_peer(torch, options):
    ours, x, mine = rosenbrock(tt, "LBFGS", 4, **options)
    theirs, y, other = rosenbrock(torch, "LBFGS", 4, **options)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(x, y, rtol=1e-6)
    assert {key for key in other if key != "al"} == set(mine)
    assert mine["func_evals"] == other["func_evals"] and mine["n_iter"] == other["n_iter"]


def test_lbfgs_refuses_other_line_searches():
    with pytest.raises(RuntimeError, match="strong_wolfe"):
        rosenbrock(tt, "LBFGS", 1, line_search_fn="backtracking")


@pytest.mark.parametrize(
    "options", [{}, {"weight_decay": 0.1, "maximize": True, "d": 2.0, "eps": (1e-3, 1e-2)}]
)
def test_adafactor_peer(torch, options):
    shapes = [(3, 4), (5,), (), (2, 3, 4)]
    arrays = [values(*shape, dtype="float32") for shape in shapes]
    grads = list(zip(*(gradients(shape, 30, "float32") for shape in shapes)))
    ours, mine = run(tt, "Adafactor", arrays, grads, **options)
    theirs, other = run(torch, "Adafactor", arrays, grads, **options)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert same(plain(mine.state_dict()), plain(other.state_dict()))


@pytest.mark.parametrize(
    "options", [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.5}]
)
def test_muon_peer(torch, options):
    shapes = [(8, 4), (4, 8), (5, 5)]
    arrays = [values(*shape, dtype="float32") for shape in shapes]
    grads = list(zip(*(gradients(shape, 10, "float32") for shape in shapes)))
    ours, mine = run(tt, "Muon", arrays, grads, lr=0.02, **options)
    theirs, other = run(torch, "Muon", arrays, grads, lr=0.02, **options)
    for a, b in zip(ours, theirs):  # bfloat16 inside
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=5e-3)
    assert same(plain(mine.state_dict()), plain(other.state_dict()))


def test_muon_makes_orthogonal():
    from tinytensor.optim.muon import _orthogonal

    x = (
        _orthogonal(tt.tensor(values(4, 9, dtype="float32")), (3.4445, -4.7750, 2.0315), 5, 1e-7)
        .float()
        .numpy()
    )
    singular = np.linalg.svd(x, compute_uv=False)
    assert singular.min() > 0.5 and singular.max() < 1.4


# ---------------------------------------------------------------- clipping


def graded(lib, arrays):
    params = [leaf(np.zeros_like(array), lib) for array in arrays]
    for param, array in zip(params, arrays):
        param.grad = lib.tensor(array)
    return [*params, leaf(np.zeros(2), lib)]


@pytest.mark.parametrize("norm_type", [2, 2.0, 1, 3.5, 0.5, math.inf, "inf"])
@pytest.mark.parametrize("max_norm", [0.1, 1000.0])
def test_clip_grad_norm(norm_type, max_norm):
    arrays = [values(3, 4), values(5, seed=1), values(seed=2)]
    params = graded(tt, arrays)
    total = tt.nn.utils.clip_grad_norm_((p for p in params), max_norm, norm_type)
    flat, order = np.concatenate([a.ravel() for a in arrays]), float(norm_type)
    expected = np.abs(flat).max() if math.isinf(order) else (np.abs(flat) ** order).sum() ** (1 / order)
    np.testing.assert_allclose(total.item(), expected)
    factor = min(1.0, max_norm / (expected + 1e-6))
    for param, array in zip(params, arrays):
        np.testing.assert_allclose(param.grad.numpy(), array * factor, rtol=1e-12)
    assert params[-1].grad is None


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_clip_grad_norm_peer(torch, dtype):
    arrays = [values(3, 4, dtype=dtype), values(500, seed=1, dtype=dtype)]
    ours, theirs = graded(tt, arrays), graded(torch, arrays)
    a, b = (lib.nn.utils.clip_grad_norm_(params, 1.5) for lib, params in ((tt, ours), (torch, theirs)))
    assert str(a.dtype) == str(b.dtype)
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3)
    for x, y in zip(ours[:2], theirs[:2]):
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=2e-3, atol=1e-5)


def test_clip_edge_cases():
    utils = tt.nn.utils
    assert utils.clip_grad_norm_([], 1.0) == 0
    with pytest.warns(UserWarning, match="empty generator"):
        utils.clip_grad_norm_((p for p in ()), 1.0)
    (param, _) = graded(tt, [np.array([math.inf, 1.0])])
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_(param, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(param.grad.numpy(), [math.inf, 1.0])
    utils.clip_grad_norm_(param, 1.0)
    np.testing.assert_array_equal(param.grad.numpy(), [math.nan, 0.0])
    with pytest.warns(FutureWarning):
        utils.clip_grad_norm(graded(tt, [values(2)]), 1.0)
    version = (grad := graded(tt, [values(2)])[0].grad)._version
    total = utils.get_total_norm([grad, grad])
    np.testing.assert_allclose(total.item(), np.linalg.norm(values(2)) * math.sqrt(2))
    assert grad._version == version


def test_clip_grad_value():
    params = graded(tt, [values(3, 4), values(5, seed=1)])
    tt.nn.utils.clip_grad_value_(params, 0.5)
    for param, array in zip(params, [values(3, 4), values(5, seed=1)]):
        np.testing.assert_array_equal(param.grad.numpy(), np.clip(array, -0.5, 0.5))


def test_clip_with_norm():
    params = graded(tt, [values(3)])
    tt.nn.utils.clip_grads_with_norm_(params, 1.0, tt.tensor(4.0, dtype=tt.float64))
    np.testing.assert_allclose(params[0].grad.numpy(), values(3) / (4 + 1e-6))


def test_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(tt, "Adam", [values(3)], [[g] for g in gradients((3,), 2)])
