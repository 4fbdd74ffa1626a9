"""Ops of one tensor, element by element."""

import math

import numpy as np

from .row import (
    ALL,
    DISCRETE,
    FLOATS,
    IN_PLACE_FAILS,
    NUMBERS,
    WIDE_FLOATS,
    E,
    Op,
    S,
    elementwise_samples,
    large_unary,
    unary,
)

erf = np.vectorize(math.erf, otypes=[float])


def erfinv(y):
    """Newton's method on erf(x) = y; the derivative of erf is 2 / sqrt(pi) * exp(-x * x)."""
    x = np.zeros_like(y)
    for _ in range(25):
        x = x - (erf(x) - y) * math.sqrt(math.pi) / 2 * np.exp(x * x)
    return x


def digamma(x):
    """psi(x) = psi(x + n) - sum 1 / (x + k), then the asymptotic series for a large argument."""
    shift = np.zeros_like(x)
    for _ in range(12):
        shift, x = shift - 1 / x, x + 1
    square = 1 / (x * x)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))
    return shift + np.log(x) - 0.5 / x - series


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def round_decimals(x, decimals=0):
    scale = 10.0**decimals
    return np.round(x * scale) / scale if decimals else np.round(x)


def sign(x):
    return x if x.dtype == bool else np.nan_to_num(np.sign(x))


def clamp(x, min=None, max=None):
    low = -np.inf if min is None else min
    high = np.inf if max is None else max
    if min is not None:
        x = np.maximum(x, low)
    return x if max is None else np.minimum(x, high)


POSITIVE = (0.1, 4.0)
UNIT = (-0.9, 0.9)


def real(name, reference, **options):
    """A function on real numbers: integers and bool give float32."""
    return unary(name, reference, ALL, result="float", **{"ulps": 4, **options})


def rounding(name, reference, **options):
    return unary(name, reference, NUMBERS, rejects=("bool",), domain=(-9, 9), **options)


def test(name, reference, dtypes=ALL, **options):
    return unary(name, reference, dtypes, result="bool", order=0, **{"forms": "fm", **options})


