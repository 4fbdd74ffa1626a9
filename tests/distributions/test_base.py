"""What all distributions share: checks and their messages, batches, subclasses, repr, what is put together."""

import math

import pytest
from util import torch

D = torch.distributions
C = D.constraints


def number(*values):
    return torch.tensor(values if len(values) > 1 else values[0], dtype=torch.float64)


BAD = {
    "Expected parameter scale .* satisfy the constraint GreaterThan\\(lower_bound=0.0\\)": lambda: D.Normal(
        0, -1
    ),
    "Input arguments must all be instances of Number": lambda: D.Normal(0, "a"),
    "must be a Tensor": lambda: D.Normal(0, 1).log_prob(1.0),
    "not broadcastable with batch_shape\\+event_shape": lambda: D.Normal(torch.zeros(3), 1).log_prob(
        torch.zeros(2)
    ),
    "right-most size of value must match event_shape": lambda: D.Dirichlet(torch.ones(3)).log_prob(
        torch.ones(2)
    ),
    "within the support \\(IntegerInterval": lambda: D.Categorical(torch.ones(3)).log_prob(torch.tensor(7)),
    "within the support \\(Real": lambda: D.Normal(0, 1).log_prob(torch.tensor(math.nan)),
    "Either `probs` or `logits` must be specified": lambda: D.Bernoulli(0.5, 0.5),
    "Either `probs` or `logits`": lambda: D.Categorical(),
    "`probs` parameter must be at least one-dimensional": lambda: D.Categorical(torch.tensor(0.5)),
    "`concentration` parameter must be at least": lambda: D.Dirichlet(torch.tensor(0.5)),
    "constraint Simplex": lambda: D.Categorical(torch.zeros(0)),
    "IntegerGreaterThan\\(lower_bound=0\\)": lambda: D.Binomial(2.5, torch.tensor(0.5)),
    "Exactly one of covariance_matrix or precision_matrix or scale_tril": lambda: D.MultivariateNormal(
        torch.zeros(2)
    ),
    "loc must be at least one-dimensional": lambda: D.MultivariateNormal(torch.tensor(0.0), torch.eye(2)),
    "PositiveDefinite": lambda: D.MultivariateNormal(torch.zeros(2), -torch.eye(2)),
    "must be a batch of matrices": lambda: D.LowRankMultivariateNormal(
        torch.zeros(2), torch.ones(3, 1), torch.ones(2)
    ),
    "must be a batch of vectors": lambda: D.LowRankMultivariateNormal(
        torch.zeros(2), torch.ones(2, 1), torch.ones(3)
    ),
    "greater than ndim - 1": lambda: D.Wishart(torch.tensor(1.0), torch.eye(3)),
    "greater than or equal to 2": lambda: D.LKJCholesky(1),
    "reinterpreted_batch_ndims <= len": lambda: D.Independent(D.Normal(0, 1), 1),
    "transforms must be a Transform or list": lambda: D.TransformedDistribution(D.Normal(0, 1), 3),
    "size at least 1": lambda: D.TransformedDistribution(D.Normal(0, 1), D.StickBreakingTransform()),
    "Mixture distribution needs": lambda: D.MixtureSameFamily(D.Normal(0, 1), D.Normal(0, 1)),
    "`mixture_distribution": lambda: D.MixtureSameFamily(
        D.Categorical(torch.ones(3)), D.Normal(torch.ones(2), 1.0)
    ),
    "positive but found invalid": lambda: D.Geometric(torch.tensor([0.5, 0.0])),
    "low": lambda: D.Uniform(1.0, 0.0),
    "constraint Interval": lambda: D.RelaxedBernoulli(torch.tensor(1.0), 2.0),
    "constraint GreaterThan": lambda: D.Chi2(-1.0),
    "GreaterThan\\(lower": lambda: D.LogNormal(0.0, -1.0),
}


