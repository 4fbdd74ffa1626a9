"""Ops of two or three tensors that broadcast: arithmetic, comparison, logic, bits."""

import math

import numpy as np

from .row import ALL, DISCRETE, FLOATS, INTEGERS, NUMBERS, E, Op, S, binary


def add(a, b, *, alpha=1):
    return a + b if alpha == 1 else a + np.asarray(alpha, dtype=np.result_type(a)) * b


def sub(a, b, *, alpha=1):
    return a - b if alpha == 1 else a - np.asarray(alpha, dtype=np.result_type(a)) * b


def div(a, b, *, rounding_mode=None):
    if rounding_mode is None:
        return np.true_divide(a, b)
    if rounding_mode == "floor":
        return np.floor_divide(a, b)
    return np.trunc(np.true_divide(a, b))


def xlogy(a, b):
    return np.where(np.isnan(b), b, np.where(a == 0, 0.0, a * np.log(b)))


def isclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    return np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


def lerp(a, b, weight):
    return a + weight * (b - a)


def igamma(a, x):
    """x^a e^-x / Gamma(a + 1) times the sum of x^n / ((a + 1) ... (a + n))"""
    term = np.exp(a * np.log(x) - x - np.vectorize(math.lgamma, otypes=[float])(a + 1.0))
    total = term
    for n in range(1, 60):
        term = term * x / (a + n)
        total = total + term
    return total


def compare(name, reference, **options):
    return binary(name, reference, ALL, result="bool", order=0, number=1, **options)


def logical(name, reference):
    return binary(name, reference, ALL, result="bool", order=0, number=None)


def bitwise(name, reference, operator, dtypes=DISCRETE, **options):
    return binary(
        name, reference, dtypes, order=0, operator=operator, rejects=("float32",), nonfinite=None, **options
    )


def zero_divisor(t):
    return [
        E(RuntimeError, "zero", t.index([1, 2]), t.index([1, 0])),
        E(RuntimeError, "3.*4", t(2, 3), t(2, 4)),
    ]


def rounded_division(t):
    if t.dtype == "bool":
        return []
    return [
        S(t(2, 3), t(2, 3, domain=(1, 4)), rounding_mode="floor").giving("promote"),
        S(t(2, 3), t(3, domain=(1, 4)), rounding_mode="trunc").giving("promote"),
        S(t(2, 3), 2, rounding_mode="floor").giving("promote"),
    ]


def least(t):
    """The least integer divided by -1 wraps around, as the quotient has no place among the integers."""
    if t.floating or t.dtype == "uint8":
        return []
    least = np.iinfo(t.dtype).min
    return [S(t.of([least, 7]), t.of([-1, -1]))]


NONZERO = (0.5, 4.0)

