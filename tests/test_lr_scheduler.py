"""Schedules of learning rates: closed formulas, PyTorch's values over 100 steps, state, warnings, errors."""

import math
import warnings

import numpy as np
import pytest
import tinytensor as tt

pytestmark = pytest.mark.filterwarnings(
    "ignore:Detected call of `lr_scheduler.step", "ignore:The epoch parameter"
)

COUNTS = 100


def make_optimizer(lib, kind="SGD", lr=0.1, groups=2, **options):
    params = [{"params": [lib.zeros(2, requires_grad=True)], "lr": lr * (i + 1)} for i in range(groups)]
    if kind == "SGD":
        options.setdefault("momentum", 0.9)
    return getattr(lib.optim, kind)(params, **options)


def halved(epoch):
    return 0.5 if epoch % 7 == 0 else 1.0


def shrinking(epoch):
    return 0.95**epoch


# Class and keyword arguments; schedules made from other schedules are functions of library and optimizer.
CASES = [
    ("LambdaLR", dict(lr_lambda=shrinking)),
    ("LambdaLR", dict(lr_lambda=[shrinking, halved])),
    ("MultiplicativeLR", dict(lr_lambda=halved)),
    ("MultiplicativeLR", dict(lr_lambda=[halved, lambda epoch: 0.99])),
    ("StepLR", dict(step_size=7)),
    ("StepLR", dict(step_size=1, gamma=0.9)),
    ("MultiStepLR", dict(milestones=[3, 10, 10, 55])),
    ("MultiStepLR", dict(milestones=[9, 4], gamma=0.7)),
    ("ConstantLR", dict()),
    ("ConstantLR", dict(factor=0.5, total_iters=20)),
    ("LinearLR", dict()),
    ("LinearLR", dict(start_factor=0.2, end_factor=0.9, total_iters=30)),
    ("LinearLR", dict(start_factor=1.0, end_factor=0.1, total_iters=12)),
    ("ExponentialLR", dict(gamma=0.93)),
    ("PolynomialLR", dict()),
    ("PolynomialLR", dict(total_iters=40, power=2.0)),
    ("CosineAnnealingLR", dict(T_max=30)),
    ("CosineAnnealingLR", dict(T_max=9, eta_min=0.01)),
    ("CosineAnnealingWarmRestarts", dict(T_0=7)),
    ("CosineAnnealingWarmRestarts", dict(T_0=3, T_mult=2, eta_min=0.01)),
    ("CyclicLR", dict(base_lr=0.01, max_lr=0.2, step_size_up=8)),
    (
        "CyclicLR",
        dict(base_lr=[0.01, 0.02], max_lr=[0.2, 0.3], step_size_up=8, step_size_down=5, mode="triangular2"),
    ),
    (
        "CyclicLR",
        dict(base_lr=0.01, max_lr=0.2, step_size_up=8, mode="exp_range", gamma=0.97, base_momentum=0.5),
    ),
    (
        "CyclicLR",
        dict(base_lr=0.01, max_lr=0.2, step_size_up=4, scale_fn=lambda x: 1 / (1 + x), cycle_momentum=False),
    ),
    (
        "CyclicLR",
        dict(base_lr=0.01, max_lr=0.2, step_size_up=4, scale_fn=lambda x: 0.99**x, scale_mode="iterations"),
    ),
    ("OneCycleLR", dict(max_lr=0.5, total_steps=COUNTS)),
    (
        "OneCycleLR",
        dict(max_lr=[0.5, 0.6], epochs=10, steps_per_epoch=11, pct_start=0.4, anneal_strategy="linear"),
    ),
    ("OneCycleLR", dict(max_lr=0.5, total_steps=110, three_phase=True, div_factor=10, final_div_factor=100)),
    ("OneCycleLR", dict(max_lr=0.5, total_steps=110, cycle_momentum=False)),
    ("OneCycleLR", dict(max_lr=0.5, total_steps=110, base_momentum=[0.5, 0.6], max_momentum=0.99)),
]
IDS = [f"{name}-{index}" for index, (name, _) in enumerate(CASES)]