@pytest.mark.parametrize("message", BAD)
def test_errors(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


@pytest.mark.parametrize(
    "call",
    [
        lambda: D.Bernoulli(0.5).rsample(),
        lambda: D.Normal(0, 1).enumerate_support(),
        lambda: D.Beta(1.0, 1.0).cdf(torch.tensor(0.5)),
        lambda: D.Gamma(1.0, 1.0).icdf(torch.tensor(0.5)),
        lambda: D.Poisson(1.0).entropy(),
        lambda: D.Multinomial(torch.tensor([3]), torch.ones(2)),
        lambda: D.Binomial(torch.tensor([3, 4]), 0.5).enumerate_support(),
        lambda: D.Independent(D.Bernoulli(torch.full((2,), 0.5)), 1).enumerate_support(),
        lambda: D.Distribution(validate_args=False).sample(),
        lambda: D.Distribution(validate_args=False).mean,
        lambda: D.Distribution(validate_args=False).log_prob(torch.ones(())),
    ],
)
def test_what_there_is_not(call):
    with pytest.raises(NotImplementedError):
        call()


def test_checks_can_be_left_out():
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    assert D.Uniform(0.0, 1.0, validate_args=False).log_prob(number(2.0, 1.0, 0.0)).tolist() == [
        -math.inf,
        -math.inf,
        0,
    ]
    try:
        D.Distribution.set_default_validate_args(False)
        assert D.Normal(0.0, -1.0).scale.item() == -1
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError):
        D.Distribution.set_default_validate_args(3)


def test_numbers_become_tensors():
    normal = D.Normal(1, 2)
    assert normal.loc.dtype == torch.get_default_dtype() and normal.batch_shape == ()
    assert D.Normal(number(1.0), 2).scale.dtype == torch.float64
    wide = D.Normal(torch.zeros(3, 1), torch.ones(2))
    assert wide.batch_shape == (3, 2) and wide.loc.shape == (3, 2) == wide.stddev.shape
    assert D.Binomial(torch.tensor([3, 4]), 0.5).total_count.dtype == torch.float32


REPRS = {
    "Normal(loc: 0.0, scale: 1.0)": lambda: D.Normal(0, 1),
    "Normal(loc: tensor([0.]), scale: tensor([1.]))": lambda: D.Normal(torch.zeros(1), 1),
    "Normal(loc: torch.Size([3]), scale: torch.Size([3]))": lambda: D.Normal(torch.zeros(3), 1),
    "Categorical(probs: torch.Size([3]))": lambda: D.Categorical(torch.ones(3)),
    "Categorical(logits: torch.Size([2, 3]))": lambda: D.Categorical(logits=torch.ones(2, 3)),
    "Binomial(total_count: 3.0, probs: 0.5)": lambda: D.Binomial(3, torch.tensor(0.5)),
    "StudentT(df: 3.0, loc: 0.0, scale: 1.0)": lambda: D.StudentT(3.0),
    "MultivariateNormal(loc: torch.Size([2]), covariance_matrix: torch.Size([2, 2]))": lambda: (
        D.MultivariateNormal(torch.zeros(2), torch.eye(2))
    ),
    "Independent(Normal(loc: torch.Size([3]), scale: torch.Size([3])), 1)": lambda: D.Independent(
        D.Normal(torch.zeros(3), 1), 1
    ),
    "LogNormal()": lambda: D.LogNormal(0, 1),
    "ComposeTransform(\n    ExpTransform(),\n    AffineTransform()\n)": lambda: D.ComposeTransform(
        [D.ExpTransform(), D.AffineTransform(0.0, 1.0)]
    ),
    "_InverseTransform(ExpTransform())": lambda: D.ExpTransform().inv,
}


@pytest.mark.parametrize("text", REPRS)
def test_repr(text):
    assert repr(REPRS[text]()) == text


def test_derived_parameters_are_made_when_asked_for():
    family = D.Bernoulli(logits=number(0.0, 1.0))
    assert "probs" not in vars(family)
    torch.testing.assert_close(family.probs, torch.sigmoid(number(0.0, 1.0)))
    assert family.probs is family.probs and family.param_shape == (2,)
    with torch.no_grad():
        logits = number(0.5, 0.5).requires_grad_()
        family = D.Categorical(logits=logits)
        family.sample()
    assert D.Categorical(logits=logits).probs.requires_grad


