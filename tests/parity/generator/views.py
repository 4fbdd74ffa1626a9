"""Statements that make views, and pieces of a tensor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .writer import Writer


class Views(Writer):
    def transposing(self) -> None:
        x = self.pick(lambda v: v.ndim >= 2)
        if x is None:
            return
        a, b = self.dim(x), self.dim(x)
        shape = list(x.shape)
        shape[a], shape[b] = shape[b], shape[a]
        order = self.random.sample(range(x.ndim), x.ndim)
        choice = self.random.randrange(5)
        if choice == 0:
            self.view(f"{x.name}.permute({', '.join(map(str, order))})", x, tuple(x.shape[d] for d in order))
        elif choice == 1:
            moved = np.moveaxis(np.empty(x.shape), a, b).shape
            self.view(f"{x.name}.movedim({a}, {b})", x, moved)
        elif choice == 2 and x.ndim == 2:
            self.view(f"{x.name}.{self.random.choice(['t()', 'T', 'mT'])}", x, x.shape[::-1])
        else:
            self.view(f"{x.name}.{self.random.choice(['transpose', 'swapaxes'])}({a}, {b})", x, tuple(shape))

    def factors(self, count: int) -> tuple[int, ...]:
        """A shape with `count` elements."""
        if count == 0:
            return self.random.choice([(0,), (0, 2), (3, 0)])
        sizes = []
        while count > 1 and len(sizes) < 3:
            divisors = [d for d in range(1, count + 1) if count % d == 0]
            sizes.append(self.random.choice(divisors))
            count //= sizes[-1]
        return tuple(sizes) if count == 1 else (*sizes, count)

    def reshaping(self) -> None:
        x = self.pick()
        shape = self.factors(x.size)
        text = list(map(str, shape))
        if shape and x.size and self.chance(0.3):
            text[self.random.randrange(len(text))] = "-1"
        sizes = f"({', '.join(text)},)" if text else "()"
        method = "view" if x.contiguous or self.chance(0.15) else "reshape"
        self.view(f"{x.name}.{method}({sizes})", x, shape, contiguous=x.contiguous)

    def flattening(self) -> None:
        x = self.pick(lambda v: v.ndim >= 1)
        if x is None:
            return
        first = self.random.randrange(x.ndim)
        last = self.random.randrange(first, x.ndim)
        shape = (*x.shape[:first], int(np.prod(x.shape[first : last + 1])), *x.shape[last + 1 :])
        self.view(f"{x.name}.flatten({first}, {last})", x, shape, contiguous=x.contiguous)

    def unflattening(self) -> None:
        x = self.pick(lambda v: v.ndim >= 1 and 4 in v.shape)
        if x is None:
            return
        dim = x.shape.index(4)
        self.view(
            f"{x.name}.unflatten({dim}, (2, {self.random.choice([2, -1])}))",
            x,
            (*x.shape[:dim], 2, 2, *x.shape[dim + 1 :]),
        )

    def squeezing(self) -> None:
        x = self.pick(lambda v: v.ndim < 4)
        if x is None:
            return
        if 1 in x.shape and self.chance(0.6):
            dim = x.shape.index(1)
            if self.chance(0.3):
                self.view(
                    f"{x.name}.squeeze()", x, tuple(s for s in x.shape if s != 1), contiguous=x.contiguous
                )
            else:
                self.view(
                    f"{x.name}.squeeze({dim})", x, x.shape[:dim] + x.shape[dim + 1 :], contiguous=x.contiguous
                )
            return
        dim = self.dim(x, 1)
        shape = np.expand_dims(np.empty(x.shape), dim).shape
        self.view(f"{x.name}.unsqueeze({dim})", x, shape, contiguous=x.contiguous)

    def expanding(self) -> None:
        x = self.pick(lambda v: v.ndim < 4)
        if x is None:
            return
        shape = [self.random.randint(2, 3) if size == 1 and self.chance(0.8) else size for size in x.shape]
        text = [
            "-1" if new == old and self.chance(0.4) else str(new)
            for new, old in zip(shape, x.shape, strict=True)
        ]
        if not shape or self.chance(0.4):
            shape, text = [2, *shape], ["2", *text]
        self.view(
            f"{x.name}.expand({', '.join(text)})",
            x,
            tuple(shape),
            overlapping=x.overlapping or tuple(shape) != x.shape,
        )

    def narrowing(self) -> None:
        x = self.pick(lambda v: v.size > 0 and v.ndim > 0)
        if x is None:
            return
        dim = self.dim(x)
        size = x.shape[dim]
        start = self.random.randrange(size)
        shape = list(x.shape)
        if self.chance(0.4):
            del shape[dim]
            self.view(
                f"{x.name}.select({dim}, {start - size if self.chance(0.3) else start})", x, tuple(shape)
            )
            return
        shape[dim] = self.random.randint(0 if self.chance(0.1) else 1, size - start)
        self.view(f"{x.name}.narrow({dim}, {start}, {shape[dim]})", x, tuple(shape))

    def windows(self) -> None:
        x = self.pick(lambda v: 0 < v.ndim < 3 and v.size > 0)
        if x is None:
            return
        dim = self.dim(x)
        size, step = self.random.randint(1, x.shape[dim]), self.random.randint(1, 2)
        shape = list(x.shape)
        shape[dim] = (shape[dim] - size) // step + 1
        self.view(
            f"{x.name}.unfold({dim}, {size}, {step})", x, (*shape, size), windowed=x.windowed or step < size
        )

    def diagonal(self) -> None:
        x = self.pick(lambda v: v.ndim >= 2)
        if x is None:
            return
        a, b = self.random.sample(range(x.ndim), 2)
        offset = self.random.randint(-1, 1)
        self.view(
            f"{x.name}.diagonal({offset}, {a}, {b})", x, np.diagonal(np.empty(x.shape), offset, a, b).shape
        )

    def splitting(self) -> None:
        x = self.pick(lambda v: v.ndim >= 1 and v.size > 0)
        if x is None:
            return
        dim = self.dim(x)
        size = x.shape[dim]
        part = self.random.randint(1, size)
        shapes = [list(x.shape) for _ in range(-(-size // part))]
        for number, shape in enumerate(shapes):
            shape[dim] = min(part, size - number * part)
        source = f"{x.name}.split({part}, {dim})"
        if self.chance(0.3):
            source = f"{x.name}.split([{', '.join(str(s[dim]) for s in shapes)}], dim={dim})"
        elif self.chance(0.3):
            source, shapes = f"{x.name}.unbind({dim})", [list(x.shape) for _ in range(size)]
            for shape in shapes:
                del shape[dim]
        elif size % part == 0 and self.chance(0.5):
            source = f"torch.chunk({x.name}, {size // part}, {dim})"
        made = [replace(x, name=self.name(), shape=tuple(shape), contiguous=False) for shape in shapes]
        self.lines.append(f"{', '.join(v.name for v in made)}{',' if len(made) == 1 else ''} = {source}")
        self.variables += made
