"""What the writer of a program knows: its variables, its random choices, the statements so far."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

SHAPES = [
    (3, 4),
    (2, 3),
    (4,),
    (2, 3, 2),
    (1, 4),
    (3, 1),
    (),
    (0, 3),
    (2, 1, 3),
    (5,),
    (4, 4),
    (6,),
    (3,),
    (2, 2),
]
DTYPES = {
    "float64": 34,
    "float32": 32,
    "int64": 12,
    "int32": 4,
    "bool": 7,
    "uint8": 3,
    "float16": 3,
    "bfloat16": 3,
    "int8": 2,
}
KINDS = {"bool": 0, "uint8": 1, "int8": 1, "int32": 1, "int64": 1}
FLOAT, INTEGER, BOOL = 2, 1, 0


@dataclass(frozen=True)
class Variable:
    name: str
    shape: tuple[int, ...]
    kind: int
    base: int  # variables of one base may share memory
    exact: bool = True  # every value is a small multiple of a power of two: comparisons are safe
    tracked: bool = False  # autograd records what is done with it
    leaf: bool = False  # a leaf that requires grad, or a view of one
    overlapping: bool = False  # several elements may lie in one place
    windowed: bool = False  # as above, and PyTorch does not notice
    contiguous: bool = True
    unsigned: bool = False

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def ndim(self) -> int:
        return len(self.shape)


def broadcasts_to(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


class Writer:
    """Writes one program. The methods of its subclasses append a statement each, or give up by returning."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.variables: list[Variable] = []
        self.names = 0
        self.bases = 0

    # Variables and choices

    def name(self) -> str:
        self.names += 1
        return f"v{self.names - 1}"

    def base(self) -> int:
        self.bases += 1
        return self.bases

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, fits: Callable[[Variable], bool] = lambda v: True) -> Variable | None:
        """A variable, recent ones more likely."""
        found = [v for v in self.variables if fits(v)]
        return found[-1 - min(int(self.random.expovariate(0.4)), len(found) - 1)] if found else None

    def dim(self, x: Variable, extra: int = 0) -> int:
        """A dimension, at times counted from the end."""
        count = x.ndim + extra
        dim = self.random.randrange(max(count, 1))
        return dim - max(count, 1) if self.chance(0.3) else dim

    def number(self, kind: int, unsigned: bool = False) -> str:
        if kind == BOOL:
            return self.random.choice(["True", "False"])
        if kind == INTEGER:
            return str(self.random.randint(1 if unsigned else -3, 3))
        return str(self.random.choice([0.5, -1.5, 2.0, 0.25, -1.0, 3, 1]))

    def new(self, source: str, like: Variable, shape: tuple[int, ...], **changes: object) -> Variable:
        """A variable with memory of its own."""
        fresh = replace(
            like,
            name=self.name(),
            shape=tuple(shape),
            base=self.base(),
            leaf=False,
            overlapping=False,
            windowed=False,
            contiguous=True,
            unsigned=False,
        )
        fresh = replace(fresh, **changes)  # type: ignore[arg-type]
        self.lines.append(f"{fresh.name} = {source}")
        self.variables.append(fresh)
        return fresh

    def view(self, source: str, x: Variable, shape: tuple[int, ...], **changes: object) -> Variable:
        return self.new(
            source,
            x,
            shape,
            **{
                "base": x.base,
                "leaf": x.leaf,
                "overlapping": x.overlapping,
                "windowed": x.windowed,
                "contiguous": False,
                "unsigned": x.unsigned,
                **changes,
            },
        )

    # Leaves

    def literal(self, shape: tuple[int, ...], dtype: str) -> str:
        low = 0 if dtype == "uint8" else -8
        values = np.array([self.random.randint(low, 8) for _ in range(int(np.prod(shape)))]).reshape(shape)
        if dtype == "bool":
            return str((values > 0).tolist())
        return str(values.tolist() if dtype in KINDS else (values / 4).tolist())

    def leaf(self, tracked: bool = False) -> None:
        shape = self.random.choice(SHAPES)
        dtype = "float64" if tracked else self.random.choices(list(DTYPES), DTYPES.values())[0]
        kind = KINDS.get(dtype, FLOAT)
        requires = kind == FLOAT and (tracked or self.chance(0.5))
        if kind == FLOAT and self.chance(0.5):
            count = int(np.prod(shape))
            sizes = ", ".join(map(str, shape)) or "()"
            source = f"(torch.arange({count}, dtype=torch.{dtype}).reshape({sizes}) * 0.25 - 1)"
            source += ".requires_grad_()" if requires else ""
        else:
            source = f"torch.tensor({self.literal(shape, dtype)}, dtype=torch.{dtype}" + (
                ", requires_grad=True)" if requires else ")"
            )
        self.new(
            source,
            Variable("", (), kind, 0),
            shape,
            kind=kind,
            tracked=requires,
            leaf=requires,
            exact=dtype not in ("float16", "bfloat16"),
            unsigned=dtype == "uint8",
        )
