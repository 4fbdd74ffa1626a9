"""The same seed draws PyTorch's numbers, here recorded; and how draws move with their parameters."""

import math

import numpy as np
import pytest
from util import torch

D = torch.distributions
core = torch if torch.__name__ == "torch" else torch._C
standard_gamma, sample_dirichlet = core._standard_gamma, core._sample_dirichlet

# PyTorch's draws after manual_seed(42)
RECORDED = {
    "standard_gamma(torch.tensor([0.01, 0.5, 1.0, 4.0, 90.0]))": [0.0028659597, 0.3128827214, 0.2696444988, 4.7892656326, 97.5510940552],
    "D.Gamma(torch.tensor([0.3, 7.0]), 2.0).sample((2,))": [0.6189972162, 3.5952501297, 0.0268511027, 4.0726771355],
    "D.Beta(0.5, 2.0).sample((4,))": [0.44612813, 0.0630853996, 0.028984718, 0.0299348086],
    "D.Dirichlet(torch.tensor([0.2, 1.0, 5.0])).sample()": [0.345097959, 0.282494992, 0.3724070489],
    "D.Binomial(9, torch.tensor([0.1, 0.5, 0.9])).sample((2,))": [0.0, 2.0, 8.0, 2.0, 4.0, 9.0],
    "D.Binomial(4000.0, torch.tensor([0.1, 0.5, 0.9])).sample((2,))": [361.0, 1958.0, 3599.0, 368.0, 1964.0, 3607.0],
    "D.NegativeBinomial(5.0, torch.tensor([0.1, 0.5, 0.9])).sample((2,))": [2.0, 5.0, 26.0, 0.0, 1.0, 60.0],
    "D.StudentT(3.0).sample((4,))": [0.7226957083, 0.1596244127, 0.2177097648, 0.23189044],
    "D.Categorical(torch.tensor([0.1, 0.2, 0.7])).sample((8,))": [0.0, 0.0, 1.0, 0.0, 2.0, 2.0, 2.0, 2.0],
    "D.OneHotCategorical(torch.tensor([0.1, 0.2, 0.7])).sample((2,))": [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
    "D.Multinomial(9, torch.tensor([0.1, 0.2, 0.7])).sample((2,))": [3.0, 2.0, 4.0, 2.0, 1.0, 6.0],
    "D.Normal(1.0, 2.0).sample((4,))": [1.6733807325, 1.2576187849, 1.4689247608, 1.4606660604],
    "D.Laplace(1.0, 2.0).sample((4,))": [3.8924160004, 4.5440068245, 0.466142416, 6.0170373917],
    "D.Gumbel(1.0, 2.0).sample((4,))": [5.1547574997, 5.8421287537, 1.0814852715, 7.3619241714],
    "D.Cauchy(1.0, 2.0).sample((4,))": [-9.8249750137, -8.9874019623, -3.8897485733, -10.9972791672],
    "D.Geometric(0.2).sample((6,))": [0.0, 0.0, 4.0, 0.0, 4.0, 2.0],
    "D.Poisson(torch.tensor([0.5, 30.0])).sample((3,))": [0.0, 19.0, 0.0, 30.0, 2.0, 23.0],
    "D.VonMises(1.0, 2.0).sample((4,))": [-0.893848598, 0.930457294, 0.5356011391, 0.0674110129],
    "D.MultivariateNormal(torch.zeros(2), torch.tensor([[2.0, 0.5], [0.5, 1.0]])).sample((2,))": [0.4761520624, 0.2395281792, 0.331579864, 0.2983517945],
    "D.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2)).sample((2,))": [0.5711527467, 0.5670233965, -0.9940469861, -0.0575188845],
    "D.RelaxedBernoulli(torch.tensor(0.5), torch.tensor(0.3)).sample((4,))": [0.9116216898, 0.9551288486, 0.0660249591, 0.9902977347],
    "D.RelaxedOneHotCategorical(torch.tensor(0.5), torch.tensor([0.1, 0.2, 0.7])).sample()": [0.1021660268, 0.8126217723, 0.0852122754],
    "D.Weibull(1.0, 2.0).sample((4,))": [0.2447734028, 0.254904151, 0.3632034957, 0.2324068695],
    "D.Kumaraswamy(1.5, 2.0).sample((4,))": [0.1544653624, 0.1235768571, 0.5257739425, 0.0750459507],
    "D.LogisticNormal(torch.zeros(2), 1.0).sample()": [0.4118175507, 0.3130059242, 0.2751765251],
    "D.FisherSnedecor(3.0, 5.0).sample((4,))": [0.8958771229, 0.8456819654, 0.1277842522, 3.1935949326],
    "D.ContinuousBernoulli(0.3).sample((4,))": [0.8279138803, 0.873298645, 0.2913940251, 0.937638998],
    "D.MixtureSameFamily(D.Categorical(torch.tensor([0.3, 0.7])), D.Normal(torch.tensor([-5.0, 5.0]), 1.0)).sample((4,))": [-6.1228561401, -2.7917985916, -4.5383429527, -4.46509552],
}  # fmt: skip


@pytest.mark.parametrize("expression", RECORDED)
def test_draws_of_a_seed(expression):
    torch.manual_seed(42)
    drawn = eval(expression, {"torch": torch, "D": D, "standard_gamma": standard_gamma})
    np.testing.assert_allclose(drawn.double().flatten().tolist(), RECORDED[expression], rtol=2e-5, atol=1e-6)


def test_generators_and_global_draws_are_apart():
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(3)
    ours = standard_gamma(torch.ones(4)), torch.binomial(torch.full((4,), 9.0), torch.full((4,), 0.3))
    theirs = (
        standard_gamma(torch.ones(4), generator=generator),
        torch.binomial(torch.full((4,), 9.0), torch.full((4,), 0.3), generator=generator),
    )
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs))


