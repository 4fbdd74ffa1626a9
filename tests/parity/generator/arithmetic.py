"""Statements that compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .changes import Changes
from .writer import BOOL, FLOAT, INTEGER, broadcasts_to

SMOOTH = ("sin()", "tanh()", "sigmoid()", "clamp(-3, 3).exp()", "abs().add(1).sqrt()", "abs().add(1).log()")
KEEPS_EXACT = (
    "abs()",
    "neg()",
    "relu()",
    "square()",
    "clamp(-1, 1)",
    "clamp(min=0.5)",
    "clone()",
    "masked_fill(torch.tensor(True), 1)",
)
SUMS = ("sum", "sum", "prod")
MEANS = ("mean", "std", "logsumexp")
CHOICES = ("amax", "amin", "max", "min", "argmax", "any", "all")


class Arithmetic(Changes):
    def arithmetic(self) -> None:
        x = self.pick()
        y = self.pick(lambda v: v is not x and self.compatible(v.shape, x.shape))
        kind = x.kind
        if y is None or self.chance(0.35):
            kind = self.random.choice([INTEGER, FLOAT, x.kind])
            text, shape, exact, tracked = self.number(kind, x.unsigned), x.shape, x.exact, x.tracked
            kind = max(kind, x.kind, INTEGER)
        else:
            text, shape = y.name, np.broadcast_shapes(x.shape, y.shape)
            exact, tracked, kind = x.exact and y.exact, x.tracked or y.tracked, max(x.kind, y.kind)
        operator = self.random.choices(
            ["+", "-", "*", "/", "//", "%", "**", "maximum", "<"], [6, 4, 7, 2, 0.4, 0.4, 0.5, 1, 1]
        )[0]
        left, right = (x.name, text) if self.chance(0.7) else (text, x.name)
        if operator == "<" and exact:
            comparison = self.random.choice(["<", "<=", ">", ">=", "==", "!="])
            self.new(f"{left} {comparison} {right}", x, shape, kind=BOOL, exact=True, tracked=False)
        elif operator == "/":
            self.new(f"{left} / {right}", x, shape, kind=FLOAT, exact=False, tracked=tracked)
        elif operator == "**":
            self.new(f"{x.name} ** 2", x, x.shape, kind=max(x.kind, INTEGER))
        elif operator in ("//", "%"):
            if exact and kind != BOOL:
                self.new(
                    f"{x.name} {operator} {self.random.choice([2, 3, 1.5] if x.kind == FLOAT else [2, 3])}",
                    x,
                    x.shape,
                    kind=max(x.kind, INTEGER),
                    exact=False,
                )
        elif operator == "maximum":
            if text.startswith("v"):
                call = self.random.choice(["maximum", "minimum"])
                self.new(f"torch.{call}({left}, {right})", x, shape, kind=kind, exact=exact, tracked=tracked)
        elif operator in "+-*":
            if operator == "-" and BOOL == kind:
                operator = "*"
            self.new(f"{left} {operator} {right}", x, shape, kind=kind, exact=exact, tracked=tracked)

    @staticmethod
    def compatible(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        try:
            return int(np.prod(np.broadcast_shapes(a, b))) <= 64
        except ValueError:
            return False

    def functions(self) -> None:
        x = self.pick(lambda v: v.kind == FLOAT)
        if x is None:
            return
        call = self.random.choice(SMOOTH + KEEPS_EXACT + (("sign()",) if x.exact else ()))
        self.new(f"{x.name}.{call}", x, x.shape, exact=x.exact and call not in SMOOTH)

    def perhaps_views(self) -> None:
        """Methods that return self, or something on its memory, where there is nothing to do."""
        x = self.pick()
        call = self.random.choice(
            ["contiguous()", "detach()", *(["double()", "float()"] if x.kind == FLOAT else [])]
        )
        keeps = call != "detach()"
        self.view(
            f"{x.name}.{call}",
            x,
            x.shape,
            contiguous=x.contiguous,
            tracked=x.tracked and keeps,
            leaf=x.leaf and keeps,
        )

    def conversions(self) -> None:
        x = self.pick(lambda v: v.kind != FLOAT)
        if x is None:
            return
        dtype, kind = self.random.choice(
            [("float64", FLOAT), ("float32", FLOAT), ("int64", INTEGER), ("int32", INTEGER), ("bool", BOOL)]
        )
        self.new(f"{x.name}.to(torch.{dtype})", x, x.shape, kind=kind, base=x.base)

    def reductions(self) -> None:
        x = self.pick(lambda v: v.size > 0)
        if x is None:
            return
        dim = self.dim(x)
        name = self.random.choice(
            SUMS + (CHOICES if x.exact else ()) + (MEANS if x.kind == FLOAT and x.ndim else ())
        )
        if name == "std" and x.shape[dim] < 2:
            return
        kind = {"argmax": INTEGER, "any": BOOL, "all": BOOL}.get(
            name, max(x.kind, INTEGER) if name in SUMS else x.kind
        )
        exact = x.exact and name not in ("prod", *MEANS)
        tracked = x.tracked and kind == FLOAT
        if x.ndim == 0 or (name != "logsumexp" and self.chance(0.35)):
            self.new(f"{x.name}.{name}()", x, (), kind=kind, exact=exact, tracked=tracked)
            return
        keep = self.chance(0.4)
        shape = list(x.shape)
        shape[dim : dim + 1 or None] = [1] if keep else []
        part = self.random.choice([".values", ".indices"]) if name in ("max", "min") else ""
        if part == ".indices":
            kind, tracked = INTEGER, False
        source = f"{x.name}.{name}({dim}{', keepdim=True' if keep else ''}){part}"
        self.new(source, x, tuple(shape), kind=kind, exact=exact, tracked=tracked)

    def running_sums(self) -> None:
        x = self.pick()
        self.new(f"{x.name}.cumsum({self.dim(x)})", x, x.shape, kind=max(x.kind, INTEGER))

    def products(self) -> None:
        x = self.pick(lambda v: v.ndim in (1, 2) and v.kind == FLOAT)
        if x is None:
            return
        y = self.pick(lambda v: v.ndim in (1, 2) and v.kind == FLOAT and v.shape[0] == x.shape[-1])
        text = y.name if y else f"{x.name}.transpose(0, -1)"
        y = y or replace(x, shape=x.shape[::-1])
        shape = np.matmul(np.zeros(x.shape), np.zeros(y.shape)).shape
        self.new(
            f"{x.name} @ {text}.to({x.name}.dtype)",
            x,
            shape,
            exact=x.exact and y.exact,
            tracked=x.tracked or y.tracked,
        )

    def choosing(self) -> None:
        x = self.pick()
        y = self.pick(lambda v: v.shape == x.shape)
        mask = self.pick(lambda v: v.kind == BOOL and broadcasts_to(v.shape, x.shape))
        if y is None or (mask is None and not x.exact):
            return
        condition = mask.name if mask else f"{x.name} > 0"
        self.new(
            f"torch.where({condition}, {x.name}, {y.name})",
            x,
            x.shape,
            kind=max(x.kind, y.kind),
            exact=x.exact and y.exact,
            tracked=x.tracked or y.tracked,
        )

    def joining(self) -> None:
        x = self.pick(lambda v: v.ndim >= 1 and v.size <= 24)
        if x is None:
            return
        y = self.pick(lambda v: v.shape == x.shape) or x
        dim = self.dim(x)
        changes = {
            "kind": max(x.kind, y.kind),
            "exact": x.exact and y.exact,
            "tracked": x.tracked or y.tracked,
        }
        shape = list(x.shape)
        choice = self.random.randrange(5)
        if choice == 0:
            shape[dim] *= 2
            self.new(f"torch.cat([{x.name}, {y.name}], {dim})", x, tuple(shape), **changes)
        elif choice == 1 and x.ndim < 4:
            dim = self.random.randrange(x.ndim + 1)
            self.new(
                f"torch.stack([{x.name}, {y.name}], {dim})", x, (*shape[:dim], 2, *shape[dim:]), **changes
            )
        elif choice == 2:
            self.new(f"{x.name}.flip({dim})", x, x.shape)
        elif choice == 3:
            self.new(f"{x.name}.roll({self.random.randint(-2, 2)}, {dim})", x, x.shape)
        elif x.shape[dim] and x.size:
            picks = [self.random.randrange(x.shape[dim]) for _ in range(3)]
            shape[dim] = 3
            self.new(f"{x.name}.index_select({dim}, torch.tensor({picks}))", x, tuple(shape))