def rates(optimizer):
    return [
        (float(group["lr"]), group.get("momentum"), tuple(group.get("betas", ())))
        for group in optimizer.param_groups
    ]


def trace(optimizer, scheduler, steps=COUNTS):
    seen = []
    for _ in range(steps):
        seen.append(rates(optimizer))
        optimizer.step()
        scheduler.step()
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
    return seen


def flat(seen):
    return np.array(
        [[value for group in step for value in (group[0], group[1] or 0, *group[2])] for step in seen]
    )


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("name, options", CASES, ids=IDS)
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_peer(torch, kind, name, options):
    results, states = [], []
    for lib in (tt, torch):
        optimizer = make_optimizer(lib, kind)
        scheduler = getattr(lib.optim.lr_scheduler, name)(optimizer, **options)
        results.append(flat(trace(optimizer, scheduler, COUNTS - 1)))
        states.append(scheduler.state_dict())
    np.testing.assert_allclose(*results, rtol=1e-12, atol=1e-15)
    assert list(states[0]) == list(states[1])
    for key, value in states[0].items():
        assert (
            value == pytest.approx(states[1][key])
            if key in ("_last_lr", "T_cur")
            else value == states[1][key]
        ), key


@pytest.mark.parametrize("name, options", CASES, ids=IDS)
def test_tensor_rates_peer(torch, name, options):
    """A rate that is a tensor stays that tensor."""
    results = []
    for lib in (tt, torch):
        rate = lib.tensor(0.1, dtype=lib.float64)
        optimizer = lib.optim.SGD([lib.zeros(2, requires_grad=True)], lr=rate, momentum=0.9)
        options = {
            key: value[0] if isinstance(value, list) and key != "milestones" else value
            for key, value in options.items()
        }
        scheduler = getattr(lib.optim.lr_scheduler, name)(optimizer, **options)
        seen = []
        for _ in range(40):
            seen.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
        assert optimizer.param_groups[0]["lr"] is rate
        results.append(seen)
    np.testing.assert_allclose(*results, rtol=1e-12)


