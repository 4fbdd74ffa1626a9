"""`torch.func`: derivatives and vmap against values known by formula, and PyTorch as a peer."""

import numpy as np
import pytest
import tinytensor as torch
from tinytensor import func, nn

X = torch.tensor([0.5, -1.0, 2.0])
M = torch.arange(12.0).reshape(3, 4) / 5


def numbers(tree):
    return torch.utils._pytree.tree_map(lambda x: x.tolist() if isinstance(x, torch.Tensor) else x, tree)


def test_gradients_of_gradients():
    x = torch.tensor(2.0)
    assert func.grad(lambda x: x**3)(x).item() == 12 and func.grad(func.grad(lambda x: x**3))(x).item() == 12
    assert func.grad(func.grad(func.grad(lambda x: x**3)))(x).item() == 6
    mixed = func.grad(lambda y: func.grad(lambda x: x * x * y * y)(torch.tensor(3.0)))
    assert mixed(x).item() == 24 and not mixed(x).requires_grad


def test_arguments_and_what_else_is_returned():
    def f(tree, y, *, factor=1.0):
        loss = (tree["a"] * y).sum() * factor
        return loss, {"twice": loss * 2}

    tree = {"a": X, "b": X}
    gradients, aux = func.grad(f, has_aux=True)(tree, X, factor=2.0)
    assert numbers(gradients) == {"a": [1.0, -2.0, 4.0], "b": [0.0, 0.0, 0.0]} and aux["twice"].item() == 21
    both, (value, _) = func.grad_and_value(f, argnums=(0, -1), has_aux=True)(tree, X)
    assert numbers(both[1]) == X.tolist() and value.item() == 5.25 and not value.requires_grad
    assert func.grad(lambda x: torch.ones(()))(X).tolist() == [0.0, 0.0, 0.0]


def test_the_graph_of_the_caller_goes_on():
    w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    found = func.grad(lambda x: (x * x * w * w).sum())(X)
    found.sum().backward()
    assert w.grad.tolist() == [2.0, -8.0, 24.0]
    assert func.grad(lambda x: (x * x).sum())(w).requires_grad
    assert not func.grad(lambda x: (x * x).sum())(X).requires_grad
    with torch.no_grad():
        assert func.grad(lambda x: (x * x).sum())(X).tolist() == [1.0, -2.0, 4.0]


def test_forward_and_backward_products():
    output, weighted = func.vjp(lambda x, y: (x * y, x.sum()), X, 2 * X)
    assert numbers(output) == ([0.5, 2.0, 8.0], 1.5)
    assert numbers(weighted((torch.ones(3), torch.tensor(1.0)))) == ([2.0, -1.0, 5.0], [0.5, -1.0, 2.0])
    assert numbers(weighted((torch.zeros(3), torch.tensor(1.0)))) == ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    output, change = func.jvp(lambda x, y: x * y, (X, X), (torch.ones(3), X))
    assert numbers(change) == [0.75, 0.0, 6.0] and not change.requires_grad
    assert func.linearize(torch.square, X)[1](torch.ones(3)).tolist() == (2 * X).tolist()


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_jacobians(jacobian):
    outer, total = jacobian(lambda x: (torch.outer(x, x), x.sum()))(X)
    eye = np.eye(3)
    expected = np.einsum("ik,j->ijk", eye, X.numpy()) + np.einsum("jk,i->ijk", eye, X.numpy())
    np.testing.assert_allclose(outer.numpy(), expected, atol=1e-6)
    assert total.tolist() == [1.0, 1.0, 1.0]
    by_both = jacobian(lambda d, y: d["a"] * y, argnums=(0, 1))({"a": X}, 3 * X)
    np.testing.assert_allclose(by_both[0]["a"].numpy(), np.diag(3 * X.numpy()))
    np.testing.assert_allclose(by_both[1].numpy(), np.diag(X.numpy()))
    assert tuple(jacobian(lambda x: x[:0])(X).shape) == (0, 3)
    second = func.hessian(lambda x: (x**3).sum())(X)
    np.testing.assert_allclose(second.numpy(), np.diag(6 * X.numpy()), atol=1e-6)


def test_rows_of_arguments_and_results():
    assert func.vmap(torch.dot, in_dims=(1, None))(M, X).tolist() == (M.mT @ X).tolist()
    assert torch.vmap is func.vmap
    pairs = func.vmap(func.vmap(torch.dot, in_dims=(0, None)), in_dims=(None, 0))(M, M)
    np.testing.assert_allclose(pairs.numpy(), (M @ M.mT).numpy(), rtol=1e-6)
    found = func.vmap(
        lambda x, d: (x + d["a"], {"s": x.sum()}), in_dims=(0, {"a": 0, "b": None}), out_dims=(1, 0)
    )(M, {"a": X, "b": 3})
    assert torch.equal(found[0], (M + X[:, None]).mT) and torch.equal(found[1]["s"], M.sum(1))
    assert func.vmap(lambda x: torch.ones(2), out_dims=None)(X).tolist() == [1.0, 1.0]
    assert tuple(func.vmap(lambda x: x.sum(0).expand(5))(torch.ones(0, 2)).shape) == (0, 5)


