"""The Python layer of autograd: grad modes, arguments of backward and grad, hooks, anomaly mode, Variable.

Every test holds for PyTorch as well: `TT_MODULE=torch` runs them there.
"""

import asyncio
import contextlib
import gc
import inspect
import warnings
import weakref

import pytest
from autograd_support import autograd, leaf, submodule, torch

Function = autograd.Function
graph = submodule("graph")

# ---------------------------------------------------------------- grad modes


def test_no_grad_and_enable_grad_nest():
    x = leaf(1.0)
    with torch.no_grad() as nothing:
        assert nothing is None
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_modes_are_restored_after_an_error():
    for mode in (torch.no_grad, torch.inference_mode, lambda: torch.set_grad_enabled(False)):
        with contextlib.suppress(KeyError), mode():
            raise KeyError
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("decorate", [torch.no_grad, torch.no_grad()], ids=["bare", "called"])
def test_no_grad_decorates(decorate):
    @decorate
    def modes(depth, *, note="kept"):
        """Documented."""
        inner = modes(depth - 1) if depth else []
        return [torch.is_grad_enabled(), *inner]

    assert modes(2) == [False] * 3
    assert modes.__name__ == "modes" and modes.__doc__ == "Documented."
    assert torch.is_grad_enabled()


def test_no_grad_decorates_methods():
    class Model:
        @torch.no_grad()
        def step(self, x):
            return self, x * 2

    model = Model()
    owner, result = model.step(leaf(1.0))
    assert owner is model and not result.requires_grad


def test_no_grad_decorates_generator_functions():
    log = []

    @torch.no_grad()
    def steps():
        sent = yield torch.is_grad_enabled()
        log.append((sent, torch.is_grad_enabled()))
        try:
            yield torch.is_grad_enabled()
        except ValueError:
            log.append(("thrown", torch.is_grad_enabled()))
        try:
            yield "last"
        finally:
            log.append(("closed", torch.is_grad_enabled()))

    assert inspect.isgeneratorfunction(steps)
    generator = steps()
    assert next(generator) is False and torch.is_grad_enabled()
    assert generator.send("sent") is False and torch.is_grad_enabled()
    assert generator.throw(ValueError()) == "last"
    generator.close()
    assert log == [("sent", False), ("thrown", False), ("closed", False)]
    assert torch.is_grad_enabled()


def test_no_grad_generator_returns_its_value():
    @torch.no_grad()
    def steps():
        yield 1
        return "result"

    def outer():
        return (yield from steps())

    generator = outer()
    assert next(generator) == 1
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "result"


def test_no_grad_on_a_class_warns():
    with pytest.warns(FutureWarning):

        @torch.no_grad()
        class Model:
            def __init__(self):
                self.mode = torch.is_grad_enabled()

    assert Model().mode is False


def test_set_grad_enabled():
    torch.set_grad_enabled(False)
    try:
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()

    @torch.set_grad_enabled(False)
    def mode():
        return torch.is_grad_enabled()

    assert torch.is_grad_enabled() and mode() is False and torch.is_grad_enabled()
    with pytest.raises(TypeError):
        torch.set_grad_enabled(3)


def test_inference_mode():
    x = leaf(1.0)
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
        assert not (x * 2).requires_grad
        with torch.inference_mode(False):
            assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()
        assert torch.is_inference_mode_enabled()
    assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()

    @torch.inference_mode
    def bare():
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    @torch.inference_mode()
    def called():
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    assert bare() == called() == (True, False)


def test_grad_mode_is_kept_across_await():
    async def inside():
        with torch.no_grad():
            await asyncio.sleep(0)
            return torch.is_grad_enabled()

    assert asyncio.run(inside()) is False
    assert torch.is_grad_enabled()


# ---------------------------------------------------------------- backward and grad: arguments


def test_backward_accumulates_and_takes_gradients():
    x = leaf(1.0, 2.0)
    autograd.backward([x * 2, (x * x).sum()], [torch.ones(2, dtype=torch.float64), None])
    assert x.grad.tolist() == [4.0, 6.0]
    autograd.backward(x * 2, torch.tensor([1.0, 10.0], dtype=torch.float64))
    assert x.grad.tolist() == [6.0, 26.0]
    (x[:1] * 2).backward()
    assert x.grad.tolist() == [8.0, 26.0]