@pytest.mark.parametrize("name, options", CASES, ids=IDS)
@pytest.mark.parametrize("last_epoch", [0, 4, 9])
def test_restart_peer(torch, last_epoch, name, options):
    """A schedule made anew in the middle, from the groups of an optimizer that already had one."""
    results = []
    for lib in (tt, torch):
        optimizer = make_optimizer(lib)
        first = getattr(lib.optim.lr_scheduler, name)(optimizer, **options)
        trace(optimizer, first, last_epoch)
        second = getattr(lib.optim.lr_scheduler, name)(optimizer, last_epoch=last_epoch, **options)
        results.append(flat(trace(optimizer, second, 40)))
    np.testing.assert_allclose(*results, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name, options", CASES, ids=IDS)
def test_state_goes_on(name, options):
    whole = make_optimizer(tt)
    scheduler = getattr(tt.optim.lr_scheduler, name)(whole, **options)
    expected = flat(trace(whole, scheduler, 60))
    optimizer = make_optimizer(tt)
    scheduler = getattr(tt.optim.lr_scheduler, name)(optimizer, **options)
    trace(optimizer, scheduler, 23)
    other = make_optimizer(tt, lr=7.0)
    resumed = getattr(tt.optim.lr_scheduler, name)(other, **options)
    resumed.load_state_dict(scheduler.state_dict())
    other.load_state_dict(optimizer.state_dict())
    np.testing.assert_allclose(flat(trace(other, resumed, 37)), expected[23:], rtol=1e-12)


@pytest.mark.parametrize("name, options", CASES, ids=IDS)
def test_state_exchange(torch, name, options):
    """A schedule that PyTorch began goes on here, and the reverse."""
    ends = []
    for first, second in ((tt, torch), (torch, tt)):
        optimizer = make_optimizer(first)
        scheduler = getattr(first.optim.lr_scheduler, name)(optimizer, **options)
        trace(optimizer, scheduler, 23)
        other = make_optimizer(second)
        resumed = getattr(second.optim.lr_scheduler, name)(other, **options)
        resumed.load_state_dict(scheduler.state_dict())
        other.load_state_dict(optimizer.state_dict())
        ends.append(flat(trace(other, resumed, 37)))
    np.testing.assert_allclose(*ends, rtol=1e-12)


@pytest.mark.parametrize("name, options", CASES, ids=IDS)
def test_epochs_peer(torch, name, options):
    """step(epoch) takes the closed form."""
    results = []
    for lib in (tt, torch):
        optimizer = make_optimizer(lib)
        scheduler = getattr(lib.optim.lr_scheduler, name)(optimizer, **options)
        seen = []
        for epoch in (0, 5, 3, 50, 10, 11, 30):
            scheduler.step(epoch)
            seen.append([float(group["lr"]) for group in optimizer.param_groups])
        scheduler.step()
        results.append(np.array(seen + [[float(group["lr"]) for group in optimizer.param_groups]]))
    np.testing.assert_allclose(*results, rtol=1e-12, atol=1e-15)


# ---------------------------------------------------------------- formulas


def one_rate(name, steps=60, lr=0.5, **options):
    optimizer = make_optimizer(tt, lr=lr, groups=1)
    scheduler = getattr(tt.optim.lr_scheduler, name)(optimizer, **options)
    return flat(trace(optimizer, scheduler, steps))[:, 0]


def test_formulas():
    t = np.arange(60)
    expected = {
        "StepLR": (dict(step_size=10), 0.5 * 0.1 ** (t // 10)),
        "ExponentialLR": (dict(gamma=0.9), 0.5 * 0.9**t),
        "LambdaLR": (dict(lr_lambda=shrinking), 0.5 * 0.95**t),
        "PolynomialLR": (dict(total_iters=30, power=3), 0.5 * (1 - np.minimum(t, 30) / 30) ** 3),
        "LinearLR": (dict(start_factor=0.5, total_iters=10), 0.5 * (0.5 + 0.5 * np.minimum(t, 10) / 10)),
        "ConstantLR": (dict(factor=0.25, total_iters=4), np.where(t < 4, 0.125, 0.5)),
        "CosineAnnealingLR": (dict(T_max=20, eta_min=0.1), 0.1 + 0.2 * (1 + np.cos(np.pi * t / 20))),
        "CosineAnnealingWarmRestarts": (dict(T_0=20), 0.25 * (1 + np.cos(np.pi * (t % 20) / 20))),
    }
    for name, (options, values) in expected.items():
        np.testing.assert_allclose(one_rate(name, **options), values, rtol=1e-9, atol=1e-12, err_msg=name)
    cycle = one_rate("CyclicLR", base_lr=1.0, max_lr=3.0, step_size_up=5)
    np.testing.assert_allclose(cycle[:11], [1, 1.4, 1.8, 2.2, 2.6, 3, 2.6, 2.2, 1.8, 1.4, 1])
    one = one_rate("OneCycleLR", max_lr=1.0, total_steps=60, pct_start=0.5, anneal_strategy="linear")
    np.testing.assert_allclose(one[[0, 29, 59]], [1 / 25, 1, 1 / 25e4])


def test_restarts_at_fractions(torch):
    results = []
    for lib in (tt, torch):
        for mult in (1, 2):
            optimizer = make_optimizer(lib, groups=1)
            scheduler = lib.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, mult, 0.01)
            for epoch in np.arange(0, 12, 0.37):
                scheduler.step(float(epoch))
                results.append(optimizer.param_groups[0]["lr"])
            with pytest.raises(ValueError, match="non-negative"):
                scheduler.step(-1)
    half = len(results) // 2
    np.testing.assert_allclose(results[:half], results[half:], rtol=1e-12)


# ---------------------------------------------------------------- plateaus

PLATEAUS = [
    dict(),
    dict(mode="max", factor=0.5, patience=2),
    dict(threshold=0.05, threshold_mode="abs", patience=1, cooldown=3),
    dict(mode="max", threshold=0.1, threshold_mode="abs", patience=0, min_lr=[0.01, 0.05]),
    dict(patience=3, factor=0.3, eps=0.02),
]


@pytest.mark.parametrize("options", PLATEAUS)
def test_plateau_peer(torch, options):
    metrics = np.abs(np.random.default_rng(3).normal(size=COUNTS)) + np.linspace(1, 0.2, COUNTS)
    results, states = [], []
    for lib in (tt, torch):
        optimizer = make_optimizer(lib)
        scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        for number, metric in enumerate(metrics):
            scheduler.step(lib.tensor(metric, dtype=lib.float64) if number % 2 else metric)
            results.append(scheduler.get_last_lr())
        states.append(scheduler.state_dict())
    np.testing.assert_allclose(results[:COUNTS], results[COUNTS:])
    assert list(states[0]) == list(states[1])
    assert {k: v for k, v in states[0].items() if k != "_last_lr"} == {
        k: v for k, v in states[1].items() if k != "_last_lr"
    }


def test_plateau_by_hand():
    optimizer = make_optimizer(tt, lr=1.0, groups=1)
    scheduler = tt.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1)
    seen = []
    for metric in (3, 2, 2, 2, 2, 2, 2, 1, 1):
        scheduler.step(metric)
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert not scheduler.in_cooldown


def test_plateau_and_new_groups():
    optimizer = make_optimizer(tt)
    scheduler = tt.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    scheduler.step(1)
    optimizer.add_param_group({"params": [tt.zeros(1, requires_grad=True)], "lr": 0.5})
    scheduler.step(1)
    assert optimizer.param_groups[2]["lr"] == 0.05
    scheduler = tt.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0, 0, 0])
    scheduler.step(1)
    optimizer.add_param_group({"params": [tt.zeros(1, requires_grad=True)], "lr": 0.5})
    with pytest.raises(RuntimeError, match="min_lrs"):
        scheduler.step(1)