OPS = [
    unary("abs", np.abs, NUMBERS, aliases=("absolute",), operator="abs"),
    unary("neg", np.negative, NUMBERS, rejects=("bool",), aliases=("negative",), operator="neg"),
    unary("positive", lambda x: x, NUMBERS, forms="fm", operator="pos"),
    unary("sign", sign, ALL),
    unary("sgn", sign, ALL),
    unary("nn.functional.softsign", lambda x: x / (1 + np.abs(x)), forms="f", result="float"),
    unary("relu", lambda x: np.where(x > 0, x, x * 0), NUMBERS, forms="fmi", nonfinite=None),
    unary("square", lambda x: x * x, NUMBERS, nonfinite=None, forms="fmi"),
    unary("reciprocal", lambda x: 1 / x, ALL, result="float", domain=(0.5, 4)),
    unary("frac", lambda x: x - np.trunc(x), FLOATS, nonfinite=None),
    unary(
        "nan_to_num",
        nan_to_num,
        ALL,
        forms="fmio",
        nonfinite=lambda t: [
            S(t.of([float("nan"), 1.5]), 2.0),
            S(t.of([float("inf"), -float("inf")]), posinf=3.0, neginf=-4.0),
        ],
    ),
    rounding("ceil", np.ceil),
    rounding("floor", np.floor),
    rounding("trunc", np.trunc, aliases=("fix",)),
    rounding("round", round_decimals),
    Op(
        "round",
        round_decimals,
        lambda t: [S(t(5), decimals=1), S(t(2, 3), decimals=2)],
        WIDE_FLOATS,
        forms="fmio",
    ),
    real("exp", np.exp),
    real("exp2", np.exp2),
    real("expm1", np.expm1),
    real("log", np.log, domain=POSITIVE),
    real("log1p", np.log1p, domain=(-0.8, 4)),
    real("log2", np.log2, domain=POSITIVE),
    real("log10", np.log10, domain=POSITIVE),
    real("sqrt", np.sqrt, domain=POSITIVE),
    real("rsqrt", lambda x: 1 / np.sqrt(x), domain=POSITIVE),
    real("sin", np.sin),
    real("cos", np.cos),
    real("tan", np.tan, domain=(-1.2, 1.2)),
    real("asin", np.arcsin, domain=UNIT, aliases=("arcsin",)),
    real("acos", np.arccos, domain=UNIT, aliases=("arccos",)),
    real("atan", np.arctan, aliases=("arctan",)),
    real("sinh", np.sinh),
    real("cosh", np.cosh),
    real("tanh", np.tanh),
    real("asinh", np.arcsinh, tags=IN_PLACE_FAILS, aliases=("arcsinh",)),
    real("acosh", np.arccosh, domain=(1.2, 4), tags=IN_PLACE_FAILS, aliases=("arccosh",)),
    real("atanh", np.arctanh, domain=UNIT, tags=IN_PLACE_FAILS, aliases=("arctanh",)),
    real("sigmoid", sigmoid),
    unary("logit", lambda x: np.log(x / (1 - x)), domain=(0.1, 0.9), forms="fmi"),
    real("erf", erf),
    real("erfc", np.vectorize(math.erfc, otypes=[float])),
    unary("erfinv", erfinv, NUMBERS, result="float", domain=UNIT, nonfinite=None),
    unary(
        "lgamma",
        np.vectorize(math.lgamma, otypes=[float]),
        NUMBERS,
        result="float",
        domain=(0.3, 5),
        nonfinite=None,
    ),
    real("digamma", digamma, domain=(0.3, 5), nonfinite=None, ulps=0),
    real("sinc", np.sinc, nonfinite=None, ulps=0),
    real("deg2rad", np.deg2rad, domain=(-180, 180)),
    real("rad2deg", np.rad2deg),
    test("isnan", np.isnan),
    test("isinf", np.isinf),
    test("isfinite", np.isfinite),
    test("isposinf", np.isposinf, forms="fmo"),
    test("isneginf", np.isneginf, forms="fmo"),
    test("signbit", np.signbit, forms="fmo"),
    test("logical_not", np.logical_not, forms="fmio"),
    unary(
        "bitwise_not", np.invert, DISCRETE, order=0, operator="invert", rejects=("float32",), nonfinite=None
    ),
    Op(
        "clamp",
        clamp,
        lambda t: [
            S(t(2, 3), 1 if t.dtype == "uint8" else -1, 3),
            S(t(5), min=0),
            S(t(5), max=1),
            S(t(), 0, 2),
            S(t(0, 3), 0, 1),
            S(t(67), 0, 1),
            S(t(2, 3), t(3), t(2, 1)),
            S(t(2, 3), min=t(3)),
            S(t(2, 3), max=t(1)),
            S(t(3), 1, 0),
        ],
        NUMBERS,
        forms="fmio",
        order=2,
        aliases=("clip",),
        domain=(-5, 5),
        nonfinite=lambda t: [S(t.of([float("nan"), float("inf"), -float("inf"), 0.5]), -1.0, 1.0)],
        bad=lambda t: [E(RuntimeError, "min.*max", t(3)), E(RuntimeError, "3.*4", t(3), min=t(4))],
        large=lambda t: [S(t(70_003), 0, 2)],
    ),
    Op(
        "clamp_min",
        lambda x, min: np.maximum(x, min),
        lambda t: [S(t(2, 3), 1), S(t(3), t(3)), S(t(), 0)],
        NUMBERS,
        forms="fmio",
        order=2,
    ),
    Op(
        "clamp_max",
        lambda x, max: np.minimum(x, max),
        lambda t: [S(t(2, 3), 1), S(t(3), t(3)), S(t(), 0)],
        NUMBERS,
        forms="fmio",
        order=2,
    ),
    Op("clone", lambda x, **_: x, elementwise_samples, ALL, order=2, large=large_unary),
    Op("contiguous", lambda x: x, elementwise_samples, ALL, forms="m", order=2, large=large_unary),
]
