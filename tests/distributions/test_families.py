"""Every family against its density in NumPy: values, distribution functions, moments, entropy, draws."""

import copy
import math
import pickle

import numpy as np
import pytest
from util import torch

from distributions.families import COUNTS, FAMILIES, LINES

D = torch.distributions

families = pytest.mark.parametrize("family", FAMILIES, ids=str)
lines = pytest.mark.parametrize("family", LINES, ids=str)


def array(tensor):
    return tensor.detach().numpy()


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def grid(family, count=40001):
    """Places and weights of a rule that integrates over the domain, dense where numbers are small."""
    low, high = family.domain
    t = np.linspace(-1, 1, count)
    if low > 0 and high > 1:
        x = np.exp(np.linspace(math.log(low), math.log(high), count))
        x = np.sort(np.concatenate([x, np.linspace(0.1, 3, count)]))  # where densities jump
    elif (low, high) == (-4e6, 4e6):
        x = np.sinh(16 * t) * (4e6 / math.sinh(16))
    else:
        x = 0.5 * (low + high) + 0.5 * (high - low) * np.sin(0.5 * math.pi * t)
    return x


def integral(values, x):
    return (0.5 * (values[1:] + values[:-1]) * np.diff(x).reshape((-1,) + (1,) * (values.ndim - 1))).sum(0)


def density(distribution, x):
    """The density over a grid, 0 outside of the support."""
    places = tensor(x.reshape((-1,) + (1,) * len(distribution.batch_shape)))
    inside = array(distribution.support.check(places)) & np.ones(distribution.batch_shape, bool)
    unchecked = copy.copy(distribution)
    unchecked._validate_args = False
    if isinstance(unchecked, D.TransformedDistribution):
        unchecked.base_dist = copy.copy(unchecked.base_dist)
        unchecked.base_dist._validate_args = False
    return np.where(inside, np.nan_to_num(np.exp(array(unchecked.log_prob(places)))), 0.0)


@families
def test_log_prob(family):
    if family.log_prob is None:
        pytest.skip("its density is tested by its transform or by the peer")
    distribution = family.make(torch)
    torch.manual_seed(0)
    value = distribution.sample((4,))
    expected = family.log_prob(array(value), **family.arguments)
    np.testing.assert_allclose(array(distribution.log_prob(value)), expected, rtol=1e-8, atol=1e-8)


@lines
def test_the_density_is_one_in_all_and_moments_are_its_own(family):
    distribution, x = family.make(torch), grid(family)
    p = density(distribution, x)
    np.testing.assert_allclose(integral(p, x), 1, atol=4e-3)
    if not family.moments:
        return
    places = x.reshape((-1,) + (1,) * (p.ndim - 1))
    mean = integral(places * p, x)
    np.testing.assert_allclose(array(distribution.mean), mean, rtol=2e-3, atol=2e-3)
    variance = integral((places - mean) ** 2 * p, x)
    np.testing.assert_allclose(array(distribution.variance), variance, rtol=5e-3, atol=2e-3)
    np.testing.assert_allclose(array(distribution.stddev), np.sqrt(variance), rtol=5e-3, atol=2e-3)


