"""Divergences: against integrals and sums of p log(p / q), and how a formula is chosen."""

import math
import warnings

import numpy as np
import pytest
from util import torch

from distributions.families import COUNTS, FAMILIES, Family, definite, lower, simplex, uniform

D = torch.distributions
kl = D.kl_divergence


def number(*values):
    return torch.tensor(values if len(values) > 1 else values[0], dtype=torch.float64)


def estimate(p, q, count=40000):
    """The mean of log p(x) - log q(x) over draws, and its error."""
    torch.manual_seed(0)
    x = p.sample((count,))
    q._validate_args = False
    difference = (p.log_prob(x) - q.log_prob(x)).numpy()
    return difference.mean(0), difference.std(0) / math.sqrt(count)


def real_pairs():
    one = {
        "Normal": lambda a, b: D.Normal(number(a), number(b)),
        "Laplace": lambda a, b: D.Laplace(number(a), number(b)),
        "Gumbel": lambda a, b: D.Gumbel(number(a), number(b)),
        "Exponential": lambda a, b: D.Exponential(number(a + b)),
        "Gamma": lambda a, b: D.Gamma(number(a + 1), number(b)),
        "Beta": lambda a, b: D.Beta(number(a + 1), number(b + 0.5)),
        "Uniform": lambda a, b: D.Uniform(number(a - 0.1), number(a + b / 9)),
        "Pareto": lambda a, b: D.Pareto(number(a), number(b + 3)),
        "ContinuousBernoulli": lambda a, b: D.ContinuousBernoulli(number(a / 2)),
    }
    unknown = {
        *(("Gumbel", "Laplace"), ("Laplace", "Gumbel"), ("Pareto", "Gumbel"), ("Beta", "Gumbel")),
        *(
            (name, "Laplace")
            for name in ("Exponential", "Gamma", "Beta", "Uniform", "Pareto", "ContinuousBernoulli")
        ),
        *(("ContinuousBernoulli", name) for name in ("Gamma", "Beta", "Gumbel")),
    }
    for p in one:
        for q in one:
            if (p, q) not in unknown:
                yield pytest.param(one[p](0.4, 1.1), one[q](0.3, 0.9), id=f"{p}-{q}")


def within(p, q):
    """Whether all that p draws can come from q."""
    return bool(q.support.check(p.sample((2000,))).all())


@pytest.mark.parametrize("p, q", list(real_pairs()))
def test_of_numbers(p, q):
    torch.manual_seed(1)
    divergence = kl(p, q)
    if not within(p, q):
        assert divergence.item() == math.inf
        return
    mean, error = estimate(p, q)
    assert divergence.item() == pytest.approx(mean, abs=6 * error + 2e-3 * abs(mean) + 1e-9)
    assert divergence.item() >= -1e-9


SAME = [
    Family("Cauchy", {"loc": uniform(3), "scale": uniform(3, seed=1)}),
    Family("HalfNormal", {"scale": uniform(3)}),
    Family("LogNormal", {"loc": uniform(3), "scale": uniform(3, seed=1)}),
    Family("Dirichlet", {"concentration": uniform(2, 3)}),
    Family("Chi2", {"df": uniform(3) + 1}),
    Family("Categorical", {"probs": simplex(3, 4)}),
    Family("OneHotCategorical", {"probs": simplex(3, 4)}),
    Family("Bernoulli", {"probs": uniform(3, low=0.1, high=0.9)}),
    Family("Binomial", {"total_count": 5, "probs": uniform(3, low=0.1, high=0.9)}),
    Family("Geometric", {"probs": uniform(3, low=0.1, high=0.9)}),
    Family("Poisson", {"rate": uniform(3)}),
    Family("MultivariateNormal", {"loc": uniform(2, 3), "covariance_matrix": definite(3, 2)}),
    Family("MultivariateNormal", {"loc": uniform(3), "scale_tril": lower(3)}, note=", factor"),
    Family(
        "LowRankMultivariateNormal", {"loc": uniform(4), "cov_factor": uniform(4, 2), "cov_diag": uniform(4)}
    ),
    Family("Wishart", {"df": uniform(2) + 5, "covariance_matrix": definite(3)}),
]


@pytest.mark.parametrize("family", SAME, ids=str)
def test_within_a_family(family):
    if family.name == "Wishart" and torch.__name__ == "torch":
        pytest.skip("PyTorch's value is not the mean of the logarithm's difference")
    p = family.make(torch)
    others = {
        name: value * 1.2 if isinstance(value, np.ndarray) and name != "probs" else value
        for name, value in family.arguments.items()
    }
    if "probs" in others:
        others["probs"] = np.sqrt(others["probs"])
    q = Family(family.name, others).make(torch)
    mean, error = estimate(p, q)
    np.testing.assert_array_less(abs(kl(p, q).numpy() - mean), 6 * error + 1e-9)
    np.testing.assert_allclose(kl(p, p), 0, atol=1e-12)
    assert kl(p, q.expand((5, *q.batch_shape))).shape == (5, *p.batch_shape)


