"""`gradcheck`, `gradgradcheck`, and whole derivatives from `autograd.functional`.

Every test holds for PyTorch as well: `TT_MODULE=torch` runs them there.
"""

import warnings

import pytest
from autograd_support import autograd, leaf, random_leaf, submodule, torch

Function = autograd.Function
GradcheckError = submodule("gradcheck").GradcheckError
functional = submodule("functional")

# ---------------------------------------------------------------- gradcheck


class WrongSquare(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x


@pytest.mark.parametrize("fast_mode", [False, True])
def test_gradcheck_accepts_right_derivatives(fast_mode):
    a, b = random_leaf(2, 3), random_leaf(3)
    assert autograd.gradcheck(lambda a, b: (a * b).sin(), (a, b), fast_mode=fast_mode)
    assert autograd.gradcheck(lambda a, b: (a.sum(0) + b, a * 2), (a, b), fast_mode=fast_mode)
    assert autograd.gradcheck(lambda a: a.exp(), random_leaf(1)[0], fast_mode=fast_mode)
    assert autograd.gradgradcheck(lambda a, b: (a * b).exp(), (a, b), fast_mode=fast_mode)


@pytest.mark.parametrize("fast_mode", [False, True])
def test_gradcheck_catches_wrong_derivatives(fast_mode):
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)

    def function(x, y):
        return x * y, WrongSquare.apply(y)

    with pytest.raises(GradcheckError) as error:
        autograd.gradcheck(function, (x, y), fast_mode=fast_mode)
    text = str(error.value)
    assert "output 1 with respect to input 1" in text
    assert "numerical" in text and "analytical" in text
    assert x.tolist() == [1.0, 2.0] and y.tolist() == [3.0, 4.0]
    assert autograd.gradcheck(function, (x, y), raise_exception=False, fast_mode=fast_mode) is False


def test_gradcheck_leaves_inputs_and_random_state_alone():
    x = random_leaf(3)
    before, state = x.tolist(), torch.get_rng_state().tolist()
    autograd.gradcheck(torch.exp, x, fast_mode=True)
    autograd.gradcheck(torch.exp, x)
    assert x.tolist() == before and x.grad is None
    assert torch.get_rng_state().tolist() == state