def test_backward_inputs_limits_what_accumulates():
    x, w = leaf(1.0), leaf(2.0)
    autograd.backward(x * w, inputs=[w])
    assert x.grad is None and w.grad.tolist() == [1.0]
    autograd.backward(x * w, inputs=x)
    assert x.grad.tolist() == [2.0] and w.grad.tolist() == [1.0]
    with pytest.raises(RuntimeError, match="cannot be empty"):
        autograd.backward(x * w, inputs=[])


def test_backward_argument_errors():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        autograd.backward(x * 2)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        autograd.backward(x * 2, torch.ones(3, dtype=torch.float64))
    with pytest.raises(TypeError, match="gradients can be either Tensors or None"):
        autograd.backward([x * 2], [3.0])
    with pytest.raises(RuntimeError, match="does not require grad"):
        autograd.backward(torch.ones(1))
    with pytest.warns(FutureWarning, match="grad_variables"):
        autograd.backward(x * 2, grad_variables=torch.ones(2, dtype=torch.float64))
    assert x.grad.tolist() == [2.0, 2.0]


def test_grad_returns_a_tuple_and_leaves_grad_alone():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    assert [g.tolist() for g in autograd.grad((x * w).sum(), [x, w])] == [[3.0, 4.0], [1.0, 2.0]]
    assert autograd.grad((x * w).sum(), x)[0].tolist() == [3.0, 4.0]
    assert x.grad is None and w.grad is None
    weights = torch.tensor([1.0, 10.0], dtype=torch.float64)
    assert autograd.grad(x * w, x, weights)[0].tolist() == [3.0, 40.0]
    assert autograd.grad([x * w, x.sum()], x, [weights, None])[0].tolist() == [4.0, 41.0]


def test_grad_of_unused_inputs():
    x, other = leaf(1.0), leaf(2.0, 3.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        autograd.grad(x * 2, other)
    assert autograd.grad(x * 2, other, allow_unused=True) == (None,)
    assert autograd.grad(x * 2, [x, other], materialize_grads=True)[1].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="allow_unused"):
        autograd.grad(x * 2, other, materialize_grads=True, allow_unused=False)
    with pytest.raises(RuntimeError, match="cannot be empty"):
        autograd.grad(x * 2, [])


def test_backward_inside_backward_wants_its_own_gradients():
    inner = leaf(3.0)

    class Through(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            with torch.enable_grad():
                (ctx.saved_tensors[0].detach() * inner).backward()
            return grad * 2

    x, other = leaf(5.0), leaf(7.0)
    (grad,) = autograd.grad(Through.apply(x) * other, x)
    assert grad.item() == 14 and inner.grad.item() == 5 and other.grad is None


def test_grad_create_graph_and_retain_graph():
    x = leaf(2.0)
    y = x * x * x
    (first,) = autograd.grad(y, x, create_graph=True)
    (second,) = autograd.grad(first, x, create_graph=True)
    (third,) = autograd.grad(second, x)
    assert (first.item(), second.item(), third.item()) == (12.0, 12.0, 6.0)
    autograd.grad(y, x, retain_graph=False)
    with pytest.raises(RuntimeError, match="second time"):
        autograd.grad(y, x)


# ---------------------------------------------------------------- hooks on tensors and saved values


def test_tensor_hooks_see_and_replace_gradients():
    x = leaf(1.0, 2.0)
    seen = []
    inner = x * 2
    first = inner.register_hook(lambda grad: seen.append(grad.tolist()))
    inner.register_hook(lambda grad: grad * 10)
    (inner * 3).sum().backward(retain_graph=True)
    assert seen == [[3.0, 3.0]]
    assert x.grad.tolist() == [60.0, 60.0]
    first.remove()
    (inner * 3).sum().backward()
    assert len(seen) == 1


def test_hook_on_a_leaf_runs_once_and_before_accumulation():
    x = leaf(1.0)
    x.register_hook(lambda grad: grad + 100)
    (x * 2 + x * 3).backward()
    assert x.grad.tolist() == [105.0]
    with pytest.raises(RuntimeError, match=r"doesn't require gradient|does not require grad"):
        torch.ones(1).register_hook(print)


def test_post_accumulate_grad_hook():
    x = leaf(1.0)
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda tensor: seen.append(tensor.grad.tolist()))
    (x * 2).backward()
    handle.remove()
    (x * 2).backward()
    assert seen == [[2.0]] and x.grad.tolist() == [4.0]


