"""Random small programs: plain Python source over the name `torch`, statement by statement.

The generator knows the shape and kind of every variable, so most statements are meaningful; a few are wrong
on purpose, and some run into the rules on in-place changes. Where PyTorch leaves a result undefined
(overlapping writes, duplicate positions, NaN to integer) nothing is generated.
"""

from __future__ import annotations

from .arithmetic import Arithmetic
from .writer import BOOL, FLOAT

WEIGHTS = {
    "leaf": 5,
    "transposing": 7,
    "reshaping": 6,
    "flattening": 2,
    "unflattening": 2,
    "squeezing": 5,
    "expanding": 4,
    "narrowing": 5,
    "windows": 3,
    "diagonal": 3,
    "splitting": 4,
    "reading": 11,
    "writing": 11,
    "index_methods": 5,
    "updating": 12,
    "metadata": 1,
    "arithmetic": 16,
    "functions": 7,
    "perhaps_views": 2,
    "conversions": 2,
    "reductions": 6,
    "running_sums": 1,
    "products": 3,
    "choosing": 4,
    "joining": 4,
    "mistakes": 3,
}


class Program(Arithmetic):
    def mistakes(self) -> None:
        """Wrong on purpose: the exception has to be of the same type."""
        x = self.pick()
        self.lines.append(
            self.random.choice(
                [
                    f"bad = {x.name}.transpose(0, {x.ndim + 1})",
                    f"bad = {x.name}.view({x.size + 1})",
                    f"bad = {x.name}[{', '.join('0' * (x.ndim + 1))}]",
                    f"bad = {x.name} + torch.zeros({', '.join(str(s + 2) for s in (*x.shape, 5))})",
                    f"bad = {x.name}.narrow(0, 0, 99)",
                    f"bad = {x.name}.squeeze({x.ndim + 1})",
                    f"bad = {x.name}.reshape(-1, -1)",
                    f"bad = {x.name} @ torch.zeros(7, 7)",
                    f"bad = {x.name}.unsqueeze({x.ndim + 3})",
                    f"{x.name}[...] = torch.zeros({', '.join(str(s + 2) for s in (*x.shape, 5))})",
                    f"bad = {x.name}.expand({', '.join(str(s + 2) for s in (*x.shape, 5))})",
                    f"bad = {x.name}.sum({x.ndim + 2})",
                    f"bad = torch.cat([{x.name}, torch.zeros(9, 9)])",
                    f"bad = {x.name}.split(0)",
                    f"bad = {x.name}.nothing()",
                    "bad = torch.stack([])",
                    f"bad = {x.name}.permute({', '.join('0' * max(x.ndim, 2))})",
                    f"bad = {x.name}.masked_fill({x.name}, 1)"
                    if x.kind != BOOL
                    else "bad = torch.tensor([[1], [2, 3]])",
                    f"bad = {x.name}.index_select(0, torch.tensor([99]))",
                    f"bad = {x.name}.chunk(0)",
                    f"bad = {x.name}.item() if {x.name}.numel() != 1 else None",
                ]
            )
        )

    def program(self) -> list[str]:
        self.leaf(tracked=True)
        x = self.variables[0]
        self.new(f"{x.name} * {self.random.choice([1, 2.0, -0.5])}", x, x.shape)
        for _ in range(self.random.randint(0, 2)):
            self.leaf()
        length = self.random.randint(5, 15)
        for _ in range(100):
            if len(self.lines) >= length:
                break
            statement = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
            getattr(self, statement)()
        self.ending()
        return self.lines

    def ending(self) -> None:
        """A number out of what autograd recorded, and its gradients."""
        tracked = [v for v in self.variables if v.tracked and v.kind == FLOAT]
        chosen = self.random.sample(tracked, min(len(tracked), self.random.randint(1, 3)))
        terms = [
            f"{v.name}.double().sum()" if self.chance(0.6) else f"({v.name} * {v.name}).double().sum()"
            for v in chosen
        ]
        self.lines.append(f"total = {' + '.join(terms)}")
        self.lines.append("total.backward()")


def generate(seed: int) -> list[str]:
    return Program(seed).program()