def test_a_subclass_with_its_own_signature():
    class Fixed(D.Categorical):
        def __init__(self, logits):
            super().__init__(logits=logits)

        def sample(self, sample_shape=torch.Size()):
            return super().sample(sample_shape).unsqueeze(-1)

        def log_prob(self, value):
            return super().log_prob(value.squeeze(-1)).unsqueeze(-1)

    fixed = Fixed(torch.zeros(4, 3))
    assert fixed.sample().shape == (4, 1) and fixed.log_prob(fixed.sample()).shape == (4, 1)


def test_a_distribution_of_ones_own():
    class Squashed(D.Distribution):
        arg_constraints = {}
        has_rsample = True

        def __init__(self, loc):
            self.normal = D.Normal(loc, 1.0)
            super().__init__(self.normal.batch_shape, validate_args=False)

        def rsample(self, sample_shape=torch.Size()):
            return self.normal.rsample(sample_shape).tanh()

        def log_prob(self, value):
            return self.normal.log_prob(value.atanh()) - (1 - value**2).log()

    loc = number(0.0, 1.0).requires_grad_()
    squashed = Squashed(loc)
    torch.manual_seed(0)
    drawn = squashed.sample((5,))
    torch.manual_seed(0)
    assert torch.equal(squashed.rsample((5,)), drawn) and not drawn.requires_grad
    assert squashed.log_prob(drawn).shape == (5, 2)


def test_a_transform_of_ones_own():
    class Cubed(D.Transform):
        domain = C.real
        codomain = C.real
        bijective = True
        sign = +1

        def __init__(self, cache_size=1):
            super().__init__(cache_size=cache_size)

        def _call(self, x):
            return x**3

        def _inverse(self, y):
            return y.sign() * y.abs() ** (1 / 3)

        def log_abs_det_jacobian(self, x, y):
            return (3 * x**2).log()

    family = D.TransformedDistribution(D.Normal(number(0.5), number(2.0)), [Cubed()])
    value = family.rsample((3,))
    expected = family.base_dist.log_prob(family.transforms[0].inv(value)) - (3 * value.abs() ** (2 / 3)).log()
    torch.testing.assert_close(family.log_prob(value), expected)
    torch.testing.assert_close(family.icdf(family.cdf(value)), value)


def test_transformed_shapes():
    base = D.Normal(torch.zeros(2, 3), 1.0)
    assert D.TransformedDistribution(base, D.StickBreakingTransform()).event_shape == (4,)
    assert D.TransformedDistribution(base, D.ReshapeTransform((3,), (3, 1))).event_shape == (3, 1)
    grown = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(torch.zeros(3), 1.0))
    assert grown.batch_shape == (3,) == grown.sample().shape
    several = D.TransformedDistribution(
        D.Independent(base, 1), [D.TanhTransform(), D.AffineTransform(0.0, 2.0)]
    )
    value = several.sample((5,))
    assert several.log_prob(value).shape == (5, 2) and bool(several.support.check(value / 2).all())
    falling = D.TransformedDistribution(D.Normal(number(0.0), 1.0), D.AffineTransform(0.0, -1.0))
    assert falling.cdf(number(1.0)).item() == pytest.approx(0.8413447460685429)


def test_mixture():
    weights, locs = number(0.25, 0.75), number(-2.0, 1.0)
    mixture = D.MixtureSameFamily(D.Categorical(weights), D.Normal(locs, 0.5))
    x = number(-1.9, 0.0, 1.1)
    each = D.Normal(locs, 0.5).log_prob(x[:, None]).exp()
    torch.testing.assert_close(mixture.log_prob(x).exp(), (each * weights).sum(-1))
    torch.testing.assert_close(mixture.cdf(x), (D.Normal(locs, 0.5).cdf(x[:, None]) * weights).sum(-1))
    assert mixture.mean.item() == pytest.approx(0.25)
    assert mixture.variance.item() == pytest.approx(0.25 + 0.25 * 2.25**2 + 0.75 * 0.75**2)
    torch.manual_seed(0)
    drawn = mixture.sample((20000,))
    assert drawn.mean().item() == pytest.approx(0.25, abs=0.05) and drawn.var().item() == pytest.approx(
        1.9375, abs=0.08
    )
    vectors = D.Independent(D.Normal(torch.zeros(4, 2, 3), 1.0), 1)
    many = D.MixtureSameFamily(D.Categorical(torch.ones(4, 2)), vectors)
    assert many.batch_shape == (4,) and many.event_shape == (3,) and many.sample((5,)).shape == (5, 4, 3)
    assert many.expand((6, 4)).sample().shape == (6, 4, 3) and many.log_prob(many.sample((5,))).shape == (
        5,
        4,
    )