def test_edges_of_counts_and_shapes():
    drawn = torch.binomial(torch.tensor([0.0, 5.0, 5.0]), torch.tensor([0.5, 0.0, 1.0]))
    assert drawn.tolist() == [0, 0, 5]
    assert torch.binomial(torch.full((3, 1), 4.0), torch.full((2,), 0.5)).shape == (3, 2)
    tiny = torch.finfo(torch.float32).tiny
    assert standard_gamma(torch.tensor([0.0, 1e-6])).tolist() == [pytest.approx(tiny)] * 2
    rows = sample_dirichlet(torch.full((50, 3), 1e-3))
    torch.testing.assert_close(rows.sum(-1), torch.ones(50))
    assert sample_dirichlet(torch.empty(0, 3)).shape == (0, 3)


@pytest.mark.skipif(torch.__name__ == "torch", reason="PyTorch does not come back, or answers 17")
def test_numbers_that_are_none():
    nan = torch.binomial(torch.tensor([5.0, math.nan]), torch.tensor([math.nan, 0.5]))
    assert nan.isnan().all() and standard_gamma(torch.tensor(math.nan)).isnan()
    for bad in (
        lambda: torch.binomial(torch.tensor(math.inf), torch.tensor(0.5)),
        lambda: standard_gamma(-torch.ones(2)),
    ):
        with pytest.raises(RuntimeError, match="expected"):
            bad()


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: torch.binomial(torch.tensor(3), torch.tensor(0.5)), ValueError),
        (lambda: torch.binomial(torch.tensor(3.0), torch.tensor(0.5).double()), RuntimeError),
        (lambda: torch.binomial(torch.ones(2), torch.ones(3)), RuntimeError),
        (lambda: standard_gamma(torch.ones(2, dtype=torch.int64)), NotImplementedError),
        (lambda: torch.igamma(torch.tensor(1), torch.tensor(1)), NotImplementedError),
    ],
)
def test_bad_arguments(call, error):
    with pytest.raises(error):
        call()


# ---------------------------------------------------------------- incomplete gamma functions

# gammainc(a, x, regularized) by mpmath, in 50 digits
INCOMPLETE = [
    (0.001, 1e-6, 0.9868481336940766),
    (0.3, 0.51, 0.8170663743225253),
    (1.0, 1.7, 0.8173164759472653),
    (2.5, 0.02, 1.67802534879302e-05),
    (30.0, 33.0, 0.7226986290685928),
    (500.0, 480.0, 0.1862819731903246),
]


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_igamma():
    for a, x, expected in INCOMPLETE:
        assert torch.igamma(numbers(a), numbers(x)).item() == pytest.approx(expected, rel=1e-10)
        assert torch.igammac(numbers(a), numbers(x)).item() == pytest.approx(1 - expected, rel=1e-9)
    a = numbers(1, 0, 2, -1, 1, math.inf, 3, 0)
    x = numbers(1, 1, 0, 1, -1, 1, math.inf, 0)
    half = 1 - math.exp(-1)
    np.testing.assert_allclose(torch.igamma(a, x)[:7], [half, 1, 0, math.nan, math.nan, 0, 1])
    np.testing.assert_allclose(torch.igammac(a, x), [1 - half, 0, 1, math.nan, math.nan, 1, 0, math.nan])
    assert torch.igamma(torch.ones(3, 1), torch.ones(2)).shape == (3, 2)
    assert torch.ones(2).igamma_(torch.ones(2)).tolist() == pytest.approx([half, half])


def difference(function, at, step=1e-5):
    return (function(at + step) - function(at - step)) / (2 * step)


