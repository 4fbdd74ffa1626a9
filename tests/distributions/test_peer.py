"""Side by side with PyTorch, where it is there: draws of a seed, values, gradients, divergences, names."""

import warnings

import numpy as np
import pytest
import util

from distributions.families import FAMILIES, Family

torch = pytest.importorskip("torch")
ours = util.torch
pytestmark = pytest.mark.skipif(ours is torch, reason="PyTorch is under test itself")

# Where PyTorch's own value is off, or it has none: tests beside this one tell what is right.
DIFFERENT = {
    ("FisherSnedecor", "variance"): "gradients that are not a number",
    ("GeneralizedPareto", "all"): "fails in double precision",
    ("Kumaraswamy", "mode"): "not a number for most parameters",
    ("LKJCholesky", "sample"): "draws that are not uniform",
    ("Multinomial", "entropy"): "a part in single precision; lost by expand",
    ("Wishart", "sample"): "drawn anew where a check of singular matrices is the wrong way round",
    ("Wishart", "entropy"): "gradients above the diagonal",
    ("VonMises", "all"): "Bessel functions to seven digits",
}
# Gradients of PyTorch's gamma draws are exact to about 1e-3, those here to rounding.
LOOSE = ("StudentT", "Gamma", "Chi2", "InverseGamma", "Beta", "Dirichlet", "FisherSnedecor", "Wishart")


def attempt(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call()
        except (NotImplementedError, ValueError, RuntimeError) as error:
            return error


def check(theirs, own, tolerance=1e-8):
    if isinstance(theirs, Exception) or isinstance(own, Exception):
        assert type(theirs) is type(own), (theirs, own)
        return
    if hasattr(theirs, "detach"):
        assert str(theirs.dtype) == str(own.dtype) and tuple(theirs.shape) == tuple(own.shape)
        expected = theirs.detach().numpy()
        np.testing.assert_allclose(own.detach().numpy(), expected, rtol=tolerance, atol=tolerance)
        return
    assert repr(theirs) == repr(own)


def differs(family, what):
    return (family.name, what) in DIFFERENT or (family.name, "all") in DIFFERENT


def both(family, dtype="float64"):
    return family.make(torch, dtype), family.make(ours, dtype)


def drawn(distribution, module, shape, method="sample"):
    module.manual_seed(7)
    return attempt(lambda: getattr(distribution, method)(shape))


families = pytest.mark.parametrize("family", FAMILIES, ids=str)
ATTRIBUTES = (
    "mean",
    "mode",
    "variance",
    "stddev",
    "batch_shape",
    "event_shape",
    "has_rsample",
    "has_enumerate_support",
)


@families
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_draws_and_values(family, dtype):
    tolerance = 1e-8 if dtype == "float64" else 3e-4
    theirs, own = both(family, dtype=dtype)
    check(repr(theirs), repr(own))
    check(repr(theirs.support), repr(own.support))
    for shape in ((), (5,), (2, 3)):
        value = drawn(theirs, torch, shape)
        if not differs(family, "sample"):
            check(value, drawn(own, ours, shape), tolerance)
            check(drawn(theirs, torch, shape, "rsample"), drawn(own, ours, shape, "rsample"), tolerance)
        if differs(family, "all"):
            continue
        same = ours.tensor(value.numpy())
        check(attempt(lambda: theirs.log_prob(value)), attempt(lambda: own.log_prob(same)), tolerance)
        if (
            family.name not in ("Gamma", "Chi2", "InverseGamma") or dtype == "float32"
        ):  # its igamma has eight digits
            check(attempt(lambda: theirs.cdf(value)), attempt(lambda: own.cdf(same)), tolerance)
    chance = (
        np.random.default_rng(0)
        .uniform(0.02, 0.98, (4, *theirs.batch_shape, *theirs.event_shape))
        .astype(dtype)
    )
    inverse = attempt(lambda: theirs.icdf(torch.tensor(chance)))
    check(inverse, attempt(lambda: own.icdf(ours.tensor(chance))), 30 * tolerance)
    for name in ATTRIBUTES:
        if not differs(family, name):
            check(attempt(lambda: getattr(theirs, name)), attempt(lambda: getattr(own, name)), tolerance)
    for call in (
        lambda d: d.entropy(),
        lambda d: d.enumerate_support(),
        lambda d: d.enumerate_support(False),
    ):
        if not differs(family, "entropy"):
            check(attempt(lambda: call(theirs)), attempt(lambda: call(own)), tolerance)


@families
def test_a_larger_batch(family):
    theirs, own = both(family)
    shape = (2, *theirs.batch_shape)
    theirs, own = theirs.expand(shape), own.expand(shape)
    check(repr(theirs), repr(own))
    value = drawn(theirs, torch, (2,))
    if not differs(family, "sample"):
        check(value, drawn(own, ours, (2,)))
    if not differs(family, "all"):
        check(theirs.log_prob(value), own.log_prob(ours.tensor(value.numpy())))


def gradients(family, module, what, value):
    arguments = family.tensors(module)
    leaves = [x.requires_grad_() for x in arguments.values() if hasattr(x, "requires_grad_")]
    distribution = getattr(module.distributions, family.name)(**arguments)
    if what == "rsample":
        result = drawn(distribution, module, (4,), "rsample")
    elif what == "log_prob":
        result = distribution.log_prob(module.tensor(value))
    else:
        result = attempt(
            getattr(distribution, what) if what == "entropy" else lambda: getattr(distribution, what)
        )
    if isinstance(result, Exception) or not result.requires_grad or not bool(result.isfinite().all()):
        return []
    weights = np.random.default_rng(1).standard_normal(tuple(result.shape))
    found = module.autograd.grad((result * module.tensor(weights)).sum(), leaves, allow_unused=True)
    return [np.zeros(()) if x is None else x.numpy() for x in found]


@families
@pytest.mark.parametrize("what", ["rsample", "log_prob", "entropy", "mean", "variance"])
def test_gradients(family, what):
    if differs(family, what) or (what == "rsample" and differs(family, "sample")):
        pytest.skip("PyTorch differs")
    value = drawn(family.make(torch), torch, (3,)).numpy()
    tolerance = 2e-3 if what == "rsample" and family.name in LOOSE else 1e-6
    theirs, own = gradients(family, torch, what, value), gradients(family, ours, what, value)
    assert len(theirs) == len(own) or not theirs
    for expected, found in zip(theirs, own):
        np.testing.assert_allclose(
            found, np.broadcast_to(expected, found.shape), rtol=tolerance, atol=tolerance
        )


def nearby(family):
    """The same family with other parameters."""
    scaled = {
        name: np.sqrt(value) / np.sqrt(value).sum(-1, keepdims=True)
        if name == "probs" and family.kind == ""
        else value * (0.9 if name not in ("df", "low") else 1.1)
        if isinstance(value, np.ndarray)
        else value
        for name, value in family.arguments.items()
    }
    return Family(family.name, scaled)


def expandable(first, second):
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(first), reversed(second)))


