"""Random numbers: with the same seed, the very numbers that PyTorch draws on a CPU.

data/random_numbers.json holds PyTorch's results for every expression of `recorded_cases`, so that the
comparison needs no PyTorch. `TT_MODULE=torch python tests/test_random.py` writes it anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import pathlib
import threading
import zlib

import pytest
from util import MODULE, torch

DATA = pathlib.Path(__file__).parent / "data" / "random_numbers.json"
SEEDS = (0, 42)
STATE_BYTES = 5056
DEFAULT_SEED = 67280421310721

SIZES = (0, 1, 2, 15, 16, 17, 31, 32, 33, 1000)
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")
EVERY = ("bool", *INTEGERS, *FLOATS)
ENDS = 12  # elements recorded at either end of a result that is compared to a tolerance
TOLERANCE = {"float64": 1e-9, "float32": 1e-6, "float16": 2e-3, "bfloat16": 1.6e-2}


def exact_cases() -> list[str]:
    """Integers and uniforms: nothing but arithmetic without rounding, or rounded once."""
    cases = []
    for dtype in FLOATS:
        cases += [
            f"torch.rand({n}, dtype=torch.{dtype})" for n in (SIZES if dtype == "float32" else (1, 17, 1000))
        ]
        cases += [
            f"torch.empty(300, dtype=torch.{dtype}).uniform_({low}, {high})"
            for low, high in ((0, 1), (-1.37, 2.91), (0.1, 0.7), (5, 7))
        ]
        cases += [f"torch.bernoulli(torch.linspace(0, 1, 300).to(torch.{dtype}))"]
    cases += [
        f"torch.poisson(torch.linspace(0, 40, 300, dtype=torch.{dtype}))" for dtype in ("float32", "float64")
    ]
    for dtype in EVERY:
        cases += [
            f"torch.empty(300, dtype=torch.{dtype}).random_()",
            f"torch.empty(300, dtype=torch.{dtype}).random_(2)",
            f"torch.empty(300, dtype=torch.{dtype}).random_(1, None)",
            f"torch.empty(300, dtype=torch.{dtype}).bernoulli_(0.3)",
            f"torch.empty(300, dtype=torch.{dtype}).bernoulli_(torch.linspace(0, 1, 300))",
            f"torch.empty(300, dtype=torch.{dtype}).bernoulli_(torch.linspace(0, 1, 300).double())",
        ]
        if dtype == "bool":
            continue
        cases += [
            f"torch.empty(300, dtype=torch.{dtype}).random_(7, 100)",
            f"torch.randint(3, 100, (300,), dtype=torch.{dtype})",
            f"torch.randperm(120, dtype=torch.{dtype})",
            f"torch.empty(300, dtype=torch.{dtype}).geometric_(0.3)",
        ]
    cases += [
        f"torch.randint({low}, {high}, (300,))"
        for low, high in (
            (0, 1),
            (-5, 5),
            (0, 2**28 - 1),
            (0, 2**28),
            (0, 2**32 + 1),
            (-(2**62), 2**62),
            (-(2**63), 2**63 - 1),
        )
    ]
    cases += [
        "torch.empty(300, dtype=torch.int64).random_(-(2**63), None)",
        "torch.empty(300, dtype=torch.bfloat16).random_(257, 599)",
        "torch.empty(300, dtype=torch.float16).random_(0, 4099)",
        "torch.empty(300).random_(-(2**30), 2**31)",
        *(f"torch.randperm({n})" for n in (*SIZES, 5000)),
        "torch.randint(10, (3, 4))",
        "torch.randint(low=2, high=9, size=(2, 5))",
        "torch.randint_like(torch.zeros(3, 50), 100)",
        "torch.randint_like(torch.zeros(150), -8, 1000, dtype=torch.int32)",
        "torch.rand(3, 5, 7)",
        "torch.rand((4, 6))",
        "torch.rand_like(torch.zeros(5, 40, dtype=torch.float64))",
        "torch.rand_like(torch.zeros(200, dtype=torch.int32), dtype=torch.float32)",
        "torch.rand_like(torch.zeros(5, 8).t())",
        "torch.bernoulli(torch.zeros(300), 0.25)",
        "torch.bernoulli(torch.full((5, 8), 0.4).t())",
        "torch.empty(8, 5).t().bernoulli_(torch.linspace(0, 1, 40).reshape(5, 8))",
        *(
            f"torch.empty(5, 8).t().{draw}"
            for draw in ("uniform_()", "random_(9)", "bernoulli_()", "geometric_(0.2)")
        ),
        "torch.empty(6, 8, 4)[::2].transpose(1, 2).uniform_()",
        "torch.empty(80)[::2].uniform_()",
    ]
    weights = {
        "torch.linspace(0.1, 3, 30)": 30,
        "torch.linspace(0.1, 3, 30, dtype=torch.float64)": 30,
        "torch.linspace(0.1, 3, 80).reshape(4, 20)": 20,
        "torch.linspace(0.1, 3, 80).reshape(20, 4).t()": 20,
        "torch.linspace(0, 3, 900).reshape(3, 300)": 299,
        "torch.tensor([0.1, 0.0, 0.5, 2.0, 0.0, 3.0])": 4,
        "torch.linspace(0.1, 3, 40).to(torch.bfloat16)": 40,
    }
    for weight, most in weights.items():
        cases += [
            *(f"torch.multinomial({weight}, {k})" for k in (1, 2, most)),
            *(f"torch.multinomial({weight}, {k}, replacement=True)" for k in (1, 2, 100)),
        ]
    return cases


def close_cases() -> list[str]:
    """What goes through a logarithm, a sine or an exponential."""
    cases = []
    for dtype in FLOATS:
        cases += [f"torch.randn({n}, dtype=torch.{dtype})" for n in SIZES]
        for n in (5, 40):
            tensor = f"torch.empty({n}, dtype=torch.{dtype})"
            cases += [
                f"{tensor}.normal_(1.7, 0.3)",
                f"{tensor}.exponential_()",
                f"{tensor}.exponential_(2.5)",
                f"{tensor}.log_normal_()",
                f"{tensor}.log_normal_(-0.3, 0.7)",
                f"{tensor}.cauchy_()",
                f"{tensor}.cauchy_(-3.3, 0.7)",
            ]
    cases += [
        # The second number of a pair waits for the next call.
        "torch.cat([torch.randn(3), torch.randn(4), torch.randn(20), torch.randn(1)])",
        "torch.cat([torch.randn(1), torch.rand(1), torch.empty(2).log_normal_(), torch.randn(2)])",
        "torch.randn(3, 5, 7)",
        "torch.randn_like(torch.zeros(5, 40, dtype=torch.float64))",
        "torch.randn_like(torch.zeros(50, dtype=torch.int32), dtype=torch.float32)",
        "torch.randn_like(torch.zeros(5, 8).t())",
        "torch.empty(5, 8).t().normal_()",
        "torch.empty(6, 8, 4)[::2].transpose(1, 2).normal_()",
        "torch.empty(80)[::2].normal_()",
        "torch.empty(5, 8).t().exponential_()",
        "torch.normal(2.0, 3.0, (4, 10))",
        "torch.normal(mean=2.0, std=3.0, size=(5,))",
        "torch.normal(torch.linspace(0, 9, 40), torch.linspace(0, 1, 40))",
        "torch.normal(torch.linspace(0, 9, 5), torch.linspace(0, 1, 5))",
        "torch.normal(torch.linspace(0, 9, 40), 0.5)",
        "torch.normal(3.0, torch.linspace(0, 1, 40, dtype=torch.float64))",
        "torch.normal(torch.zeros(4, 1), torch.ones(5))",
        "torch.normal(torch.zeros(5, 8).t())",
    ]
    return cases


CASES = {**dict.fromkeys(exact_cases(), "exact"), **dict.fromkeys(close_cases(), "close")}


def flat(tensor) -> list:
    return tensor.reshape(-1).tolist()


def digest(values: list) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def ends(values: list) -> list:
    return values if len(values) <= 2 * ENDS else values[:ENDS] + values[-ENDS:]


def describe(expression: str, seed: int) -> dict:
    """What is recorded of a result: dtype, shape, values, and the number drawn after it."""
    torch.manual_seed(seed)
    result = eval(expression, {"torch": torch})
    after = torch.rand(1).item()
    values = flat(result)
    record = {"dtype": str(result.dtype).rpartition(".")[2], "shape": list(result.shape), "after": after}
    if CASES[expression] == "exact":
        return {**record, "digest": digest(values), "first": values[:3]}
    size = sum(abs(value) for value in values)
    return {**record, "sum": size, "values": ends(values)}


@pytest.fixture(scope="module")
def recorded() -> dict:
    return json.loads(DATA.read_text())


@pytest.fixture(autouse=True)
def restored():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("expression", CASES)
def test_recorded(expression, seed, recorded):
    want = recorded["cases"][expression][str(seed)]
    got = describe(expression, seed)
    for part in ("dtype", "shape", "after"):
        assert got[part] == want[part], part
    if CASES[expression] == "exact":
        assert got["first"] == want["first"]
        assert got["digest"] == want["digest"]
        return
    tolerance = TOLERANCE[want["dtype"]]
    assert got["values"] == pytest.approx(want["values"], rel=tolerance, abs=0)
    assert got["sum"] == pytest.approx(want["sum"], rel=tolerance)


def test_state_recorded_by_pytorch_continues(recorded):
    entry = recorded["state"]
    raw = zlib.decompress(base64.b64decode(entry["bytes"]))
    generator = torch.Generator()
    generator.set_state(torch.tensor(list(raw), dtype=torch.uint8))
    assert generator.initial_seed() == entry["seed"]
    assert bytes(generator.get_state().tolist()) == raw
    assert flat(torch.randn(3, generator=generator)) == pytest.approx(entry["randn"], rel=1e-6)
    assert flat(torch.rand(5, generator=generator)) == entry["rand"]


# ---- seeds and states


def test_manual_seed_repeats():
    generator = torch.manual_seed(7)
    assert generator is torch.default_generator
    assert torch.initial_seed() == torch.random.initial_seed() == generator.initial_seed() == 7
    first = flat(torch.rand(5))
    torch.random.manual_seed(7)
    assert flat(torch.rand(5)) == first


@pytest.mark.parametrize("seed", [-1, -(2**63), 2**63, 2**64 - 1, 2**40 + 3, 0])
def test_manual_seed_takes_64_bits(seed):
    assert torch.manual_seed(seed).initial_seed() == seed % 2**64
    first = flat(torch.rand(5))
    assert torch.Generator().manual_seed(seed).initial_seed() == seed % 2**64
    torch.manual_seed(seed % 2**32)  # the engine itself is seeded by the low half
    assert flat(torch.rand(5)) == first


def test_manual_seed_forgets_the_waiting_normal():
    torch.manual_seed(3)
    first = torch.randn(1).item()
    torch.manual_seed(3)
    assert torch.randn(1).item() == first


def test_seed_is_new_every_time():
    seeds = {torch.seed() for _ in range(4)} | {torch.random.seed()}
    assert len(seeds) == 5
    assert torch.seed() == torch.initial_seed()
    generator = torch.Generator()
    assert generator.seed() == generator.initial_seed() != DEFAULT_SEED


def test_generator():
    generator = torch.Generator()
    assert generator.initial_seed() == DEFAULT_SEED
    assert torch.Generator(device="cpu").device == torch.device("cpu") == generator.device
    assert torch.Generator("cpu").device.type == torch.Generator(torch.device("cpu")).device.type == "cpu"
    assert generator.manual_seed(5) is generator
    torch.manual_seed(5)
    assert flat(torch.rand(4, generator=generator)) == flat(torch.rand(4))
    assert isinstance(torch.default_generator, torch.Generator)
    assert generator != torch.Generator()


def test_generator_argument_leaves_the_default_alone():
    weights = torch.ones(6)
    draws = [
        lambda generator: torch.rand(5, generator=generator),
        lambda generator: torch.randn(5, generator=generator),
        lambda generator: torch.randint(9, (5,), generator=generator),
        lambda generator: torch.randint(2, 9, (5,), generator=generator),
        lambda generator: torch.randperm(5, generator=generator),
        lambda generator: torch.normal(0.0, 1.0, (5,), generator=generator),
        lambda generator: torch.normal(weights, weights, generator=generator),
        lambda generator: torch.bernoulli(weights / 2, generator=generator),
        lambda generator: torch.bernoulli(weights, 0.5, generator=generator),
        lambda generator: torch.multinomial(weights, 2, generator=generator),
        lambda generator: torch.multinomial(weights, 2, True, generator=generator),
        lambda generator: torch.poisson(weights, generator=generator),
        lambda generator: weights.clone().uniform_(generator=generator),
        lambda generator: weights.clone().normal_(generator=generator),
        lambda generator: weights.clone().bernoulli_(0.5, generator=generator),
        lambda generator: weights.clone().bernoulli_(weights / 2, generator=generator),
        lambda generator: weights.clone().random_(generator=generator),
        lambda generator: weights.clone().random_(9, generator=generator),
        lambda generator: weights.clone().random_(2, 9, generator=generator),
        lambda generator: weights.clone().exponential_(generator=generator),
        lambda generator: weights.clone().geometric_(0.5, generator=generator),
        lambda generator: weights.clone().cauchy_(generator=generator),
        lambda generator: weights.clone().log_normal_(generator=generator),
    ]
    before = flat(torch.get_rng_state())
    for draw in draws:
        first = draw(torch.Generator().manual_seed(11))
        assert flat(draw(torch.Generator().manual_seed(11))) == flat(first)
        assert flat(torch.get_rng_state()) == before
        torch.manual_seed(11)
        assert flat(draw(None)) == flat(first)
        torch.set_rng_state(torch.tensor(before, dtype=torch.uint8))


def test_state_round_trip():
    torch.manual_seed(9)
    torch.randn(3)  # a normal number waits
    state = torch.get_rng_state()
    assert state.dtype == torch.uint8 and tuple(state.shape) == (STATE_BYTES,)
    first = flat(torch.randn(5)) + flat(torch.rand(700))
    torch.set_rng_state(state)
    assert flat(torch.get_rng_state()) == flat(state)
    assert flat(torch.randn(5)) + flat(torch.rand(700)) == first
    other = torch.Generator()
    other.set_state(state)
    assert other.initial_seed() == 9
    assert flat(torch.randn(5, generator=other)) + flat(torch.rand(700, generator=other)) == first


def test_state_is_a_copy():
    state = torch.get_rng_state()
    before = flat(state)
    torch.rand(10)
    assert flat(state) == before


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625])
def test_state_around_a_refill(drawn):
    generator = torch.Generator().manual_seed(2)
    torch.rand(drawn, generator=generator)
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    assert flat(copy.get_state()) == flat(generator.get_state())
    assert flat(torch.rand(3, generator=copy)) == flat(torch.rand(3, generator=generator))


def test_clone_state():
    generator = torch.Generator().manual_seed(4)
    torch.randn(1, generator=generator)
    clone = generator.clone_state()
    assert flat(torch.randn(3, generator=clone)) == flat(torch.randn(3, generator=generator))
    assert clone.initial_seed() == 4


def test_fork_rng():
    torch.manual_seed(1)
    want = flat(torch.rand(3))
    torch.manual_seed(1)
    with torch.random.fork_rng():
        torch.manual_seed(99)
        torch.randn(7)
    assert flat(torch.rand(3)) == want
    torch.manual_seed(1)
    with torch.random.fork_rng(enabled=False):
        torch.rand(1)
    assert flat(torch.rand(3)) != want
    torch.manual_seed(1)
    with pytest.raises(KeyError), torch.random.fork_rng(devices=[]):
        torch.rand(1)
        raise KeyError
    assert flat(torch.rand(3)) == want


def test_results_do_not_depend_on_threads():
    count = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            torch.manual_seed(0)
            drawn = [
                torch.randn(100003),
                torch.empty(70001).exponential_(),
                torch.randn(50001, dtype=torch.float64),
            ]
            results.append([digest(flat(tensor)) for tensor in drawn])
    finally:
        torch.set_num_threads(count)
    assert results[0] == results[1] == results[2]


def test_threads_never_share_a_number():
    generator = torch.Generator().manual_seed(0)
    drawn: list = []

    def draw():
        for _ in range(20):
            drawn.extend(flat(torch.rand(997, dtype=torch.float64, generator=generator)))

    workers = [threading.Thread(target=draw) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(drawn)) == len(drawn) == 4 * 20 * 997


# ---- the functions' other arguments


def test_factories_take_the_usual_keywords():
    assert torch.rand(2, 3, dtype=torch.float64).dtype == torch.float64
    assert torch.randn(2, requires_grad=True).requires_grad
    assert torch.rand(3, device="cpu").device.type == "cpu"
    assert torch.randint(5, (2,)).dtype == torch.randperm(3).dtype == torch.int64
    assert tuple(torch.rand(()).shape) == tuple(torch.randn(size=()).shape) == ()
    assert tuple(torch.randint(3, ()).shape) == ()
    assert torch.rand_like(torch.zeros(2), requires_grad=True).requires_grad
    previous = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        assert (
            torch.rand(2).dtype == torch.randn(2).dtype == torch.normal(0.0, 1.0, (2,)).dtype == torch.float64
        )
    finally:
        torch.set_default_dtype(previous)


def test_out():
    weights = torch.linspace(0.1, 1, 6)
    draws = [
        (lambda **out: torch.rand(6, **out), torch.float32),
        (lambda **out: torch.randn(6, **out), torch.float32),
        (lambda **out: torch.randint(9, (6,), **out), torch.int64),
        (lambda **out: torch.randperm(6, **out), torch.int64),
        (lambda **out: torch.normal(weights, weights, **out), torch.float32),
        (lambda **out: torch.normal(0.0, 1.0, (6,), **out), torch.float32),
        (lambda **out: torch.bernoulli(weights, **out), torch.float32),
        (lambda **out: torch.multinomial(weights, 6, **out), torch.int64),
    ]
    for draw, dtype in draws:
        out = torch.zeros(6, dtype=dtype)
        torch.manual_seed(6)
        assert draw(out=out) is out
        torch.manual_seed(6)
        assert flat(draw()) == flat(out)


IN_PLACE = {
    "uniform_": (),
    "normal_": (),
    "exponential_": (),
    "cauchy_": (),
    "log_normal_": (),
    "geometric_": (0.5,),
    "bernoulli_": (),
    "random_": (),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    base = torch.full((4, 6), -7.0)
    view = base[1:3, ::2]
    version = base._version
    assert getattr(view, name)(*IN_PLACE[name]) is view
    assert base._version > version
    outside = [base[0], base[3], base[1:3, 1::2]]
    assert all(value == -7.0 for part in outside for value in flat(part))
    assert -7.0 not in flat(view)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_cuts_the_gradient(name):
    leaf = torch.ones(4, requires_grad=True)
    filled = leaf * 2
    getattr(filled, name)(*IN_PLACE[name])
    (filled.sum() + leaf.sum()).backward()
    assert flat(leaf.grad) == [1.0] * 4
    with pytest.raises(RuntimeError):
        getattr(leaf, name)(*IN_PLACE[name])


def test_keyword_arguments():
    torch.manual_seed(0)
    results = [
        torch.zeros(5).uniform_(**{"from": 2, "to": 3}),
        torch.zeros(5).normal_(mean=100, std=0.5),
        torch.zeros(5).exponential_(lambd=1e6),
        torch.zeros(5).cauchy_(median=1e9, sigma=1e-3),
        torch.zeros(5).log_normal_(mean=50, std=1e-3),
        torch.zeros(5).geometric_(p=0.999999),
        torch.zeros(5).bernoulli_(p=1.0),
        torch.zeros(5).random_(**{"from": 3, "to": 4}),
        torch.zeros(5).random_(to=1),
    ]
    ranges = [
        (2, 3),
        (90, 110),
        (0, 1e-3),
        (9e8, 2e9),
        (math.exp(49), math.exp(51)),
        (1, 2),
        (1, 1),
        (3, 3),
        (0, 0),
    ]
    for result, (low, high) in zip(results, ranges):
        assert low <= result.min().item() and result.max().item() <= high


def test_half_types_never_reach_the_end():
    torch.manual_seed(0)
    for dtype in (torch.float16, torch.bfloat16):
        drawn = torch.rand(20000, dtype=dtype)
        assert 0 <= drawn.min().item() and drawn.max().item() < 1


def test_large_permutation():
    torch.manual_seed(0)
    assert sorted(flat(torch.randperm(100003))) == list(range(100003))


# ---- bad arguments

EMPTY = "torch.empty(3)"
BAD = {
    RuntimeError: [
        *(
            f"{EMPTY}.uniform_({low}, {high})"
            for low, high in ((2, 1), ("nan", 1), (0, "inf"), (-3e38, 3e38))
        ),
        "torch.empty(0).uniform_(2, 1)",
        "torch.empty(3, dtype=torch.float16).uniform_(0, 70000)",
        f"{EMPTY}.normal_(0, -1)",
        "torch.empty(0).normal_(0, -1)",
        f"{EMPTY}.normal_(0, nan)",
        *(f"{EMPTY}.exponential_({rate})" for rate in (0, -1, "nan")),
        *(f"{EMPTY}.geometric_({p})" for p in (0, 1, 1.5, "nan")),
        *(f"{EMPTY}.cauchy_(0, {sigma})" for sigma in (0, -1)),
        *(f"{EMPTY}.log_normal_(0, {std})" for std in (0, -2)),
        *(f"{EMPTY}.bernoulli_({p})" for p in (-0.1, 1.1, "nan")),
        f"{EMPTY}.bernoulli_(torch.tensor([0.1, 2, 0.3]))",
        f"{EMPTY}.bernoulli_(torch.tensor([0.1, 0.2]))",
        "torch.bernoulli(torch.tensor([0.1, nan]))",
        "torch.bernoulli(torch.tensor([1, 0]))",
        *(f"{EMPTY}.random_({bounds})" for bounds in ("0", "-5", "3, 3", "5, 2")),
        "torch.empty(3, dtype=torch.uint8).random_(0, 257)",
        "torch.empty(3, dtype=torch.uint8).random_(-1, 5)",
        "torch.empty(3, dtype=torch.bool).random_(3)",
        "torch.empty(3, dtype=torch.float16).random_(0, 70000)",
        "torch.randint(5, 5, (2,))",
        "torch.randint(0, 300, (2,), dtype=torch.uint8)",
        "torch.randint_like(torch.zeros(2), 0)",
        "torch.poisson(torch.tensor([-1.0]))",
        "torch.poisson(torch.tensor([nan]))",
        "torch.normal(torch.zeros(2), torch.tensor([-1.0, 1]))",
        "torch.normal(torch.zeros(2), -1.0)",
        "torch.normal(torch.zeros(2), torch.ones(3))",
        "torch.rand(-1)",
        "torch.randn(2, -3)",
        "torch.randperm(-1)",
        "torch.randperm(257, dtype=torch.uint8)",
        "torch.randperm(2050, dtype=torch.float16)",
        *(
            f"torch.multinomial(torch.tensor({weights}), {k}, {replacement})"
            for weights in ("[1, -1.0]", "[1, inf]", "[1, nan]", "[0.0, 0]", "[[1.0, 2], [0, 0]]")
            for k in (1, 2)
            for replacement in (False, True)
        ),
        "torch.multinomial(torch.ones(2), 3)",
        "torch.multinomial(torch.ones(2), 0)",
        "torch.multinomial(torch.ones(2), -1, True)",
        "torch.multinomial(torch.ones(0), 1)",
        "torch.multinomial(torch.ones(2, 2, 2), 1)",
        "torch.multinomial(torch.tensor(1.0), 1)",
        "torch.multinomial(torch.ones(2, dtype=torch.int64), 1)",
        *(
            f"torch.empty(1).expand(3).{draw}"
            for draw in ("uniform_()", "normal_()", "random_()", "bernoulli_(0.5)")
        ),
        *(f"torch.empty(3, dtype=torch.int64).{draw}" for draw in ("exponential_()", "cauchy_()")),
        "torch.set_rng_state(torch.zeros(5055, dtype=torch.uint8))",
        "torch.set_rng_state(torch.zeros(5056, dtype=torch.uint8))",
        "torch.Generator('nowhere')",
    ],
    NotImplementedError: [
        *(
            f"torch.empty(3, dtype=torch.int64).{draw}"
            for draw in ("uniform_()", "normal_()", "log_normal_()")
        ),
        "torch.rand(2, dtype=torch.int64)",
        "torch.randn(2, dtype=torch.bool)",
        "torch.rand_like(torch.zeros(2, dtype=torch.int64))",
        "torch.randperm(3, dtype=torch.bool)",
        "torch.empty(3, dtype=torch.bool).geometric_(0.5)",
        "torch.poisson(torch.tensor([1]))",
    ],
    TypeError: [
        "torch.set_rng_state([1])",
        "torch.set_rng_state(torch.zeros(5056))",
        "torch.Generator().set_state(3)",
        "torch.rand(2, generator=3)",
        "torch.randint((2,))",
        "torch.empty(3).geometric_()",
    ],
    ValueError: [
        "torch.manual_seed('a')",
        "torch.manual_seed(2**64)",
        "torch.Generator().manual_seed(2**64)",
    ],
}


@pytest.mark.parametrize(
    ("expression", "exception"), [(expression, kind) for kind, bad in BAD.items() for expression in bad]
)
def test_bad_arguments(expression, exception):
    with pytest.raises(exception) as caught:
        eval(expression, {"torch": torch, "nan": math.nan, "inf": math.inf})
    assert caught.type is exception or exception is RuntimeError


def record() -> None:
    generator = torch.Generator().manual_seed(5)
    torch.randn(3, generator=generator)
    state = bytes(generator.get_state().tolist())
    entry = {
        "seed": 5,
        "bytes": base64.b64encode(zlib.compress(state, 9)).decode(),
        "randn": flat(torch.randn(3, generator=generator)),
        "rand": flat(torch.rand(5, generator=generator)),
    }
    cases = {expression: {seed: describe(expression, seed) for seed in SEEDS} for expression in CASES}
    lines = [f"{json.dumps(expression)}: {json.dumps(cases[expression])}" for expression in cases]
    head = f'{{"version": {json.dumps(torch.__version__)},\n"state": {json.dumps(entry)},\n"cases": {{\n'
    DATA.write_text(head + ",\n".join(lines) + "}}\n")


if __name__ == "__main__":
    assert MODULE == "torch", "only PyTorch's own numbers are recorded"
    record()
