"""`autograd.Function`: operations with a derivative of their own.

Every test holds for PyTorch as well: `TT_MODULE=torch` runs them there.
"""

import pytest
from autograd_support import autograd, leaf, random_leaf, submodule, torch

Function = autograd.Function
once_differentiable = submodule("function").once_differentiable


class Cube(Function):
    """x**3, differentiable any number of times."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x * x


class Exp(Function):
    """Saves its own output."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * y


class Scaled(Function):
    """A number among the arguments, kept as an attribute."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


class SumAndDifference(Function):
    """Two inputs, two outputs; notes what backward was given."""

    seen: tuple = ()

    @staticmethod
    def forward(ctx, a, b):
        return a + b, a - b

    @staticmethod
    def backward(ctx, of_sum, of_difference):
        SumAndDifference.seen = (of_sum, of_difference)
        return of_sum + of_difference, of_sum - of_difference


class Split(Function):
    """forward without ctx, setup_context beside it."""

    @staticmethod
    def forward(x, factor=3):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


class Doubled(Function):
    """Changes its input in place."""

    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


class Same(Function):
    """Returns its input."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * 5


def test_function_first_and_second_derivative():
    x = leaf(1.0, -2.0)
    y = Cube.apply(x)
    assert y.tolist() == [1.0, -8.0]
    assert y.grad_fn.name() == "CubeBackward"
    (first,) = autograd.grad(y.sum(), x, create_graph=True)
    assert first.tolist() == [3.0, 12.0]
    (second,) = autograd.grad(first.sum(), x)
    assert second.tolist() == [6.0, -12.0]


@pytest.mark.parametrize("function", [Cube, Exp])
def test_function_passes_gradcheck(function):
    x = random_leaf(2, 3)
    assert autograd.gradcheck(function.apply, x)
    assert autograd.gradgradcheck(function.apply, x)


def test_function_saves_its_output_with_history():
    x = leaf(0.5)
    y = Exp.apply(x)
    (saved,) = y.grad_fn.saved_tensors
    assert saved.requires_grad and saved.grad_fn is not None
    assert saved.tolist() == y.tolist()


def test_function_attributes_reach_backward_and_grad_fn():
    x = leaf(1.0, 2.0)
    y = Scaled.apply(x, 4)
    assert y.grad_fn.factor == 4
    y.sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_function_needs_input_grad():
    seen = []

    class Product(Function):
        @staticmethod
        def forward(ctx, a, number, b):
            seen.append(ctx.needs_input_grad)
            return a * b

        @staticmethod
        def backward(ctx, grad):
            seen.append(ctx.needs_input_grad)
            return grad, None, None

    Product.apply(leaf(1.0), 3, torch.ones(1, dtype=torch.float64)).backward()
    assert seen == [(True, False, False)] * 2


def test_function_forward_is_not_recorded():
    modes = []

    class Noted(Function):
        @staticmethod
        def forward(ctx, x):
            modes.append(torch.is_grad_enabled())
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            modes.append(torch.is_grad_enabled())
            return grad * 2

    x = leaf(1.0)
    autograd.grad(Noted.apply(x), x)
    autograd.grad(Noted.apply(x), x, create_graph=True)
    assert modes == [False, False, False, True]
    assert torch.is_grad_enabled()


def test_function_restores_grad_mode_after_an_error():
    class Failing(Function):
        @staticmethod
        def forward(ctx, x):
            raise KeyError("forward")

    with pytest.raises(KeyError, match="forward"):
        Failing.apply(leaf(1.0))
    assert torch.is_grad_enabled()