@families
def test_divergences_from_all_families(family):
    found = 0
    theirs, own = both(family)
    for other in FAMILIES:
        their_other, own_other = both(nearby(other))
        if not expandable(own.batch_shape, own_other.batch_shape):
            continue
        expected = attempt(lambda: torch.distributions.kl_divergence(theirs, their_other))
        divergence = attempt(lambda: ours.distributions.kl_divergence(own, own_other))
        if family.name in ("Wishart", "VonMises", "Multinomial") and family.name == other.name:
            continue
        check(expected, divergence, 1e-6)
        found += not isinstance(expected, Exception)
    assert found or family.name in (
        *(
            "StudentT",
            "FisherSnedecor",
            "GeneralizedPareto",
            "Kumaraswamy",
            "VonMises",
            "Multinomial",
            "Wishart",
        ),
        *(
            "NegativeBinomial",
            "LKJCholesky",
            "RelaxedBernoulli",
            "RelaxedOneHotCategorical",
            "LogisticNormal",
        ),
        *("InverseGamma", "Weibull", "HalfCauchy"),
    )


def test_names():
    for module in ("", ".constraints", ".transforms", ".kl"):
        theirs = attempt(lambda: __import__(f"torch.distributions{module}", fromlist=["x"]))
        own = __import__(f"{ours.__name__}.distributions{module}", fromlist=["x"])
        assert [name for name in theirs.__all__ if not hasattr(own, name)] == []
        assert [name for name in getattr(own, "__all__", []) if not hasattr(theirs, name)] == []