# ---------------------------------------------------------------- several schedules


def chained(lib, optimizer):
    s = lib.optim.lr_scheduler
    return s.ChainedScheduler([s.ConstantLR(optimizer, 0.1, 4), s.ExponentialLR(optimizer, 0.9)], optimizer)


def sequential(lib, optimizer):
    s = lib.optim.lr_scheduler
    parts = [
        s.LinearLR(optimizer, 0.1, total_iters=5),
        s.StepLR(optimizer, 3, 0.5),
        s.CosineAnnealingLR(optimizer, 9),
    ]
    return s.SequentialLR(optimizer, parts, [6, 20])


def nested(lib, optimizer):
    s = lib.optim.lr_scheduler
    warm = s.ChainedScheduler([s.LinearLR(optimizer, 0.1, total_iters=5), s.ExponentialLR(optimizer, 0.9)])
    rest = s.CosineAnnealingWarmRestarts(optimizer, 4)
    return s.SequentialLR(optimizer, [s.ConstantLR(optimizer, 0.5, 3), rest], [8]), warm


@pytest.mark.parametrize("make", [chained, sequential])
def test_compound_peer(torch, make):
    results, states = [], []
    for lib in (tt, torch):
        optimizer = make_optimizer(lib)
        scheduler = make(lib, optimizer)
        results.append(flat(trace(optimizer, scheduler)))
        states.append(scheduler.state_dict())
    np.testing.assert_allclose(*results, rtol=1e-12)
    assert list(states[0]) == list(states[1])
    assert [list(part) for part in states[0]["_schedulers"]] == [
        list(part) for part in states[1]["_schedulers"]
    ]


def test_nested_peer(torch):
    results = []
    for lib in (tt, torch):
        optimizer = make_optimizer(lib)
        scheduler, other = nested(lib, optimizer)
        seen = trace(optimizer, scheduler, 30)
        for _ in range(5):
            optimizer.step()
            other.step()
        results.append(flat(seen + [rates(optimizer)]))
    np.testing.assert_allclose(*results, rtol=1e-12)