def test_saved_tensors_hooks():
    x = leaf(2.0, 3.0)
    packed = []

    def pack(tensor):
        packed.append(tensor.tolist())
        return [tensor.detach().clone()]

    with graph.saved_tensors_hooks(pack, lambda box: box[0]):
        inside = (x * x).sum()
    count = len(packed)
    outside = (x * x).sum()
    assert count == len(packed) and packed == [[2.0, 3.0]] * count != []
    (inside + outside).backward()
    assert x.grad.tolist() == [8.0, 12.0]


def test_saved_tensors_hooks_are_given_the_tensors_themselves():
    weight = torch.nn.Parameter(torch.tensor([2.0, 3.0]))
    x = weight * 2
    packed = []
    with graph.saved_tensors_hooks(lambda tensor: packed.append(tensor) or tensor, lambda tensor: tensor):
        y = weight * x
        z = y.exp()
    assert any(tensor is weight for tensor in packed) and any(tensor is x for tensor in packed)
    assert any(tensor.data_ptr() == z.data_ptr() and not tensor.requires_grad for tensor in packed)
    torch.autograd.grad(z.sum(), weight, create_graph=True)[0].sum().backward()
    free = torch.nn.Parameter(torch.tensor([2.0, 3.0]))
    torch.autograd.grad((free * (free * 2)).exp().sum(), free, create_graph=True)[0].sum().backward()
    assert weight.grad.tolist() == free.grad.tolist()


def test_saved_tensors_hooks_innermost_counts():
    x = leaf(2.0)
    used = []

    def hooks(name):
        return graph.saved_tensors_hooks(lambda tensor: used.append(name) or tensor, lambda tensor: tensor)

    with hooks("outer"):
        with hooks("inner"):
            x.exp()
        x.exp()
    x.exp()
    assert used == ["inner", "outer"]


def test_save_on_cpu():
    x = leaf(2.0, 3.0)
    with graph.save_on_cpu():
        y = (x * x).sum()
    y.backward()
    assert x.grad.tolist() == [4.0, 6.0]


# ---------------------------------------------------------------- anomaly mode


class NotANumber(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * float("nan")


def test_anomaly_mode_finds_nan():
    with pytest.warns(UserWarning), autograd.detect_anomaly():
        assert torch.is_anomaly_enabled() and torch.is_anomaly_check_nan_enabled()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(RuntimeError, match=r"NotANumberBackward.*nan"):
                NotANumber.apply(leaf(1.0)).backward()
    assert not torch.is_anomaly_enabled()


def test_set_detect_anomaly():
    with autograd.set_detect_anomaly(True, check_nan=False):
        assert torch.is_anomaly_enabled() and not torch.is_anomaly_check_nan_enabled()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            NotANumber.apply(leaf(1.0)).backward()
        with autograd.set_detect_anomaly(False):
            assert not torch.is_anomaly_enabled()
        assert torch.is_anomaly_enabled()
    assert not torch.is_anomaly_enabled()
    autograd.set_detect_anomaly(True)
    assert torch.is_anomaly_enabled()
    autograd.set_detect_anomaly(False)
    assert not torch.is_anomaly_enabled()


# ---------------------------------------------------------------- Variable


def test_variable():
    Variable = autograd.Variable
    x = torch.ones(2)
    v = Variable(x, requires_grad=True)
    assert v.requires_grad and v.is_leaf and not x.requires_grad
    assert v.data_ptr() == x.data_ptr()
    assert isinstance(x, Variable) and not isinstance(3, Variable)
    assert Variable(v * 2).is_leaf and not Variable(v * 2).requires_grad
    assert Variable().numel() == 0
    with pytest.warns(UserWarning, match="volatile"):
        Variable(x, volatile=True)
    with pytest.raises(TypeError, match="has to be a tensor, but got list"):
        Variable([1.0])
    with pytest.raises(RuntimeError, match="floating point"):
        Variable(torch.arange(3), requires_grad=True)


def test_a_hook_that_refers_to_its_own_tensor_is_collected() -> None:
    for register in ("register_hook", "register_post_accumulate_grad_hook"):
        x = torch.ones(3, requires_grad=True)
        gone = weakref.ref(x)
        getattr(x, register)(lambda g, x=x: None)
        del x
        gc.collect()
        assert gone() is None, register


def test_a_hook_stays_while_the_graph_may_run_it() -> None:
    seen = []
    x = torch.ones(3, requires_grad=True)
    y = (x * 2).sum()
    x.register_hook(lambda g, x=x: seen.append(g.tolist()))
    del x
    gc.collect()
    y.backward()
    assert seen == [[2.0, 2.0, 2.0]]
