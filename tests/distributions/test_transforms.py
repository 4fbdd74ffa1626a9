"""Transforms and constraints: there and back, determinants by autograd, shapes, caches, registries."""

import copy
import math
import pickle

import pytest
from util import torch

D = torch.distributions
C = D.constraints
T = D.transforms
jacobian = torch.autograd.functional.jacobian


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


TRANSFORMS = {
    "exp": T.ExpTransform(),
    "affine": T.AffineTransform(1.0, -2.0),
    "affine of tensors": T.AffineTransform(numbers(1.0, 2.0, 3.0), numbers(0.5, -1.0, 2.0), event_dim=1),
    "sigmoid": T.SigmoidTransform(),
    "softplus": T.SoftplusTransform(),
    "tanh": T.TanhTransform(),
    "power": T.PowerTransform(numbers(2.5)[0]),
    "distribution function": T.CumulativeDistributionTransform(D.Normal(numbers(0.5)[0], numbers(2.0)[0])),
    "stick breaking": T.StickBreakingTransform(),
    "correlation": T.CorrCholeskyTransform(),
    "reshape": T.ReshapeTransform((3,), (3, 1)),
    "independent": T.IndependentTransform(T.ExpTransform(), 1),
    "compose": T.ComposeTransform([T.AffineTransform(1.0, 2.0), T.TanhTransform(), T.ExpTransform()]),
    "compose to vectors": T.ComposeTransform([T.AffineTransform(0.0, 2.0), T.StickBreakingTransform()]),
    "cat": T.CatTransform([T.ExpTransform(), T.AffineTransform(1.0, 2.0)], -1, [1, 2]),
    "stack": T.StackTransform([T.ExpTransform(), T.AffineTransform(1.0, 2.0), T.TanhTransform()], -1),
}


@pytest.fixture(params=TRANSFORMS)
def transform(request):
    return TRANSFORMS[request.param]


def vector():
    torch.manual_seed(0)
    return torch.rand(3, dtype=torch.float64) * 0.9 + 0.05


def coordinates(y):
    """As many numbers of y as there are degrees of freedom: without the last part of a simplex, below a diagonal."""
    if y.shape == (4,):
        return y[:3]
    return D.utils.tril_matrix_to_vec(y, -1) if y.shape == (3, 3) else y.flatten()


def test_there_and_back(transform):
    x = vector()
    y = transform(x)
    assert bool(transform.codomain.check(y).all())
    torch.testing.assert_close(transform.inv(y), x)
    assert tuple(transform.forward_shape((5, 3))) == (5, *y.shape)
    assert tuple(transform.inverse_shape((5, *y.shape))) == (5, 3)
    assert transform.bijective and transform.inv.bijective
    assert transform.inv.inv == transform and transform == transform and transform != T.AbsTransform()


def test_determinants(transform):
    x = vector()
    y = transform(x)
    slope = transform.log_abs_det_jacobian(x, y)
    whole = jacobian(lambda x: coordinates(transform(x)), x)
    expected = torch.linalg.slogdet(whole)[1] if coordinates(y).numel() == 3 else None
    torch.testing.assert_close(slope.sum(), expected)
    torch.testing.assert_close(transform.inv.log_abs_det_jacobian(y, x), -slope)
    batch = torch.stack([x, x / 2])
    both = transform.log_abs_det_jacobian(batch, transform(batch))
    torch.testing.assert_close(both[0], slope)


def test_signs_follow_slopes():
    for name in ("exp", "affine", "sigmoid", "tanh", "power", "compose"):
        transform = TRANSFORMS[name]
        rise = (transform(numbers(0.6)) - transform(numbers(0.5))).sign()
        assert rise.item() == float(transform.sign)
    assert T.PowerTransform(-2.0).sign.item() == -1


def test_copies_and_pickles_are_equal(transform):
    assert pickle.loads(pickle.dumps(transform))(vector()).tolist() == transform(vector()).tolist()
    cached = transform.with_cache()
    assert cached.with_cache(0)(vector()).tolist() == transform(vector()).tolist()
    assert repr(copy.copy(transform)) == repr(transform)


def test_a_cache_hands_back_the_very_value():
    cached, x = T.TanhTransform(cache_size=1), numbers(9.0, 25.0)
    y = cached(x)
    assert cached(x) is y and cached.inv(y) is x
    assert not torch.isfinite(T.TanhTransform().inv(y)).all()
    assert T.ComposeTransform([T.TanhTransform()], cache_size=1).parts[0](x) is not y
    with pytest.raises(ValueError):
        T.ExpTransform(cache_size=2)