def test_gradgradcheck_catches_wrong_second_derivatives():
    class Detached(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 2 * x.detach()

    x = random_leaf(3)
    assert autograd.gradcheck(Detached.apply, x)
    with pytest.raises(GradcheckError):
        autograd.gradgradcheck(Detached.apply, x)


def test_gradcheck_catches_a_lost_dependence():
    with pytest.raises(GradcheckError):
        autograd.gradcheck(lambda x: x.detach() * 2, random_leaf(2))
    assert autograd.gradcheck(lambda x: torch.ones(2, dtype=torch.float64), random_leaf(2))


def test_gradcheck_nondeterminism():
    class Noisy(Function):
        calls = 0

        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            Noisy.calls += 1
            return grad * (2 + Noisy.calls * 1e-8)

    with pytest.raises(GradcheckError):
        autograd.gradcheck(Noisy.apply, random_leaf(2))
    assert autograd.gradcheck(Noisy.apply, random_leaf(2), nondet_tol=1e-4)


def test_gradcheck_undefined_gradients():
    class NeedsBoth(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, first, second):
            return first * 2 + second * 3

    def only_first(x):
        return NeedsBoth.apply(x)[0] * 1, NeedsBoth.apply(x)[1] * 1

    with pytest.raises((GradcheckError, TypeError)):
        autograd.gradcheck(only_first, random_leaf(2))


def test_gradcheck_argument_errors():
    with pytest.raises(ValueError, match="require gradient"):
        autograd.gradcheck(torch.exp, torch.ones(2, dtype=torch.float64))
    with pytest.raises(RuntimeError):
        autograd.gradcheck(torch.exp, torch.ones(1, dtype=torch.float64).expand(2).detach().requires_grad_())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        autograd.gradcheck(
            lambda x: x * 2, torch.ones(2, requires_grad=True), eps=1e-1, raise_exception=False
        )
    assert caught


# ---------------------------------------------------------------- whole derivatives


def test_jacobian_structure():
    x = torch.tensor([1.0, 2.0])
    y = torch.tensor([3.0, 4.0, 5.0])
    assert functional.jacobian(lambda x: x * x, x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert functional.jacobian(lambda x: x.sum(), x).tolist() == [1.0, 1.0]
    single = functional.jacobian(lambda x: x * 2, (x,))
    assert isinstance(single, tuple) and single[0].shape == (2, 2)
    blocks = functional.jacobian(lambda x, y: (x.sum() * y, x), (x, y))
    assert [[tuple(block.shape) for block in row] for row in blocks] == [[(3, 2), (3, 3)], [(2, 2), (2, 3)]]
    assert blocks[0][0].tolist() == [[3.0, 3.0], [4.0, 4.0], [5.0, 5.0]]
    assert blocks[1][1].tolist() == [[0.0] * 3] * 2
    matrix = functional.jacobian(lambda x: x.reshape(1, 2) * 2, x)
    assert matrix.shape == (1, 2, 2)


def test_jacobian_options():
    x = torch.tensor([1.0, 2.0])
    assert not functional.jacobian(lambda x: x * x, x).requires_grad
    assert functional.jacobian(lambda x: x * x, x, vectorize=True).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    recorded = x.clone().requires_grad_()
    result = functional.jacobian(lambda x: x * x, recorded, create_graph=True)
    result.sum().backward()
    assert recorded.grad.tolist() == [2.0, 2.0]
    constant = torch.ones(3)
    assert functional.jacobian(lambda x: constant, x).tolist() == [[0.0, 0.0]] * 3
    with pytest.raises(RuntimeError):
        functional.jacobian(lambda x: constant, x, strict=True)
    with pytest.raises(RuntimeError):
        functional.jacobian(lambda x: x * 2, x, strict=True, create_graph=True)


def test_functional_leaves_the_callers_tensors_alone():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    functional.jacobian(lambda x: x * x, x)
    functional.hessian(lambda x: (x**3).sum(), x)
    assert x.grad is None
    with torch.no_grad():
        assert functional.vjp(lambda x: (x * x).sum(), x)[1].tolist() == [2.0, 4.0]
        assert not torch.is_grad_enabled()


def test_hessian():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0, 5.0])
    assert functional.hessian(lambda x: (x**3).sum(), x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    blocks = functional.hessian(lambda x, y: (x**3).sum() * y.sum(), (x, y))
    assert blocks[0][0].tolist() == [[72.0, 0.0], [0.0, 144.0]]
    assert blocks[0][1].tolist() == [[3.0] * 3, [12.0] * 3]
    assert blocks[1][0].tolist() == [[3.0, 12.0]] * 3
    assert blocks[1][1].tolist() == [[0.0] * 3] * 3
    assert functional.hessian(lambda x: x.sum(), x).tolist() == [[0.0, 0.0]] * 2
    with pytest.raises(RuntimeError):
        functional.hessian(lambda x: x * 2, x)
    with pytest.raises(RuntimeError):
        functional.hessian(lambda x: x.sum(), x, strict=True)


def test_vector_products_agree_with_jacobian():
    x, y = torch.randn(2, dtype=torch.float64), torch.randn(3, dtype=torch.float64)

    def function(x, y):
        return x.sum() * y.exp(), (x * x).sin()

    blocks = functional.jacobian(function, (x, y))
    u, v = torch.randn(3, dtype=torch.float64), torch.randn(2, dtype=torch.float64)
    value, products = functional.vjp(function, (x, y), (u, v))
    assert torch.allclose(value[0], function(x, y)[0])
    for column, product in enumerate(products):
        expected = (u[:, None] * blocks[0][column]).sum(0) + (v[:, None] * blocks[1][column]).sum(0)
        assert torch.allclose(product, expected)
    _, products = functional.jvp(function, (x, y), (v, u))
    for row, product in enumerate(products):
        assert torch.allclose(product, (blocks[row][0] * v).sum(1) + (blocks[row][1] * u).sum(1))


@pytest.mark.parametrize("name", ["hvp", "vhp"])
def test_hessian_products_agree_with_hessian(name):
    x = torch.randn(3, dtype=torch.float64)
    v = torch.randn(3, dtype=torch.float64)

    def function(x):
        return (x.exp() * x.sum()).sum()

    matrix = functional.hessian(function, x)
    value, product = getattr(functional, name)(function, x, v)
    assert torch.allclose(value, function(x))
    assert torch.allclose(product, (matrix * v).sum(1))
    _, zero = getattr(functional, name)(lambda x: x.sum(), x, v)
    assert zero.tolist() == [0.0] * 3
    with pytest.raises(RuntimeError):
        getattr(functional, name)(lambda x: x.sum(), x, v, strict=True)


def test_functional_argument_errors():
    x, y = torch.ones(2), torch.ones(3)
    with pytest.raises(TypeError):
        functional.jacobian(lambda x: x * 2, 3.0)
    with pytest.raises(TypeError):
        functional.jacobian(lambda x: 3.0, x)
    with pytest.raises(RuntimeError):
        functional.vjp(lambda x: x * 2, x)
    with pytest.raises(RuntimeError):
        functional.vjp(lambda x: x * 2, x, y)
    with pytest.raises(RuntimeError):
        functional.jvp(lambda x: x * 2, x)
    with pytest.raises(RuntimeError):
        functional.vjp(lambda x, y: (x * 2, y), (x, y), x)
    assert functional.vjp(lambda x: x.sum(), x)[1].tolist() == [1.0, 1.0]
    assert functional.jvp(lambda x: x * 2, torch.tensor(3.0))[1].item() == 2.0