@pytest.mark.parametrize("make", [chained, sequential])
def test_compound_state_goes_on(make):
    whole = make_optimizer(tt)
    expected = flat(trace(whole, make(tt, whole), 60))
    optimizer = make_optimizer(tt)
    scheduler = make(tt, optimizer)
    trace(optimizer, scheduler, 23)
    other = make_optimizer(tt)
    resumed = make(tt, other)
    resumed.load_state_dict(scheduler.state_dict())
    other.load_state_dict(optimizer.state_dict())
    np.testing.assert_allclose(flat(trace(other, resumed, 37)), expected[23:], rtol=1e-12)


# ---------------------------------------------------------------- manners


def test_initial_lr_and_base_lrs():
    optimizer = make_optimizer(tt)
    scheduler = tt.optim.lr_scheduler.StepLR(optimizer, 2)
    assert [group["initial_lr"] for group in optimizer.param_groups] == scheduler.base_lrs == [0.1, 0.2]
    assert scheduler.last_epoch == 0 and scheduler.get_last_lr() == [0.1, 0.2]
    assert "optimizer" not in scheduler.state_dict()


def test_order_is_watched():
    def warned(prepare):
        optimizer = make_optimizer(tt)
        scheduler = tt.optim.lr_scheduler.StepLR(optimizer, 2)
        prepare(optimizer)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            scheduler.step()
            scheduler.step()
        return [str(warning.message) for warning in caught]

    assert warned(lambda optimizer: optimizer.step()) == []
    (message,) = warned(lambda optimizer: None)
    assert message.startswith("Detected call of `lr_scheduler.step()` before `optimizer.step()`")
    (message,) = warned(lambda optimizer: setattr(optimizer, "step", lambda: None))
    assert "overridden" in message


def test_other_warnings():
    scheduler = tt.optim.lr_scheduler.StepLR(make_optimizer(tt), 2)
    with pytest.warns(UserWarning, match="get_last_lr"):
        assert scheduler.get_lr() == [0.1, 0.2]
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(4)
    assert scheduler.get_last_lr() == pytest.approx([0.001, 0.002])


def test_the_optimizer_is_let_go():
    """The note that step() was called holds no reference."""
    import gc
    import weakref

    gc.disable()
    try:
        optimizer = make_optimizer(tt)
        tt.optim.lr_scheduler.StepLR(optimizer, 2)
        optimizer.step()
        gone = weakref.ref(optimizer)
        del optimizer
        assert gone() is None
    finally:
        gc.enable()


def test_own_schedules():
    class Halving(tt.optim.lr_scheduler._LRScheduler):
        def get_lr(self):
            return [base / 2**self.last_epoch for base in self.base_lrs]

    optimizer = make_optimizer(tt, groups=1, lr=1.0)
    scheduler = Halving(optimizer)
    seen = flat(trace(optimizer, scheduler, 4))[:, 0]
    np.testing.assert_array_equal(seen, [1, 0.5, 0.25, 0.125])


def test_callable_objects_are_saved():
    class Decay:
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, epoch):
            return self.rate**epoch

    optimizer = make_optimizer(tt, groups=1)
    state = tt.optim.lr_scheduler.LambdaLR(optimizer, Decay(0.5)).state_dict()
    assert state["lr_lambdas"] == [{"rate": 0.5}]
    other = tt.optim.lr_scheduler.LambdaLR(make_optimizer(tt, groups=1), Decay(0.9))
    other.load_state_dict(state)
    assert other.lr_lambdas[0].rate == 0.5
    cyclic = dict(base_lr=0.1, max_lr=0.2)
    state = tt.optim.lr_scheduler.CyclicLR(optimizer, scale_fn=Decay(0.5), **cyclic).state_dict()
    assert state["_scale_fn_custom"] == {"rate": 0.5}
    other = tt.optim.lr_scheduler.CyclicLR(optimizer, scale_fn=Decay(0.9), **cyclic)
    other.load_state_dict(state)
    assert other.scale_fn(2) == 0.25