@pytest.mark.skipif(torch.__name__ == "torch", reason="PyTorch has no derivative by the shape")
def test_derivatives_of_igamma():
    a, x = numbers(0.4, 2.0, 2.0, 50.0), numbers(0.3, 0.7, 5.0, 60.0)
    for function in (torch.igamma, torch.igammac):
        leaves = a.clone().requires_grad_(), x.clone().requires_grad_()
        by_a, by_x = torch.autograd.grad(function(*leaves).sum(), leaves)
        np.testing.assert_allclose(by_a, difference(lambda a: function(a, x), a), rtol=1e-6)
        np.testing.assert_allclose(by_x, difference(lambda x: function(a, x), x), rtol=1e-6)


def test_gamma_draws_move_along_their_distribution_function():
    # F(x(a); a) stays: dx/da = -(dF/da) / (dF/dx)
    a = numbers(0.05, 0.4, 1.0, 3.0, 70.0).repeat(6).requires_grad_()
    torch.manual_seed(0)
    x = standard_gamma(a)
    (moved,) = torch.autograd.grad(x.sum(), a)
    with torch.no_grad():
        by_a = difference(lambda a: torch.igamma(a, x), a, 1e-6)
        density = ((a - 1) * x.log() - x - a.lgamma()).exp()
        np.testing.assert_allclose(moved, -by_a / density, rtol=2e-4)


def test_beta_draws_move_along_their_distribution_function():
    a, b = numbers(0.4, 1.0, 3.0, 20.0).repeat(4), numbers(2.0, 0.7, 3.0, 9.0).repeat(4)
    leaves = a.clone().requires_grad_(), b.clone().requires_grad_()
    torch.manual_seed(0)
    x = D.Beta(*leaves).rsample()
    moved = torch.autograd.grad(x.sum(), leaves)
    x = x.detach().numpy()
    s = np.linspace(0, 1, 20001)[:, None]
    t = x * s**8  # dense near 0, where the density may be infinite

    def below(a, b):
        log_beta = [math.lgamma(p) + math.lgamma(q) - math.lgamma(p + q) for p, q in zip(a, b)]
        with np.errstate(all="ignore"):
            values = np.exp(a * np.log(t) + (b - 1) * np.log1p(-t) - np.array(log_beta)) * 8 / s
        values[0] = 0
        return (0.5 * (values[1:] + values[:-1])).sum(0) * (s[1, 0] - s[0, 0])

    a, b, step = a.numpy(), b.numpy(), 1e-5
    density = np.exp(D.Beta(torch.tensor(a), torch.tensor(b)).log_prob(torch.tensor(x)).numpy())
    by_a = (below(a + step, b) - below(a - step, b)) / (2 * step)
    by_b = (below(a, b + step) - below(a, b - step)) / (2 * step)
    np.testing.assert_allclose(moved[0], -by_a / density, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(moved[1], -by_b / density, rtol=1e-3, atol=1e-6)


def test_gradients_through_draws_have_the_gradients_of_means():
    """d E[x^2] / d parameter, from draws and from the formula."""
    count = 40000
    torch.manual_seed(0)
    a = numbers(2.0).requires_grad_()
    (slope,) = torch.autograd.grad(D.Gamma(a, 1.5).rsample((count,)).square().mean(), a)
    assert slope.item() == pytest.approx((2 * 2.0 + 1) / 1.5**2, rel=0.05)
    c = numbers(1.0, 2.0, 3.0).requires_grad_()
    (slope,) = torch.autograd.grad(D.Dirichlet(c).rsample((count,))[:, 0].square().mean(), c)
    formula = c[0] * (c[0] + 1) / (c.sum() * (c.sum() + 1))
    np.testing.assert_allclose(slope, torch.autograd.grad(formula, c)[0], atol=0.01)


def test_a_second_derivative_of_gamma_draws_is_refused():
    a = numbers(0.5).requires_grad_()
    (slope,) = torch.autograd.grad(standard_gamma(a).sum(), a, create_graph=True)
    with pytest.raises((RuntimeError, NotImplementedError), match="_standard_gamma_grad"):
        slope.sum().backward()


def test_straight_through_draws_hand_gradients_to_the_chances():
    probs = numbers(0.2, 0.3, 0.5).requires_grad_()
    drawn = D.OneHotCategoricalStraightThrough(probs).rsample((5,))
    assert sorted(set(drawn.detach().round(decimals=9).flatten().tolist())) == [0, 1]
    (slope,) = torch.autograd.grad((drawn * numbers(1.0, 2.0, 4.0)).sum(), probs)
    assert slope.abs().max() > 0.1


def test_sample_leaves_no_graph():
    loc = numbers(0.0).requires_grad_()
    assert not D.Normal(loc, 1.0).sample((2,)).requires_grad
    assert D.Normal(loc, 1.0).rsample((2,)).requires_grad
