"""Averaged models, their learning rates, and the statistics of their batch normalisation."""

import copy

import numpy as np
import pytest
import tinytensor as tt
from tinytensor.optim import swa_utils

pytestmark = pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def make_model(lib, seed=0):
    nn = lib.nn
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))
    set_values(lib, model, seed)
    return model


def set_values(lib, model, seed):
    random = np.random.default_rng(seed)
    with lib.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(lib.tensor(random.random(tuple(tensor.shape)), dtype=tensor.dtype))
            else:
                tensor.fill_(seed)


def arrays(module):
    return [tensor.detach().numpy().copy() for tensor in [*module.parameters(), *module.buffers()]]


def averaged(lib, steps=4, **options):
    model = make_model(lib)
    average = lib.optim.swa_utils.AveragedModel(model, **options)
    shown = []
    for seed in range(1, steps + 1):
        set_values(lib, model, seed)
        shown.append(arrays(model))
        average.update_parameters(model)
    return average, shown


def test_the_mean():
    average, shown = averaged(tt)
    assert average.n_averaged == 4 and average.n_averaged.dtype == tt.int64
    parameters = len(list(average.module.parameters()))
    for i, (found, *values) in enumerate(zip(arrays(average.module), *shown)):
        expected = np.mean(values, axis=0) if i < parameters else values[-1]  # buffers are copied
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_exponential_means():
    functions = [
        dict(avg_fn=swa_utils.get_ema_avg_fn(0.7)),
        dict(multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.7)),
        dict(avg_fn=lambda average, value, count: 0.7 * average + 0.3 * value),
    ]
    for options in functions:
        average, shown = averaged(tt, **options)
        expected = shown[0]
        for values in shown[1:]:
            expected = [0.7 * a + 0.3 * b for a, b in zip(expected, values)]
        for found, value in zip(average.module.parameters(), expected):
            np.testing.assert_allclose(found.detach().numpy(), value, rtol=1e-5)


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("kind", ["default", "swa", "swa_multi", "ema", "ema_multi"])
def test_peer(torch, kind, use_buffers):
    if use_buffers and kind in ("default", "swa_multi"):
        pytest.skip("PyTorch has no mean of integer buffers")
    results = []
    for lib in (tt, torch):
        utils = lib.optim.swa_utils
        options = {
            "default": {},
            "swa": dict(avg_fn=utils.get_swa_avg_fn()),
            "swa_multi": dict(multi_avg_fn=utils.get_swa_multi_avg_fn()),
            "ema": dict(avg_fn=utils.get_ema_avg_fn(0.9)),
            "ema_multi": dict(multi_avg_fn=utils.get_ema_multi_avg_fn(0.9)),
        }[kind]
        results.append(averaged(lib, use_buffers=use_buffers, **options)[0])
    ours, theirs = results
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for a, b in zip(ours.state_dict().values(), theirs.state_dict().values()):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5)


def test_the_mean_of_buffers():
    average, shown = averaged(tt, use_buffers=True)
    for found, *values in zip(arrays(average.module), *shown):
        if found.dtype != np.int64:
            np.testing.assert_allclose(found, np.mean(values, axis=0), rtol=1e-5)


def test_it_is_a_copy_that_can_be_called():
    model = make_model(tt).eval()
    average = swa_utils.AveragedModel(model)
    x = tt.ones(3, 4)
    np.testing.assert_array_equal(average(x).detach().numpy(), model(x).detach().numpy())
    assert all(a is not b for a, b in zip(average.module.parameters(), model.parameters()))
    twin = copy.deepcopy(average)
    twin.update_parameters(model)
    assert twin.n_averaged == 1 and average.n_averaged == 0


def test_training_on_changes_no_average():
    model = make_model(tt)
    average = swa_utils.AveragedModel(model)
    average.update_parameters(model)
    before = arrays(average.module)
    set_values(tt, model, 9)
    for a, b in zip(before, arrays(average.module)):
        np.testing.assert_array_equal(a, b)
    assert all(p.grad is None and p.grad_fn is None for p in average.module.parameters())


def test_bad_calls():
    for decay in (-0.1, 1.1):
        with pytest.raises(ValueError, match="decay"):
            swa_utils.get_ema_avg_fn(decay)
        with pytest.raises(ValueError, match="decay"):
            swa_utils.get_ema_multi_avg_fn(decay)
    with pytest.raises(AssertionError, match="Only one"):
        swa_utils.AveragedModel(make_model(tt), avg_fn=max, multi_avg_fn=max)
    optimizer = tt.optim.SGD([tt.zeros(1, requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError, match="anneal_strategy"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="no")
    with pytest.raises(ValueError, match="anneal_epochs"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr"):
        swa_utils.SWALR(optimizer, [0.1, 0.2])


# ---------------------------------------------------------------- batch normalisation


def test_update_bn():
    model = make_model(tt).eval()
    data = [np.random.default_rng(i).normal(size=(8, 4)).astype("float32") for i in range(3)]
    swa_utils.update_bn([(tt.tensor(x), None) for x in data], model)
    norm = model[1]
    hidden = [model[0](tt.tensor(x)).detach().numpy() for x in data]
    np.testing.assert_allclose(
        norm.running_mean.numpy(), np.mean([h.mean(0) for h in hidden], axis=0), rtol=1e-4
    )
    variances = [h.var(0, ddof=1) for h in hidden]
    np.testing.assert_allclose(norm.running_var.numpy(), np.mean(variances, axis=0), rtol=1e-4)
    assert norm.momentum == 0.1 and not model.training and norm.num_batches_tracked == 3


def test_update_bn_without_batchnorm():
    seen = []
    model = tt.nn.Linear(4, 2)
    swa_utils.update_bn((seen.append(i) for i in range(3)), model)
    assert seen == []  # nothing to do, so the data is not read


# ---------------------------------------------------------------- rates


@pytest.mark.parametrize(
    "options",
    [
        dict(swa_lr=0.05),
        dict(swa_lr=[0.01, 0.5], anneal_epochs=4, anneal_strategy="linear"),
        dict(swa_lr=0.05, anneal_epochs=0),
        dict(swa_lr=0.05, anneal_epochs=1),
    ],
)
def test_swalr_peer(torch, options):
    results, states = [], []
    for lib in (tt, torch):
        params = [{"params": [lib.zeros(2, requires_grad=True)], "lr": lr} for lr in (0.1, 0.2)]
        optimizer = lib.optim.SGD(params)
        scheduler = lib.optim.swa_utils.SWALR(optimizer, **options)
        for _ in range(20):
            results.append([group["lr"] for group in optimizer.param_groups])
            optimizer.step()
            scheduler.step()
        states.append(scheduler.state_dict())
    np.testing.assert_allclose(results[:20], results[20:], rtol=1e-12)
    assert list(states[0]) == list(states[1])


def test_swalr_reaches_its_rate():
    optimizer = tt.optim.SGD([tt.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = swa_utils.SWALR(optimizer, 0.2, anneal_epochs=4, anneal_strategy="linear")
    seen = []
    for _ in range(6):
        seen.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    np.testing.assert_allclose(seen, [1, 0.8, 0.6, 0.4, 0.2, 0.2])