def test_maps_without_one_inverse():
    x = numbers(-1.0, 0.5, 2.0)
    assert T.AbsTransform()(x).tolist() == [1, 0.5, 2] and T.AbsTransform().inv(x.abs()).tolist() == [
        1,
        0.5,
        2,
    ]
    softmax = T.SoftmaxTransform()
    torch.testing.assert_close(softmax(softmax.inv(softmax(x))), softmax(x))
    matrix = torch.randn(2, 3, 3, dtype=torch.float64)
    lower, definite = T.LowerCholeskyTransform(), T.PositiveDefiniteTransform()
    torch.testing.assert_close(lower.inv(lower(matrix)), matrix.tril())
    torch.testing.assert_close(definite.inv(definite(matrix)), matrix.tril())
    for one in (T.AbsTransform(), softmax, lower, definite):
        assert not one.bijective


def test_shapes_that_do_not_fit():
    for shape in ((), (4,)):
        with pytest.raises(ValueError):
            T.ReshapeTransform((3,), (3, 1)).forward_shape(shape)
    for call in (
        lambda: T.StickBreakingTransform().forward_shape(()),
        lambda: T.CorrCholeskyTransform().forward_shape((5,)),
        lambda: T.CorrCholeskyTransform().inverse_shape((3, 4)),
        lambda: T.IndependentTransform(T.ExpTransform(), 2)(torch.ones(3)),
        lambda: T.ReshapeTransform((2, 3), (5,)),
    ):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(NotImplementedError):
        T.Transform().sign  # noqa: B018
    with pytest.raises(NotImplementedError):
        T.Transform()(torch.ones(2))


# ---------------------------------------------------------------- constraints