def bad_calls(lib):
    s = lib.optim.lr_scheduler
    sgd = make_optimizer(lib, groups=1)
    other = make_optimizer(lib, groups=1)
    plain = lib.optim.Adagrad([lib.zeros(1, requires_grad=True)])
    return [
        lambda: s.StepLR(3, 2),
        lambda: s.StepLR(sgd, 2, last_epoch=3),
        lambda: s.LRScheduler(sgd),
        lambda: s.LambdaLR(sgd, [shrinking, shrinking]),
        lambda: s.MultiplicativeLR(sgd, [shrinking, shrinking]),
        lambda: s.ConstantLR(sgd, factor=2),
        lambda: s.LinearLR(sgd, start_factor=0),
        lambda: s.LinearLR(sgd, end_factor=2),
        lambda: s.CosineAnnealingWarmRestarts(sgd, 0),
        lambda: s.CosineAnnealingWarmRestarts(sgd, 1, 0),
        lambda: s.CosineAnnealingWarmRestarts(sgd, 1, eta_min="a"),
        lambda: s.CyclicLR(sgd, [0.1, 0.2], 0.3),
        lambda: s.CyclicLR(sgd, 0.1, 0.3, mode="x"),
        lambda: s.CyclicLR(plain, 0.1, 0.3),
        lambda: s.CyclicLR(3, 0.1, 0.3),
        lambda: s.OneCycleLR(sgd, 0.1),
        lambda: s.OneCycleLR(sgd, 0.1, total_steps=-1),
        lambda: s.OneCycleLR(sgd, 0.1, total_steps=1.5),
        lambda: s.OneCycleLR(sgd, 0.1, epochs=0, steps_per_epoch=3),
        lambda: s.OneCycleLR(sgd, 0.1, epochs=1, steps_per_epoch=0),
        lambda: s.OneCycleLR(sgd, 0.1, total_steps=9, pct_start=2.0),
        lambda: s.OneCycleLR(sgd, 0.1, total_steps=9, anneal_strategy="x"),
        lambda: s.OneCycleLR(plain, 0.1, total_steps=9),
        lambda: s.OneCycleLR(sgd, [0.1, 0.2], total_steps=9),
        lambda: [s.OneCycleLR(sgd, 0.1, total_steps=2).step(i) for i in (1, 2, 3)],
        lambda: s.ReduceLROnPlateau(sgd, factor=1.0),
        lambda: s.ReduceLROnPlateau(3),
        lambda: s.ReduceLROnPlateau(sgd, min_lr=[1, 2]),
        lambda: s.ReduceLROnPlateau(sgd, mode="x"),
        lambda: s.ReduceLROnPlateau(sgd, threshold_mode="x"),
        lambda: s.ReduceLROnPlateau(sgd).step(),
        lambda: s.ReduceLROnPlateau(sgd).step("low"),
        lambda: s.ChainedScheduler([]),
        lambda: s.ChainedScheduler([s.StepLR(sgd, 2), s.StepLR(other, 2)]),
        lambda: s.ChainedScheduler([s.StepLR(sgd, 2), s.ReduceLROnPlateau(sgd)]),
        lambda: s.SequentialLR(sgd, [], []),
        lambda: s.SequentialLR(sgd, [s.StepLR(sgd, 2), s.StepLR(other, 2)], [1]),
        lambda: s.SequentialLR(sgd, [s.StepLR(sgd, 2), s.StepLR(sgd, 2)], []),
        lambda: s.SequentialLR(sgd, [s.StepLR(sgd, 2), s.ReduceLROnPlateau(sgd)], [3]),
    ]


@pytest.mark.parametrize("index", range(len(bad_calls(tt))))
def test_bad_calls(index):
    with pytest.raises((ValueError, TypeError, KeyError, NotImplementedError)) as ours:
        bad_calls(tt)[index]()
    try:
        import torch
    except ImportError:
        return
    with pytest.raises(ours.type):
        bad_calls(torch)[index]()


def test_infinite_metrics():
    optimizer = make_optimizer(tt, groups=1)
    scheduler = tt.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    for metric in (math.inf, math.nan, -math.inf):
        scheduler.step(metric)
    assert scheduler.best == -math.inf
