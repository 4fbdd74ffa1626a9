"""`utils.checkpoint`: results and gradients are those without it, from a second run of the function."""

import pytest
import tinytensor as torch
from tinytensor import nn
from tinytensor.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


class Counted(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.LayerNorm(8), nn.Linear(8, 2)
        )
        self.runs = 0

    def forward(self, x):
        self.runs += 1
        return self.layers(x)


def gradients(call):
    model = Counted()
    x = torch.arange(12.0).reshape(3, 4).requires_grad_()
    torch.manual_seed(5)
    y = call(model, x)
    after = torch.rand(1).item()
    y.float().square().sum().backward()
    return [
        y.tolist(),
        after,
        torch.rand(1).item(),
        x.grad.tolist(),
        *(p.grad.tolist() for p in model.parameters()),
    ]


@pytest.mark.parametrize("reentrant", [False, True])
def test_same_results_with_dropout(reentrant):
    assert gradients(lambda m, x: checkpoint(m, x, use_reentrant=reentrant)) == gradients(lambda m, x: m(x))
    assert gradients(
        lambda m, x: checkpoint_sequential(m.layers, 2, x, use_reentrant=reentrant)
    ) == gradients(lambda m, x: m.layers(x))


@pytest.mark.parametrize("reentrant", [False, True])
def test_autocast_is_as_it_was(reentrant):
    def plain(model, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model(x)

    def kept(model, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return checkpoint(model, x, use_reentrant=reentrant)

    assert gradients(kept) == gradients(plain)


@pytest.mark.parametrize("reentrant", [False, True])
def test_it_runs_twice(reentrant):
    model, x = Counted(), torch.ones(3, 4, requires_grad=True)
    y = checkpoint(model, x, use_reentrant=reentrant)
    assert model.runs == 1
    y.sum().backward()
    assert model.runs == 2


def test_nothing_is_kept():
    import weakref

    alive = []

    def function(x):
        hidden = x * 2
        alive.append(weakref.ref(hidden))
        return (hidden * hidden).sum()

    x = torch.ones(3, requires_grad=True)
    y = checkpoint(function, x, use_reentrant=False)
    assert alive[0]() is None
    y.backward()
    assert x.grad.tolist() == [8, 8, 8]


def test_graph_of_the_other_kind():
    x, w = torch.ones(3, requires_grad=True), torch.full((3,), 2.0, requires_grad=True)

    def function(x, power=1):
        return (x * w) ** power

    y = checkpoint(function, x, use_reentrant=False, power=3).sum()
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x, retain_graph=True)
    assert first.tolist() == [24, 24, 24] and second.tolist() == [48, 48, 48]
    y.backward(retain_graph=True)
    y.backward()
    assert w.grad.tolist() == [24, 24, 24]
    assert not checkpoint(lambda t: t * 2, torch.ones(1), use_reentrant=False).requires_grad


def test_contexts_of_both_runs():
    entered = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *_):
            pass

    x = torch.ones(1, requires_grad=True)
    contexts = lambda: (Context("first"), Context("second"))  # noqa: E731
    y = checkpoint(lambda t: t * t, x, use_reentrant=False, context_fn=contexts)
    assert entered == ["first"]
    y.backward()
    assert entered == ["first", "second"]


def changing(first, second):
    runs = iter((first, second))
    return lambda x: next(runs)(x)


def test_a_second_run_that_differs():
    x = torch.ones(3, requires_grad=True)
    function = changing(lambda x: (x * x).sum(), lambda x: (x.exp() * x.sin()).sum())
    with pytest.raises(CheckpointError, match="different number of tensors"):
        checkpoint(function, x, use_reentrant=False).backward()
    function = changing(lambda x: (x[:2] * x[:2]).sum(), lambda x: (x * x).sum())
    with pytest.raises(CheckpointError, match="different metadata"):
        checkpoint(function, x, use_reentrant=False).backward()


def test_bad_input():
    x = torch.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="use_reentrant"):
        checkpoint(torch.exp, x)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: b"):
        checkpoint(torch.exp, x, use_reentrant=True, b=1)
    with pytest.raises(ValueError, match="context_fn"):
        checkpoint(torch.exp, x, use_reentrant=True, context_fn=lambda: 1)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(torch.exp, x, use_reentrant=False, determinism_check="always")
    with pytest.raises(ValueError, match="3 segments for 1"):
        checkpoint_sequential([torch.exp], 3, x, use_reentrant=False)
    with pytest.warns(UserWarning, match="None of the inputs"):
        assert not checkpoint(torch.exp, torch.ones(1), use_reentrant=True).requires_grad
