"""Hooks around forward and backward."""

from __future__ import annotations

import copy
import pickle
import warnings

import pytest
from util import torch

from .peer import compare

nn = torch.nn


class Twice(nn.Module):
    def forward(self, x, offset=0.0):
        return 2 * x + offset


def test_forward_hooks_see_and_change_what_passes():
    module = Twice()
    seen = []
    module.register_forward_pre_hook(lambda m, args: seen.append(("pre", m is module, len(args))))
    module.register_forward_pre_hook(lambda m, args: args[0] + 1)
    module.register_forward_hook(lambda m, args, out: seen.append(("post", args[0].item(), out.item())))
    module.register_forward_hook(lambda m, args, out: out * 10)
    assert module(torch.tensor(1.0)).item() == 40
    assert seen == [("pre", True, 1), ("post", 2.0, 4.0)]


def test_hooks_with_keyword_arguments():
    module = Twice()
    module.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"offset": kwargs["offset"] + 1}), with_kwargs=True
    )
    module.register_forward_hook(lambda m, args, kwargs, out: out + kwargs["offset"], with_kwargs=True)
    assert module(torch.tensor(1.0), offset=2.0).item() == 2 + 3 + 3
    bad = Twice()
    bad.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple"):
        bad(torch.tensor(1.0))


def test_prepend_and_removal():
    module = Twice()
    order = []
    first = module.register_forward_hook(lambda *_: order.append(1))
    module.register_forward_hook(lambda *_: order.append(2), prepend=True)
    module.register_forward_pre_hook(lambda *_: order.append(3))
    last = module.register_forward_pre_hook(lambda *_: order.append(4), prepend=True)
    module(torch.ones(1))
    assert order == [4, 3, 2, 1]
    first.remove()
    first.remove()
    with last:
        pass
    order.clear()
    module(torch.ones(1))
    assert order == [3, 2]
    assert len(module._forward_hooks) == 1 and len(module._forward_pre_hooks) == 1


def test_a_hook_may_remove_itself():
    module = Twice()
    calls = []
    handle = module.register_forward_hook(lambda *_: (calls.append(1), handle.remove())[0])
    module(torch.ones(1))
    module(torch.ones(1))
    assert calls == [1]


def test_always_called_hooks():
    class Failing(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError("forward")

    module = Failing()
    seen = []
    module.register_forward_hook(lambda m, args, out: seen.append("ordinary"))
    module.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(ZeroDivisionError):
        module(1)
    assert seen == [None]

    def complaining(*_):
        raise ValueError("hook")

    module.register_forward_hook(complaining, always_call=True)
    with pytest.warns(UserWarning, match="silenced"), pytest.raises(ZeroDivisionError):
        module(1)


def test_full_backward_hooks_see_gradients():
    module = Twice()
    seen = []
    module.register_full_backward_pre_hook(lambda m, grads: seen.append(("pre", grads[0].item())))
    module.register_full_backward_hook(lambda m, gin, gout: seen.append((gin[0].item(), gout[0].item())))
    x = torch.tensor(1.0, requires_grad=True)
    (module(x) * 3).backward()
    assert seen == [("pre", 3.0), (6.0, 3.0)] and x.grad == 6


def test_full_backward_hooks_change_gradients():
    module = Twice()
    module.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 10,))
    module.register_full_backward_hook(lambda m, gin, gout: (gin[0] + 1,))
    x = torch.tensor(1.0, requires_grad=True)
    module(x).backward()
    assert x.grad == 21


def test_full_backward_hooks_know_places_without_gradients():
    class Mixed(nn.Module):
        def forward(self, a, text, b, c):
            assert text == "text"
            return a * b, "text", c * 2

    seen = []
    module = Mixed()
    module.register_full_backward_hook(
        lambda m, gin, gout: seen.append(([g is None for g in gin], [g is None for g in gout]))
    )
    a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
    out = module(a, "text", b, torch.ones(2))
    assert out[1] == "text"
    out[0].sum().backward()
    assert seen[0][0][:3] == [False, True, False] and seen[0][1][:2] == [False, True]