def test_independent():
    base = D.Bernoulli(torch.full((2, 3), 0.3))
    both = D.Independent(base, 1)
    value = base.sample()
    torch.testing.assert_close(both.log_prob(value), base.log_prob(value).sum(-1))
    torch.testing.assert_close(both.entropy(), base.entropy().sum(-1))
    assert both.batch_shape == (2,) and both.event_shape == (3,) and not both.has_rsample
    assert both.has_enumerate_support is False and D.Independent(base, 0).has_enumerate_support is True
    assert repr(both.support) == "IndependentConstraint(Boolean(), 1)"


def test_extreme_chances():
    assert D.Categorical(logits=number(-math.inf, 0.0)).log_prob(torch.tensor(0)).item() == -math.inf
    assert D.Multinomial(2, number(0.0, 1.0)).log_prob(number(0.0, 2.0)).item() == pytest.approx(0, abs=1e-9)
    assert D.Geometric(number(1.0)).log_prob(number(0.0)).item() == 0
    assert D.Poisson(number(0.0)).log_prob(number(0.0)).item() == pytest.approx(0, abs=1e-12)
    assert D.NegativeBinomial(0.0, number(0.5)).log_prob(number(0.0)).item() == 0
    assert D.Dirichlet(number(0.5, 0.5)).mode.tolist() == [1, 0]
    assert D.StudentT(number(1.0, 1.5, 3.0)).variance.tolist()[1:] == [math.inf, pytest.approx(3)]
    df = number(1.5, 3.0).requires_grad_()
    (slope,) = torch.autograd.grad(D.StudentT(df).variance[1], df)
    assert slope.tolist() == [0, pytest.approx(-2)]


def test_utilities():
    utils = D.utils
    first, second = utils.broadcast_all(1, number(1.0, 2.0))
    assert first.tolist() == [1, 1] and second.tolist() == [1, 2] and first.dtype == torch.float64
    p = number(0.2, 0.8)
    torch.testing.assert_close(utils.logits_to_probs(utils.probs_to_logits(p)), p)
    torch.testing.assert_close(utils.logits_to_probs(utils.probs_to_logits(p, True), True), p)
    eps = torch.finfo(torch.float64).eps
    assert utils.clamp_probs(number(0.0, 1.0)).tolist() == [eps, 1 - eps]
    for diagonal in (-2, -1, 0, 1):
        matrix = torch.arange(1.0, 19.0).reshape(2, 3, 3)
        vector = utils.tril_matrix_to_vec(matrix, diagonal)
        assert torch.equal(utils.vec_to_tril_matrix(vector, diagonal), matrix.tril(diagonal))
    with pytest.raises((ValueError, RuntimeError)):
        utils.vec_to_tril_matrix(torch.zeros(4))
    with pytest.raises(ValueError):
        utils.tril_matrix_to_vec(torch.zeros(2, 2), 3)


def test_modules_of_classes():
    import importlib

    for module, name in (
        ("normal", "Normal"),
        ("categorical", "Categorical"),
        ("transformed_distribution", "TransformedDistribution"),
        ("studentT", "StudentT"),
        ("exp_family", "ExponentialFamily"),
        ("lowrank_multivariate_normal", "LowRankMultivariateNormal"),
        ("relaxed_bernoulli", "LogitRelaxedBernoulli"),
        ("transforms", "TanhTransform"),
    ):
        found = importlib.import_module(f"{torch.__name__}.distributions.{module}")
        assert isinstance(getattr(found, name), type)
    assert torch.distributions.normal.Normal is D.Normal