def test_function_error_in_backward_keeps_its_type():
    class Failing(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise KeyError("backward")

    with pytest.raises(KeyError, match="backward"):
        Failing.apply(leaf(1.0)).backward()


def test_function_without_recording():
    with torch.no_grad():
        assert not Cube.apply(leaf(1.0)).requires_grad
    plain = torch.ones(2)
    assert not Cube.apply(plain).requires_grad
    assert Cube.apply(plain).grad_fn is None


def test_function_unused_output_gets_zeros():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    total, _ = SumAndDifference.apply(a, b)
    total.sum().backward()
    of_sum, of_difference = SumAndDifference.seen
    assert of_sum.tolist() == [1.0, 1.0] and of_difference.tolist() == [0.0, 0.0]
    assert a.grad.tolist() == [1.0, 1.0] and b.grad.tolist() == [1.0, 1.0]


def test_function_set_materialize_grads():
    seen = []

    class Pair(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, first, second):
            seen.append((first, second))
            return second * 3

    x = leaf(1.0)
    Pair.apply(x)[1].backward()
    assert seen[0][0] is None and seen[0][1].tolist() == [1.0]
    assert x.grad.tolist() == [3.0]


def test_function_mark_non_differentiable():
    class SortedWithOrder(Function):
        @staticmethod
        def forward(ctx, x):
            values, order = x.sort()
            whole = values.floor()
            ctx.mark_non_differentiable(order, whole)
            ctx.save_for_backward(order)
            return values, order, whole

        @staticmethod
        def backward(ctx, grad, *others):
            (order,) = ctx.saved_tensors
            assert len(others) == 2
            return torch.zeros_like(grad).scatter(0, order, grad)

    x = leaf(3.5, 1.5, 2.5)
    values, order, whole = SortedWithOrder.apply(x)
    assert values.requires_grad and not order.requires_grad and not whole.requires_grad
    (values * torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_function_non_tensor_results_pass_through():
    seen = []

    class Mixed(Function):
        @staticmethod
        def forward(ctx, x):
            return "label", x * 2, None

        @staticmethod
        def backward(ctx, *grads):
            seen.append(grads)
            return grads[1] * 2

    x = leaf(1.0)
    label, y, nothing = Mixed.apply(x)
    assert label == "label" and nothing is None
    y.backward()
    assert seen[0][0] is None and seen[0][2] is None
    assert x.grad.tolist() == [2.0]


def test_function_mark_dirty():
    x = leaf(1.0, 2.0)
    y = x * 1
    version = y._version
    assert Doubled.apply(y) is y
    assert y._version > version
    assert y.grad_fn.name() == "DoubledBackward"
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_function_mark_dirty_errors():
    with pytest.raises(RuntimeError, match="leaf"):
        Doubled.apply(leaf(1.0))

    class Kept(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x * 2

    with pytest.raises(RuntimeError, match="dirty"):
        Kept.apply(leaf(1.0) * 1)


def test_function_may_return_its_input():
    x = leaf(1.0, 2.0)
    y = Same.apply(x)
    assert y is not x and x.is_leaf and x.grad_fn is None
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    with torch.no_grad():
        assert not Same.apply(x).requires_grad and x.requires_grad


def test_function_setup_context_with_defaults_and_keywords():
    x = leaf(2.0)
    assert Split.apply(x).tolist() == [6.0]
    assert autograd.grad(Split.apply(x), x)[0].tolist() == [3.0]
    assert autograd.grad(Split.apply(x, 4), x)[0].tolist() == [4.0]
    assert autograd.grad(Split.apply(x, factor=5), x)[0].tolist() == [5.0]
    assert autograd.grad(Scaled.apply(factor=6, x=x), x)[0].tolist() == [6.0]


def make_function(result):
    class Made(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a * b

        @staticmethod
        def backward(ctx, grad):
            return result(grad)

    return Made


def test_function_checks_the_gradients_it_gets_back():
    x, plain = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
    with pytest.raises(RuntimeError, match=r"incorrect number of gradients \(expected 2, got 1\)"):
        make_function(lambda grad: grad).apply(x, plain).sum().backward()
    with pytest.raises(RuntimeError, match=r"incorrect number of gradients \(expected 2, got 3\)"):
        make_function(lambda grad: (grad, grad, grad)).apply(x, plain).sum().backward()
    with pytest.raises(RuntimeError, match="different than None at position 2"):
        make_function(lambda grad: (grad, grad)).apply(x, 2.0).sum().backward()
    with pytest.raises(RuntimeError, match="expected Variable or None"):
        make_function(lambda grad: (1.0, None)).apply(x, plain).sum().backward()
    with pytest.raises(RuntimeError, match="invalid gradient"):
        make_function(lambda grad: (torch.ones(3, dtype=torch.float64), None)).apply(
            x, plain
        ).sum().backward()
    # Superfluous results are fine as long as they are None, and so is a gradient nobody asked for.
    make_function(lambda grad: (grad, grad, None)).apply(x, plain).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0] and plain.grad is None


def test_function_none_gradient_is_no_gradient():
    x = leaf(1.0)
    y = make_function(lambda grad: (None, None)).apply(x, 2.0)
    assert autograd.grad(y, x, allow_unused=True) == (None,)


def test_function_argument_errors():
    with pytest.raises(TypeError):
        Cube.apply()
    with pytest.raises(TypeError):
        Cube.apply(leaf(1.0), power=3)
    with pytest.raises(NotImplementedError, match="forward"):
        type("Empty", (Function,), {}).apply(leaf(1.0))
    forward_only = type("ForwardOnly", (Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})
    with pytest.raises(NotImplementedError, match="backward"):
        forward_only.apply(leaf(1.0)).backward()
    with pytest.warns(DeprecationWarning), pytest.raises(RuntimeError, match="static"):
        Cube()(leaf(1.0))


def test_function_save_for_backward_takes_tensors_and_none():
    class Saving(Function):
        @staticmethod
        def forward(ctx, x, what):
            ctx.save_for_backward(x, what)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            assert ctx.saved_tensors[1] is None
            return grad * 2, None

    x = leaf(1.0)
    Saving.apply(x, None).backward()
    assert x.grad.tolist() == [2.0]
    with pytest.raises(TypeError, match="argument 1 is of type int"):
        Saving.apply(x, 3)


def test_function_saved_tensors_are_checked_and_freed():
    x = leaf(1.0, 2.0)
    inner = x * 1
    y = Cube.apply(inner)
    inner.mul_(2)
    with pytest.raises(RuntimeError, match=r"inplace operation|in-place|in place"):
        y.sum().backward()

    y = Cube.apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [6.0, 24.0]
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_function_vjp_is_another_name_for_backward():
    class ByVjp(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def vjp(ctx, grad):
            return grad * 2

    x = leaf(1.0)
    ByVjp.apply(x).backward()
    assert x.grad.tolist() == [2.0]

    class Both(ByVjp):
        @staticmethod
        def backward(ctx, grad):
            return grad

    with pytest.raises(RuntimeError, match=r"backward.*vjp"):
        Both.apply(x).backward()


def test_once_differentiable():
    modes = []

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            modes.append(torch.is_grad_enabled())
            (x,) = ctx.saved_tensors
            return grad * 2 * x

    x = leaf(3.0)
    (first,) = autograd.grad((Square.apply(x) ** 2).sum(), x, create_graph=True)
    assert first.tolist() == [108.0] and modes == [False]
    with pytest.raises(RuntimeError, match="differentiate twice"):
        first.sum().backward()
    assert autograd.grad(Square.apply(x).sum(), x)[0].tolist() == [6.0]


def test_function_works_on_parts_of_a_graph():
    x = leaf(0.3, 0.7)
    y = (Exp.apply(x * 2) * Cube.apply(x)).sum()
    y.backward()
    expected = [
        (2 * value**3 + 3 * value**2) * torch.tensor(2 * value, dtype=torch.float64).exp().item()
        for value in (0.3, 0.7)
    ]
    assert x.grad.tolist() == pytest.approx(expected)