OPS = [
    binary(
        "add",
        add,
        ALL,
        operator="add",
        extra=lambda t: [] if t.dtype == "bool" else [S(t(2, 3), t(3), alpha=2), S(t(2, 3), 3, alpha=2)],
    ),
    binary(
        "sub",
        sub,
        NUMBERS,
        operator="sub",
        rejects=("bool",),
        aliases=("subtract",),
        extra=lambda t: [S(t(2, 3), t(3), alpha=2)],
    ),
    binary("mul", np.multiply, ALL, operator="mul", aliases=("multiply",)),
    binary(
        "div",
        div,
        ALL,
        operator="truediv",
        result="promote_float",
        second=NONZERO,
        extra=rounded_division,
        aliases=("divide",),
        bad=lambda t: [
            E(RuntimeError, "rounding_mode.*ceil", t(3), t(3), rounding_mode="ceil"),
            E(RuntimeError, "3.*4", t(2, 3), t(2, 4)),
        ],
    ),
    binary("true_divide", div, ALL, result="promote_float", second=NONZERO),
    binary(
        "floor_divide",
        np.floor_divide,
        operator="floordiv",
        second=NONZERO,
        order=0,
        bad=zero_divisor,
        extra=least,
    ),
    binary(
        "remainder",
        np.remainder,
        operator="mod",
        second=NONZERO,
        bad=zero_divisor,
        extra=least,
        nonfinite=None,
    ),
    binary("fmod", np.fmod, second=NONZERO, bad=zero_divisor, extra=least, nonfinite=None),
    binary(
        "pow",
        np.power,
        operator="pow",
        domain=(0.3, 2.5),
        second=(0, 3),
        extra=lambda t: [
            S(t(2, 3), k) for k in (0, 1, 2, 3, *((0.5, -1, -2, 2.5, -0.5) if t.floating else ()))
        ],
        nonfinite=lambda t: [S(t.of([float("inf"), 0.0, 1.0, float("nan")]), k) for k in (0, 2, -1, 0.5)],
        bad=lambda t: [
            E(RuntimeError, "negative", t.index([1, 2]), -1),
            E(RuntimeError, "3.*4", t(2, 3), t(2, 4)),
        ],
    ),
    Op(
        "pow",
        lambda a, b: np.power(a, b),
        lambda t: [S(2, t(2, 3)), S(1, t(3)), S(0.5, t(2, 3))],
        FLOATS,
        forms="f",
        order=2,
        domain=(0.3, 2.5),
    ),
    binary(
        "float_power",
        np.float_power,
        result="float64",
        second=(0, 3),
        domain=(0.3, 2.5),
        forms="fm",
        promotes=False,
        order=2,
    ),
    binary("maximum", np.maximum, ALL, number=None, forms="fmo"),
    binary("minimum", np.minimum, ALL, number=None, forms="fmo"),
    binary("fmax", np.fmax, ALL, number=None, forms="fmo"),
    binary("fmin", np.fmin, ALL, number=None, forms="fmo"),
    binary(
        "atan2", np.arctan2, ALL, number=None, result="promote_float", second=NONZERO, aliases=("arctan2",)
    ),
    binary("hypot", np.hypot, FLOATS, number=None, domain=(0.5, 4), promotes=False),
    binary("copysign", np.copysign, ALL, result="promote_float", number=2, nonfinite=None),
    binary("logaddexp", np.logaddexp, FLOATS, number=None, forms="fmo", promotes=False),
    binary("logaddexp2", np.logaddexp2, FLOATS, number=None, forms="fmo", promotes=False),
    binary("xlogy", xlogy, ALL, result="promote_float", second=(0.5, 4), number=2),
    binary("igamma", igamma, FLOATS, number=None, order=1, domain=(0.5, 4), nonfinite=None),
    binary(
        "igammac",
        lambda a, x: 1 - igamma(a, x),
        FLOATS,
        number=None,
        order=1,
        domain=(0.5, 4),
        nonfinite=None,
    ),
    binary("heaviside", np.heaviside, NUMBERS, number=None, order=0, promotes=False, nonfinite=None),
    binary("ldexp", lambda a, b: a * 2.0**b, FLOATS, number=None, promotes=False, nonfinite=None),
    binary(
        "nextafter",
        np.nextafter,
        ("float32", "float64"),
        number=None,
        order=0,
        native=True,
        promotes=False,
        nonfinite=None,
    ),
    compare("eq", np.equal, operator="eq"),
    compare("ne", np.not_equal, operator="ne", aliases=("not_equal",)),
    compare("lt", np.less, operator="lt", aliases=("less",)),
    compare("le", np.less_equal, operator="le", aliases=("less_equal",)),
    compare("gt", np.greater, operator="gt", aliases=("greater",)),
    compare("ge", np.greater_equal, operator="ge", aliases=("greater_equal",)),
    logical("logical_and", np.logical_and),
    logical("logical_or", np.logical_or),
    logical("logical_xor", np.logical_xor),
    bitwise("bitwise_and", np.bitwise_and, "and_"),
    bitwise("bitwise_or", np.bitwise_or, "or_"),
    bitwise("bitwise_xor", np.bitwise_xor, "xor"),
    bitwise("bitwise_left_shift", np.left_shift, "lshift", INTEGERS, second=(0, 4), promotes=False),
    bitwise("bitwise_right_shift", np.right_shift, "rshift", INTEGERS, second=(0, 4), promotes=False),
    binary(
        "gcd", np.gcd, INTEGERS, number=None, order=0, nonfinite=None, domain=(-12, 12), rejects=("float32",)
    ),
    binary(
        "lcm", np.lcm, INTEGERS, number=None, order=0, nonfinite=None, domain=(-9, 9), rejects=("float32",)
    ),
    Op(
        "isclose",
        isclose,
        lambda t: [S(t(2, 3), t(3)), S(t.of([1, 2]), t.of([1, 3])), S(t(3), t(3), rtol=1.0)],
        NUMBERS,
        result="bool",
        nonfinite=lambda t: [
            S(t.of([float("nan"), float("inf"), 1.0]), t.of([float("nan"), float("inf"), -float("inf")])),
            S(t.of([float("nan"), 1.0]), t.of([float("nan"), 1.0]), equal_nan=True),
        ],
    ),
    Op(
        "allclose",
        lambda *a, **k: bool(isclose(*a, **k).all()),
        lambda t: [S(t(2, 3), t(2, 3)), S(t.of([1, 2]), t.of([1, 2])), S(t.of([1.0]), t.of([1.5]), rtol=1.0)],
        NUMBERS,
    ),
    Op(
        "equal",
        lambda a, b: a.shape == b.shape and bool((a == b).all()),
        lambda t: [S(t(2, 3), t(2, 3)), S(t.of([1, 2]), t.of([1, 2])), S(t(2), t(3)), S(t(0), t(0))],
        ALL,
    ),
    Op(
        "lerp",
        lerp,
        lambda t: [
            S(t(2, 3), t(3), 0.25),
            S(t(2, 1), t(1, 3), 0.75),
            S(t(3), t(3), t(3)),
            S(t(2, 3), t(3), t(2, 1)),
            S(t(), t(), 0.5),
        ],
        FLOATS,
        forms="fmio",
        order=2,
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), t(4), 0.5)],
    ),
    Op(
        "addcmul",
        lambda x, a, b, *, value=1: x + value * a * b,
        lambda t: [
            S(t(2, 3), t(3), t(2, 1)),
            S(t(3), t(3), t(3), value=2),
            S(t(), t(), t()),
            S(t(67), t(67), t(67), value=-1),
        ],
        ("int8", "int16", "int32", "int64", *FLOATS),
        forms="fmio",
        order=2,
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), t(4), t(3))],
    ),
    Op(
        "addcdiv",
        lambda x, a, b, *, value=1: x + value * a / b,
        lambda t: [
            S(t(2, 3), t(3), t(2, 1, domain=NONZERO)),
            S(t(3), t(3), t(3, domain=NONZERO), value=2),
            S(t(), t(), t(domain=NONZERO)),
        ],
        FLOATS,
        forms="fmio",
        order=2,
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), t(4), t(3))],
    ),
    Op("rsub", lambda a, b: b - a, lambda t: [S(t(2, 3), t(3)), S(t(3), 2)], NUMBERS, forms="f", order=2),
    Op(
        "dist",
        lambda a, b, p=2: np.linalg.norm((a - b).reshape(-1), ord=p),
        lambda t: [S(t(2, 3), t(2, 3)), S(t(2, 3), t(3), 1), S(t(4), t(4), 3), S(t(4), t(4), float("inf"))],
        ("float32", "float64"),
        order=2,
    ),
]
