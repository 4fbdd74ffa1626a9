"""Statements that read by index, and those that change a tensor in place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .views import Views
from .writer import BOOL, FLOAT, Variable, broadcasts_to


class Changes(Views):
    def key(self, x: Variable, basic: bool) -> tuple[str, tuple[int, ...]] | None:
        """Source of an index and the shape it selects."""
        entries, plain, advanced = [], [], []  # source, NumPy index without and with the tensors only
        used = False
        if not basic and self.chance(0.25):
            mask = np.array([self.chance(0.5) for _ in range(x.size)], bool).reshape(x.shape)
            return f"torch.tensor({mask.tolist()}, dtype=torch.bool)", (int(mask.sum()),)
        for size in x.shape:
            if self.chance(0.12):
                entries.append("None")
                plain.append(None)
                advanced.append(slice(None))
            choice = self.random.random()
            if not basic and choice < 0.35 and size:
                count = self.random.randint(1, min(size, 3))
                picks = self.random.sample(range(size), count) if not used else [self.random.randrange(size)]
                used = True
                entries.append(f"torch.tensor({picks})" if self.chance(0.7) else str(picks))
                plain.append(slice(None))
                advanced.append(np.array(picks))
            elif choice < 0.55 and size:
                at = self.random.randrange(-size, size)
                entries.append(str(at))
                plain.append(at)
            else:
                start, stop = (self.random.choice([None, self.random.randint(-size, size)]) for _ in range(2))
                step = self.random.choice([None, None, None, 2])
                entries.append(
                    ":".join("" if v is None else str(v) for v in (start, stop))
                    + ("" if step is None else f":{step}")
                )
                plain.append(slice(start, stop, step))
                advanced.append(slice(None))
            if self.chance(0.15):
                break
        if self.chance(0.15) or not entries:
            entries.append("...")
        text = ", ".join(entries)
        if len(entries) == 1 and text.startswith("["):
            text += ","
        shape = np.empty(x.shape)[tuple(plain)][tuple(advanced)].shape
        return text, shape

    def reading(self) -> None:
        x = self.pick(lambda v: v.ndim >= 1)
        if x is None:
            return
        basic = self.chance(0.5)
        text, shape = self.key(x, basic)
        if "[" in text or "tensor" in text:
            self.new(f"{x.name}[{text}]", x, shape, unsigned=x.unsigned)
        else:
            self.view(f"{x.name}[{text}]", x, shape)

    def target(self) -> Variable | None:
        """A variable to change in place: now and then one that must not be."""
        forbidden = self.chance(0.06)
        return self.pick(lambda v: not v.windowed and v.overlapping <= forbidden and v.leaf <= forbidden)

    def source(self, x: Variable, shape: tuple[int, ...]) -> str | None:
        """Something that may be written to a place of x with the given shape."""
        fits = self.pick(lambda v: broadcasts_to(v.shape, shape) and v.base != x.base and v.kind <= x.kind)
        if fits is None or self.chance(0.35):
            return self.number(x.kind, x.unsigned)
        return fits.name

    def writing(self) -> None:
        x = self.target()
        if x is None:
            return
        key = self.key(x, self.chance(0.5))
        text, shape = key if x.ndim else ("...", ())
        value = self.source(x, shape)
        operator = "=" if x.kind == BOOL or self.chance(0.7) else self.random.choice(["+=", "*=", "-="])
        self.lines.append(f"{x.name}[{text}] {operator} {value}")
        self.change(x, value)

    def change(self, x: Variable, value: str | None = None) -> None:
        """What an in-place statement does to what is known of x and all that may share its memory."""
        other = next((v for v in self.variables if v.name == value), None)
        for at, v in enumerate(self.variables):
            if v.base == x.base:
                self.variables[at] = replace(
                    v,
                    exact=v.exact and (other is None or other.exact),
                    tracked=v.tracked or (other is not None and other.tracked),
                )

    def index_methods(self) -> None:
        x = self.target()
        if x is None or x.ndim == 0 or x.size == 0:
            return
        dim = self.dim(x)
        size = x.shape[dim]
        picks = self.random.sample(range(size), self.random.randint(1, size))
        shape = list(x.shape)
        shape[dim] = len(picks)
        value = self.number(x.kind, x.unsigned)
        index = f"torch.tensor({picks})"
        choice = self.random.randrange(5)
        if choice == 0:
            self.lines.append(f"{x.name}.index_fill_({dim}, {index}, {value})")
        elif choice == 1 and x.exact:
            self.lines.append(
                f"{x.name}.masked_fill_({x.name} {'==' if x.kind == BOOL else '>'} {value}, {value})"
            )
        elif choice == 2 and x.kind != BOOL:
            repeated = [self.random.randrange(x.shape[0]) for _ in range(3)]
            values = f"torch.tensor({value}, dtype={x.name}.dtype)"
            self.lines.append(f"{x.name}.index_put_((torch.tensor({repeated}),), {values}, accumulate=True)")
        else:
            other = self.pick(lambda v: v.shape == tuple(shape) and v.base != x.base)
            if other is None:
                return
            value = other.name
            method = self.random.choice(["index_add_", "index_copy_"] if x.kind != BOOL else ["index_copy_"])
            self.lines.append(
                f"{x.name}.{method}({dim}, {index}, {value}.to({x.name}.dtype))"
                if other.kind <= x.kind
                else f"{x.name}.{method}({dim}, {index}, {value})"
            )
        self.change(x, value)

    def updating(self) -> None:
        x = self.target()
        if x is None:
            return
        if self.chance(0.45):
            unary = ["zero_()", f"fill_({self.number(x.kind, x.unsigned)})"]
            if x.kind != BOOL:
                unary += (
                    ["neg_()", "abs_()", f"clamp_({'0' if x.unsigned else '-1'}, 2)"]
                    if not x.unsigned
                    else ["clamp_(1, 5)"]
                )
            if x.kind == FLOAT and self.chance(0.3):
                unary = ["tanh_()", "sin_()", "sigmoid_()", "relu_()"]
            call = self.random.choice(unary)
            self.lines.append(f"{x.name}.{call}")
            inexact = call in ("tanh_()", "sin_()", "sigmoid_()")
            for at, v in enumerate(self.variables):
                if inexact and v.base == x.base:
                    self.variables[at] = replace(v, exact=False)
            return
        value = self.source(x, x.shape)
        if self.chance(0.04):
            value = self.number(FLOAT)
        if x.kind == BOOL:
            method = self.random.choice(["copy_", "logical_and_", "logical_or_"])
            text = f"{x.name}.{method}(torch.as_tensor({value}))"
        elif self.chance(0.3):
            text = f"{x.name} {self.random.choice(['+=', '-=', '*='])} {value}"
        elif value.startswith("v") and self.chance(0.3):
            text = f"{x.name}.copy_({value})"
        else:
            method = self.random.choice(["add_", "sub_", "mul_"])
            alpha = ", alpha=2" if method != "mul_" and self.chance(0.2) else ""
            text = f"{x.name}.{method}({value}{alpha})"
        self.lines.append(text)
        self.change(x, value)

    def metadata(self) -> None:
        """In-place methods that change the shape of self."""
        x = self.target()
        if x is None or x.leaf or x.ndim == 0:
            return
        dim = self.dim(x, 1)
        self.lines.append(f"{x.name}.unsqueeze_({dim})")
        shape = np.expand_dims(np.empty(x.shape), dim).shape
        at = next(i for i, v in enumerate(self.variables) if v.name == x.name)
        self.variables[at] = replace(x, shape=shape)