MEMBERS = {  # members, and what is not
    "boolean": ([0.0, 1.0], [0.5, math.nan]),
    "real": ([-3.0, math.inf], [math.nan]),
    "positive": ([1e-9, 3.0], [0.0, -1.0, math.nan]),
    "nonnegative": ([0.0, 3.0], [-1e-9]),
    "unit_interval": ([0.0, 0.5, 1.0], [-0.1, 1.1]),
    "nonnegative_integer": ([0.0, 7.0], [-1.0, 1.5]),
    "positive_integer": ([1.0, 7.0], [0.0, 1.5]),
    "simplex": ([[0.2, 0.8], [0.0, 1.0]], [[0.5, 0.6], [-0.5, 1.5]]),
    "one_hot": ([[0.0, 1.0]], [[1.0, 1.0], [0.5, 0.5], [0.0, 0.0]]),
    "real_vector": ([[1.0, 2.0]], [[1.0, math.nan]]),
    "lower_triangular": ([[[1.0, 0.0], [2.0, -3.0]]], [[[1.0, 1.0], [2.0, 3.0]]]),
    "lower_cholesky": ([[[1.0, 0.0], [2.0, 3.0]]], [[[1.0, 0.0], [2.0, -3.0]], [[1.0, 1.0], [2.0, 3.0]]]),
    "corr_cholesky": ([[[1.0, 0.0], [0.6, 0.8]]], [[[1.0, 0.0], [0.6, 0.9]]]),
    "square": ([[[1.0, 0.0], [2.0, 3.0]]], [[[1.0, 0.0]]]),
    "symmetric": ([[[1.0, 2.0], [2.0, 3.0]]], [[[1.0, 0.0], [2.0, 3.0]]]),
    "positive_definite": ([[[2.0, 1.0], [1.0, 2.0]]], [[[1.0, 2.0], [2.0, 1.0]], [[2.0, 1.0], [0.0, 2.0]]]),
    "positive_semidefinite": ([[[0.0, 0.0], [0.0, 0.0]]], [[[1.0, 2.0], [2.0, 1.0]]]),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_members(name):
    constraint = getattr(C, name)
    inside, outside = MEMBERS[name]
    for values, expected in ((inside, True), (outside, False)):
        for value in values:
            found = constraint.check(numbers(value)[0])
            assert found.dtype == torch.bool and found.item() is expected, value
    depth = {True: 0}.get(not isinstance(inside[0], list), 1 if not isinstance(inside[0], list) else None)
    value = numbers(inside[0])[0]
    assert constraint.event_dim == value.dim() if depth is None else constraint.event_dim == 0
    assert constraint.is_discrete == (name in ("boolean", "one_hot") or "integer" in name)


def test_bounds():
    x = numbers(0.0, 1.0, 2.0)
    assert C.greater_than(1).check(x).tolist() == [False, False, True]
    assert C.greater_than_eq(1).check(x).tolist() == [False, True, True]
    assert C.less_than(1).check(x).tolist() == [True, False, False]
    assert C.interval(0, 1).check(x).tolist() == [True, True, False]
    assert C.half_open_interval(0, 1).check(x).tolist() == [True, False, False]
    assert C.integer_interval(1, 2).check(x).tolist() == [False, True, True]
    assert (
        C.multinomial(3).check(numbers(1.0, 2.0)).item()
        and not C.multinomial(2).check(numbers(1.0, 2.0)).item()
    )
    assert repr(C.interval(0.0, 1.0)) == "Interval(lower_bound=0.0, upper_bound=1.0)"
    assert repr(C.independent(C.real, 1)) == "IndependentConstraint(Real(), 1)" == repr(C.real_vector)


def test_made_of_others():
    x = numbers([1.0, -1.0], [2.0, 3.0])
    assert C.independent(C.positive, 1).check(x).tolist() == [False, True]
    assert C.cat([C.positive, C.real], -1, [1, 1]).check(x).tolist() == [[True, True], [True, True]]
    assert C.stack([C.positive, C.positive], -1).check(x).tolist() == [[True, False], [True, True]]
    with pytest.raises(ValueError):
        C.independent(C.positive, 3).check(x)
    assert C.MixtureSameFamilyConstraint(C.positive).check(x).tolist() == [[True, False], [True, True]]


def test_dependent():
    assert C.is_dependent(D.Uniform.support) and not C.is_dependent(C.real)
    assert D.Categorical.support.is_discrete and D.Categorical.support.event_dim == 0
    with pytest.raises(NotImplementedError):
        C.dependent.event_dim  # noqa: B018
    assert C.dependent(event_dim=2).event_dim == 2
    with pytest.raises(ValueError):
        C.dependent.check(numbers(1.0))
    assert D.Uniform(1.0, 2.0).support.lower_bound.item() == 1.0


# ---------------------------------------------------------------- registries

LEADS = ["real", "positive", "nonnegative", "unit_interval", "simplex", "corr_cholesky", "real_vector"]
LEADS_BY_TRANSFORM = [*LEADS, "lower_cholesky", "positive_definite", "positive_semidefinite"]


def unconstrained(name):
    torch.manual_seed(0)
    return torch.randn((2, 3, 3) if name in LEADS_BY_TRANSFORM[7:] else (2, 3), dtype=torch.float64)


@pytest.mark.parametrize("name", LEADS_BY_TRANSFORM)
def test_transform_to(name):
    constraint = getattr(C, name)
    assert bool(constraint.check(D.transform_to(constraint)(unconstrained(name))).all())


@pytest.mark.parametrize("name", LEADS)
def test_biject_to(name):
    constraint, x = getattr(C, name), unconstrained(name)
    transform = D.biject_to(constraint)
    y = transform(x)
    assert transform.bijective and bool(constraint.check(y).all())
    torch.testing.assert_close(transform.inv(y), x)


def test_registries_with_bounds_and_parts():
    x = unconstrained("real")
    bounded = (
        C.greater_than(2.0),
        C.less_than(-1.0),
        C.interval(1.0, 3.0),
        C.greater_than(numbers(1.0, 2.0, 3.0)),
    )
    for constraint in (
        *bounded,
        C.independent(C.positive, 1),
        C.stack([C.real, C.positive, C.unit_interval], -1),
    ):
        for registry in (D.biject_to, D.transform_to):
            assert bool(constraint.check(registry(constraint)(x)).all())
    parts = C.cat([C.simplex, C.positive], -1, [2, 1])
    assert D.transform_to(parts)(x).shape == (2, 3)
    with pytest.raises(NotImplementedError):
        D.transform_to(C.boolean)
    with pytest.raises(TypeError):
        D.biject_to.register(3, lambda constraint: T.ExpTransform())


def test_a_constraint_of_ones_own():
    class Even(C.Constraint):
        def check(self, value):
            return value % 2 == 0

    @D.transform_to.register(Even)
    def _(constraint):
        return T.AffineTransform(0.0, 2.0)

    assert Even().check(D.transform_to(Even())(numbers(3.0))).item()