def test_randomness_of_rows():
    with pytest.raises(RuntimeError, match="random numbers"):
        func.vmap(lambda x: x + torch.randn(()))(X)
    zeros = torch.zeros(4)
    assert func.vmap(lambda x: x + torch.randn(()), randomness="same")(zeros).unique().numel() == 1
    assert func.vmap(lambda x: x + torch.randn(()), randomness="different")(zeros).unique().numel() == 4


def test_gradients_for_each_sample():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, y = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    state = {name: p.detach() for name, p in model.named_parameters()}

    def loss(state, x, y):
        output = func.functional_call(model, state, (x.unsqueeze(0),))
        return nn.functional.cross_entropy(output, y.unsqueeze(0))

    each = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(state, x, y)
    for i in range(5):
        model.zero_grad()
        nn.functional.cross_entropy(model(x[i : i + 1]), y[i : i + 1]).backward()
        for name, p in model.named_parameters():
            assert torch.equal(each[name][i], p.grad)


def test_an_ensemble_of_models():
    models = [nn.Linear(3, 2) for _ in range(4)]
    state, buffers = func.stack_module_state(models)
    base = models[0]
    found = func.vmap(lambda s, b, x: func.functional_call(base, (s, b), (x,)), in_dims=(0, 0, None))(
        state, buffers, X
    )
    assert torch.equal(found, torch.stack([model(X) for model in models]))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: func.grad(lambda x: x)(X), RuntimeError, "without dimensions, got shape"),
        (lambda: func.grad(lambda x: 3.0)(X), RuntimeError, "must return Tensors, got float"),
        (lambda: func.grad(lambda x: x.sum(), has_aux=True)(X), RuntimeError, "output, aux"),
        (lambda: func.grad(lambda x: x.sum(), argnums=1)(X), RuntimeError, "argnums=1, but there are 1"),
        (lambda: func.grad(lambda x: x.sum())(X.long()), RuntimeError, "floating"),
        (lambda: func.grad(lambda x: x["a"].sum())({"a": X, "b": 3}), RuntimeError, "holds int"),
        (lambda: func.vjp(lambda x: (x, x), X)[1](X), RuntimeError, "nested as"),
        (lambda: func.vjp(lambda x: x, X)[1](X[:2]), RuntimeError, r"expected shape \(3,\)"),
        (lambda: func.jvp(lambda x: x, X, X), RuntimeError, "primals must be a tuple"),
        (lambda: func.jvp(lambda x: torch.ones(2), (X,), (X,), strict=True), RuntimeError, "does not depend"),
        (lambda: func.vmap(lambda x: x)(3), ValueError, "value of type int"),
        (lambda: func.vmap(lambda x: x, in_dims=1)(X), ValueError, "in_dims=1 for a tensor of 1"),
        (lambda: func.vmap(torch.add)(X, torch.ones(4)), ValueError, r"different sizes: \[3, 4\]"),
        (lambda: func.vmap(lambda x: x, in_dims=(0, 0))(X), ValueError, "does not fit"),
        (lambda: func.vmap(lambda x, y: x, in_dims=(None, None))(X, X), ValueError, "at least one input"),
        (lambda: func.vmap(lambda x: x, in_dims=None), ValueError, "a number or a tuple"),
        (lambda: func.vmap(lambda x: 3)(X), ValueError, "must return Tensors, got int"),
        (lambda: func.vmap(lambda x: x, out_dims=None)(X), ValueError, "differs between rows"),
        (lambda: func.vmap(lambda: X)(), ValueError, "no positional arguments"),
        (lambda: func.vmap(lambda x: x, randomness="no"), RuntimeError, "'different' or 'same'"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


PEER = [
    "f.grad(lambda x: (x.sin() * x).sum())(x)",
    "f.vmap(f.grad(lambda w, x: (w * x).sum() ** 2), in_dims=(None, 0))(x, m.mT)",
    "f.vmap(f.hessian(lambda x: (x**3).prod()))(m)",
    "f.jacrev(lambda x, y: x.outer(y), argnums=(0, 1))(x, m[0])",
    "f.jvp(lambda x, y: (x @ y, y.exp()), (x, m), (x, m))",
    "f.vjp(lambda d: {'s': d['a'] * 2, 't': (d['a'].cos(), d['b'])}, {'a': x, 'b': m})[1]"
    "({'s': x, 't': (x, m)})",
    "f.grad(lambda w: f.vmap(lambda r: (r * w).sum())(m.mT).square().sum())(x)",
    "f.vmap(lambda x: x.softmax(0), in_dims=1, out_dims=1)(m)",
]


@pytest.mark.parametrize("call", PEER)
def test_against_pytorch(call):
    other = pytest.importorskip("torch.func")
    library = pytest.importorskip("torch")
    ours = eval(call, {"f": func, "x": X, "m": M})
    theirs = eval(call, {"f": other, "x": library.from_numpy(X.numpy()), "m": library.from_numpy(M.numpy())})
    ours, theirs = torch.utils._pytree.tree_leaves(ours), torch.utils._pytree.tree_leaves(theirs)
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), yours.numpy(), rtol=1e-5, atol=1e-5)