def test_full_backward_hook_without_gradients_of_inputs():
    module = nn.Linear(2, 2)
    seen = []
    module.register_full_backward_hook(lambda m, gin, gout: seen.append((gin, len(gout))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module(torch.ones(1, 2)).sum().backward()
    assert seen == [((None,), 1)]


def test_wrong_results_of_backward_hooks():
    x = torch.ones(1, requires_grad=True)
    module = Twice()
    module.register_full_backward_hook(lambda m, gin, gout: (gin[0], gin[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        module(x).sum().backward()
    module = Twice()
    module.register_full_backward_pre_hook(lambda m, gout: ())
    with pytest.raises(RuntimeError, match="invalid number of grad_output"):
        module(x).sum().backward()


def test_backward_hooks_of_two_kinds_do_not_mix():
    module = Twice()
    module.register_backward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="Cannot use both"):
        module.register_full_backward_hook(lambda *_: None)
    module = Twice()
    module.register_full_backward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="Cannot use both"):
        module.register_backward_hook(lambda *_: None)


def test_old_backward_hook_sees_the_last_operation():
    class Exp(nn.Module):
        def forward(self, x):
            return {"result": x.exp()}

    seen = []
    module = Exp()
    module.register_backward_hook(lambda m, gin, gout: seen.append((gin[0].item(), gout[0].item())))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module(torch.zeros((), requires_grad=True))["result"].backward()
    assert seen == [(1.0, 1.0)]


def test_hooks_on_all_modules():
    seen = []
    module = nn.Sequential(Twice(), nn.Identity())
    handles = [
        nn.modules.module.register_module_forward_pre_hook(
            lambda m, args: seen.append(("pre", type(m).__name__))
        ),
        nn.modules.module.register_module_forward_hook(
            lambda m, args, out: seen.append(("post", type(m).__name__))
        ),
        nn.modules.module.register_module_full_backward_hook(
            lambda m, gin, gout: seen.append(("back", type(m).__name__))
        ),
    ]
    try:
        module(torch.ones(1, requires_grad=True)).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    assert seen == [
        *(("pre", "Sequential"), ("pre", "Twice"), ("post", "Twice")),
        *(("pre", "Identity"), ("post", "Identity"), ("post", "Sequential")),
        *(("back", "Identity"), ("back", "Twice"), ("back", "Sequential")),
    ]
    seen.clear()
    module(torch.ones(1))
    assert seen == []


def test_hooks_on_registration():
    names = []
    register = nn.modules.module
    handles = [
        register.register_module_parameter_registration_hook(lambda m, name, value: names.append(name)),
        register.register_module_buffer_registration_hook(lambda m, name, value: names.append(name)),
        register.register_module_module_registration_hook(
            lambda m, name, value: names.append(name) or (nn.Tanh() if name == "act" else None)
        ),
    ]
    try:
        module = nn.Module()
        module.weight = nn.Parameter(torch.ones(1))
        module.register_buffer("count", torch.ones(1))
        module.act = nn.ReLU()
    finally:
        for handle in handles:
            handle.remove()
    assert names == ["weight", "count", "act"] and isinstance(module.act, nn.Tanh)


def _keep(module, args, output):
    return output * 5


def test_hooks_go_with_copies():
    module = Twice()
    module.register_forward_hook(_keep)
    assert copy.deepcopy(module)(torch.tensor(1.0)) == 10
    assert pickle.loads(pickle.dumps(module))(torch.tensor(1.0)) == 10
    module._forward_hooks.clear()
    assert module(torch.tensor(1.0)) == 2


def test_backward_hooks_are_pytorchs():
    def program(torch):
        nn = torch.nn
        seen = []
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        for name, module in model.named_modules():
            module.register_full_backward_hook(
                lambda m, gin, gout, name=name: seen.append((name, [*gin], [*gout]))
            )
            module.register_full_backward_pre_hook(lambda m, gout, name=name: seen.append((name, [*gout])))
        x = torch.randn(2, 3, requires_grad=True)
        model(x).pow(2).sum().backward()
        return seen, x.grad, [p.grad for p in model.parameters()]

    compare(program)


def test_second_derivatives_go_through_hooked_modules():
    module = Twice()
    module.register_full_backward_hook(lambda m, gin, gout: (gin[0] * 3,))
    x = torch.tensor(2.0, requires_grad=True)
    (grad,) = torch.autograd.grad(module(x) ** 2, x, create_graph=True)
    assert grad == 3 * 2 * 2 * 4
    (second,) = torch.autograd.grad(grad, x)
    # The hook acts on the way back to x a second time.
    assert second == 3 * 3 * 2 * 2 * 2