@lines
def test_entropy(family):
    distribution, x = family.make(torch), grid(family)
    try:
        entropy = distribution.entropy()
    except NotImplementedError:
        assert family.name in ("FisherSnedecor", "RelaxedBernoulli", "VonMises")
        return
    p = density(distribution, x)
    minus_p_log_p = np.where(p > 0, -p * np.log(np.where(p > 0, p, 1)), 0)
    np.testing.assert_allclose(array(entropy), integral(minus_p_log_p, x), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(array(distribution.perplexity()), np.exp(array(entropy)))


@lines
def test_cdf_and_its_inverse(family):
    distribution, x = family.make(torch), grid(family)
    try:
        distribution.cdf(distribution.sample())
    except NotImplementedError:
        assert family.name in ("Beta", "FisherSnedecor", "RelaxedBernoulli", "StudentT", "VonMises")
        return
    p = density(distribution, x)
    steps = 0.5 * (p[1:] + p[:-1]) * np.diff(x).reshape((-1,) + (1,) * (p.ndim - 1))
    below = np.concatenate([np.zeros_like(p[:1]), steps.cumsum(0)])
    for where in (0.3, 0.5, 0.8):
        value = np.array([np.interp(where, column, x) for column in below.reshape(len(x), -1).T])
        value = tensor(value.reshape(distribution.batch_shape))
        np.testing.assert_allclose(array(distribution.cdf(value)), where, atol=2e-3)
        try:
            back = distribution.icdf(distribution.cdf(value))
        except NotImplementedError:
            assert family.name in ("Chi2", "Gamma", "InverseGamma")
            continue
        np.testing.assert_allclose(array(back), array(value), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("family", COUNTS, ids=str)
def test_chances_of_counts(family):
    distribution = family.make(torch)
    most = {"Bernoulli": 2, "Binomial": 8}.get(family.name, 400)
    x = np.arange(most, dtype=float).reshape((-1,) + (1,) * len(distribution.batch_shape))
    p = np.exp(array(distribution.log_prob(tensor(x))))
    np.testing.assert_allclose(p.sum(0), 1, atol=1e-9)
    mean = (x * p).sum(0)
    np.testing.assert_allclose(array(distribution.mean), mean, atol=1e-8)
    np.testing.assert_allclose(array(distribution.variance), ((x - mean) ** 2 * p).sum(0), atol=1e-7)
    assert (p.argmax(0) == array(distribution.mode)).all()
    if family.name in ("Bernoulli", "Binomial", "Geometric"):
        entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(0)
        np.testing.assert_allclose(array(distribution.entropy()), entropy, atol=1e-8)
    if distribution.has_enumerate_support:
        values = distribution.enumerate_support()
        assert values.shape == (most, *distribution.batch_shape)
        assert (array(values) == np.broadcast_to(x, values.shape)).all()
        assert distribution.enumerate_support(expand=False).shape == x.shape


@families
def test_draws_have_the_moments(family):
    distribution = family.make(torch)
    torch.manual_seed(1)
    drawn = distribution.sample((6000,))
    assert drawn.shape == (6000, *distribution.batch_shape, *distribution.event_shape)
    assert bool(distribution.support.check(drawn).all())
    if not family.moments or family.name in (
        "Categorical",
        "LKJCholesky",
        "LogisticNormal",
        "RelaxedOneHotCategorical",
    ):
        return
    values = array(drawn).astype(float)
    mean, deviation = array(distribution.mean), np.sqrt(array(distribution.variance))
    np.testing.assert_array_less(abs(values.mean(0) - mean), 6 * deviation / math.sqrt(6000) + 1e-9)
    np.testing.assert_allclose(values.std(0), deviation, rtol=0.2)


@families
def test_a_larger_batch(family):
    distribution = family.make(torch)
    shape = (5, *distribution.batch_shape)
    larger = distribution.expand(shape)
    assert type(larger) is type(distribution) and larger.batch_shape == shape
    assert larger.event_shape == distribution.event_shape
    torch.manual_seed(0)
    value = larger.sample((2,))
    assert value.shape == (2, *shape, *distribution.event_shape)
    torch.testing.assert_close(larger.log_prob(value), distribution.log_prob(value))
    again = distribution.expand(distribution.batch_shape)
    torch.testing.assert_close(again.log_prob(value), distribution.log_prob(value))
    try:
        entropy = distribution.entropy()
    except NotImplementedError:
        return
    torch.testing.assert_close(larger.entropy(), entropy.expand(shape))


@families
def test_pickled(family):
    distribution = family.make(torch)
    torch.manual_seed(0)
    value = distribution.sample()
    again = pickle.loads(pickle.dumps(distribution))
    assert repr(again) == repr(distribution)
    torch.testing.assert_close(again.log_prob(value), distribution.log_prob(value))


@families
def test_single_precision_stays(family):
    distribution = family.make(torch, "float32")
    drawn = distribution.sample()
    assert drawn.dtype == (torch.int64 if family.name == "Categorical" else torch.float32)
    assert distribution.log_prob(drawn).dtype == torch.float32


@families
def test_draws_of_chosen_shapes(family):
    distribution = family.make(torch)
    rest = (*distribution.batch_shape, *distribution.event_shape)
    for shape in ((), (1,), (2, 3)):
        assert distribution.sample(shape).shape == (*shape, *rest)
        if distribution.has_rsample:
            assert distribution.rsample(torch.Size(shape)).shape == (*shape, *rest)
        else:
            with pytest.raises(NotImplementedError):
                distribution.rsample(shape)


def test_vectors_and_matrices_have_the_moments_of_theory():
    covariance = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    normal = D.MultivariateNormal(tensor([1.0, -1.0]), covariance)
    for other in ("precision_matrix", "scale_tril"):
        same = D.MultivariateNormal(normal.loc, **{other: getattr(normal, other)})
        torch.testing.assert_close(same.covariance_matrix, covariance)
        torch.testing.assert_close(same.precision_matrix @ covariance, torch.eye(2, dtype=torch.float64))
    torch.manual_seed(0)
    drawn = array(normal.sample((20000,)))
    np.testing.assert_allclose(np.cov(drawn.T), array(covariance), atol=0.05)
    entropy = 0.5 * math.log((2 * math.pi * math.e) ** 2 * 1.75)
    assert normal.entropy().item() == pytest.approx(entropy)
    low_rank = D.LowRankMultivariateNormal(normal.loc, tensor([[1.0], [0.5]]), tensor([1.0, 0.75]))
    torch.testing.assert_close(low_rank.covariance_matrix, covariance)
    torch.testing.assert_close(low_rank.precision_matrix, normal.precision_matrix)
    torch.testing.assert_close(low_rank.scale_tril, normal.scale_tril)
    torch.testing.assert_close(low_rank.entropy(), normal.entropy())
    np.testing.assert_allclose(np.cov(array(low_rank.sample((20000,))).T), array(covariance), atol=0.05)


def test_entropy_of_vectors():
    p = tensor([0.2, 0.3, 0.5])
    expected = -(p * p.log()).sum()
    torch.testing.assert_close(D.Categorical(p).entropy(), expected)
    torch.testing.assert_close(D.OneHotCategorical(p).entropy(), expected)
    torch.testing.assert_close(D.Categorical(tensor([0.0, 1.0])).entropy(), tensor(0.0))
    counts = [(i, j, 4 - i - j) for i in range(5) for j in range(5 - i)]
    chances = D.Multinomial(4, p).log_prob(tensor(counts))
    torch.testing.assert_close(D.Multinomial(4, p).entropy(), -(chances.exp() * chances).sum())
    for family in (
        D.Dirichlet(tensor([0.7, 1.5, 2.0])),
        D.Wishart(tensor(5.0), torch.eye(2, dtype=torch.float64)),
    ):
        torch.manual_seed(0)
        estimate = -family.log_prob(family.sample((20000,))).mean()
        assert family.entropy().item() == pytest.approx(estimate.item(), abs=0.04)


def test_correlation_factors():
    # Of 2 by 2 matrices the correlation r has the density (1 - r^2)^(concentration - 1).
    family = D.LKJCholesky(2, tensor(1.5))
    r = np.linspace(-1, 1, 20001)[1:-1]
    factors = np.zeros((len(r), 2, 2))
    factors[:, 0, 0], factors[:, 1, 0], factors[:, 1, 1] = 1, r, np.sqrt(1 - r**2)
    p = np.exp(array(family.log_prob(tensor(factors))))
    assert integral(p, r) == pytest.approx(1, abs=1e-3)
    torch.manual_seed(0)
    drawn = D.LKJCholesky(4, 1.0).sample((4000,))
    correlation = array(drawn @ drawn.mT)
    np.testing.assert_allclose(correlation.mean(0), np.eye(4), atol=0.06)
    # Uniform over correlation matrices, each r is beta distributed on [-1, 1] with both parameters 2.
    variances = correlation.var(0)[np.tril_indices(4, -1)]
    np.testing.assert_allclose(variances, 4 * 0.05, rtol=0.1)