def test_of_normal_vectors_of_both_kinds():
    low = D.LowRankMultivariateNormal(torch.ones(3), torch.ones(3, 1), torch.ones(3))
    full = D.MultivariateNormal(torch.zeros(3), 2 * torch.eye(3))
    same = D.MultivariateNormal(low.loc, low.covariance_matrix)
    torch.testing.assert_close(kl(low, full), kl(same, full))
    torch.testing.assert_close(kl(full, low), kl(full, same))
    with pytest.raises(ValueError):
        kl(full, D.MultivariateNormal(torch.zeros(2), torch.eye(2)))


def test_of_impossible_values():
    p, q = number(0.0, 1.0, 0.5, 0.5), number(0.0, 1.0, 1.0, 0.0)
    assert kl(D.Bernoulli(p), D.Bernoulli(q)).tolist() == [0, 0, math.inf, math.inf]
    certain, open_ = D.Categorical(number(0.0, 1.0)), D.Categorical(number(0.5, 0.5))
    assert kl(certain, open_).item() == pytest.approx(math.log(2))
    assert kl(open_, certain).item() == math.inf
    assert kl(D.Poisson(1.0), D.Bernoulli(0.5)).item() == math.inf
    assert kl(D.Binomial(3, number(0.5)), D.Binomial(2, number(0.5))).item() == math.inf
    with pytest.raises(NotImplementedError):
        kl(D.Binomial(2, number(0.5)), D.Binomial(3, number(0.5)))
    rate, chance = number(0.7), number(0.3)
    bernoulli = (1 - chance) * (torch.log(1 - chance) + rate) + chance * (chance.log() - rate.log() + rate)
    torch.testing.assert_close(kl(D.Bernoulli(chance), D.Poisson(rate)), bernoulli)


def test_of_independent_and_transformed():
    p, q = D.Normal(number(0.0, 1.0), 1.0), D.Normal(number(0.5, 1.0), 2.0)
    torch.testing.assert_close(kl(D.Independent(p, 1), D.Independent(q, 1)), kl(p, q).sum())
    with pytest.raises(NotImplementedError):
        kl(D.Independent(p, 1), D.Independent(q, 0))
    exp = D.ExpTransform()
    torch.testing.assert_close(
        kl(D.TransformedDistribution(p, exp), D.TransformedDistribution(q, exp)), kl(p, q)
    )
    with pytest.raises(NotImplementedError):
        kl(D.TransformedDistribution(p, exp), D.TransformedDistribution(q, D.TanhTransform()))
    with pytest.raises(NotImplementedError):
        kl(D.Normal(0.0, 1.0), D.Cauchy(0.0, 1.0))


def test_gradients():
    loc, scale = number(0.3).requires_grad_(), number(0.8).requires_grad_()
    divergence = kl(D.Normal(loc, scale), D.Normal(0.0, 1.0))
    torch.testing.assert_close(divergence, 0.5 * (loc**2 + scale**2 - 1) - scale.log())
    by_loc, by_scale = torch.autograd.grad(divergence, (loc, scale))
    assert by_loc.item() == pytest.approx(0.3) and by_scale.item() == pytest.approx(0.8 - 1 / 0.8)


def test_the_closest_formula_is_taken():
    class Left(D.Normal):
        pass

    class Right(D.Normal):
        pass

    left, right = Left(0.0, 1.0), Right(0.0, 1.0)
    assert kl(left, right).item() == 0

    @D.register_kl(Left, D.Normal)
    def first(p, q):
        return "left"

    assert kl(left, right) == "left" and kl(right, left).item() == 0

    @D.register_kl(D.Normal, Right)
    def second(p, q):
        return "right"

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert kl(left, right) == "left"
    assert [w.category for w in seen] == [RuntimeWarning]

    @D.register_kl(Left, Right)
    def both(p, q):
        return "both"

    assert kl(left, right) == "both"
    with pytest.raises(TypeError):
        D.register_kl(int, D.Normal)(both)


def test_a_family_of_ones_own():
    """The exponential family's formula asks for no more than theta and A."""

    class Rate(D.ExponentialFamily):
        arg_constraints = {"rate": D.constraints.positive}
        _mean_carrier_measure = 0.0

        def __init__(self, rate):
            self.rate = rate
            super().__init__(rate.shape)

        @property
        def _natural_params(self):
            return (-self.rate,)

        def _log_normalizer(self, x):
            return -(-x).log()

    p, q = number(0.5, 2.0), number(1.0, 3.0)
    torch.testing.assert_close(kl(Rate(p), Rate(q)), kl(D.Exponential(p), D.Exponential(q)))
    torch.testing.assert_close(Rate(p).entropy(), D.Exponential(p).entropy())


def test_families_know_their_normalizers():
    """Entropies by hand agree with those that the exponential family's gradients give."""
    for family in (*FAMILIES, *COUNTS):
        p = family.make(torch)
        if not isinstance(p, D.ExponentialFamily) or family.name in (
            "Poisson",
            "Beta",
            "Wishart",
            "Bernoulli",
        ):
            continue
        if torch.__name__ == "torch":
            pytest.skip("PyTorch's families have other measures")
        theta = [x.detach().requires_grad_() for x in p._natural_params]
        means = torch.autograd.grad(p._log_normalizer(*theta).sum(), theta)
        for mean, known in zip(means, p._expected_statistics):
            torch.testing.assert_close(known, mean)
