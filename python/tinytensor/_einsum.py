"""`einsum`: parse the equation, then contract operands pair by pair.

A label is an int: the code of its letter, or -1, -2, ... for the dimensions an ellipsis stands for, counted
from the right, so that ellipses of different length broadcast. A pair is contracted as one batched matrix
product, with its labels sorted into batch (in both, kept), left and right (in one), and inner (in both, not
kept).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tinytensor

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
Labels = tuple[int, ...]


def einsum(*args: Any) -> Any:
    """einsum(equation, *operands)

    Multiply the operands elementwise over named dimensions and sum over those the result does not name:
    `einsum("ik,kj->ij", a, b)` is the matrix product. A name twice in one operand takes its diagonal,
    "..." stands for the other dimensions, and without "->" the result has the names that occur once, in
    alphabetical order. Names can also be given as lists of numbers: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): needs an equation and operands, or operands each followed by its subscripts"
        )
    equation, operands = _split_arguments(args)
    for position, operand in enumerate(operands):
        if not isinstance(operand, tinytensor.Tensor):
            raise TypeError(f"einsum(): operand {position} must be a Tensor, got {type(operand).__name__}")
    return _contracted(equation, *operands)


def _contracted(equation: str, *operands: Any) -> Any:
    plan = _planned(equation, tuple([tuple(operand.shape) for operand in operands]))
    values = list(operands)
    for step in plan.steps:
        right = _run(step.right_actions, values.pop(step.right))
        left = _run(step.left_actions, values.pop(step.left))
        values.append(_run(step.result_actions, getattr(left, step.product)(right)))
    return _run(plan.actions, values[0])


# ---------------------------------------------------------------- parsing


def _split_arguments(args: tuple) -> tuple[str, tuple]:
    if isinstance(args[0], tinytensor.Tensor):
        return _from_sublists(args)
    if not isinstance(args[0], str):
        raise TypeError(
            f"einsum(): argument 'equation' (position 1) must be str, not {type(args[0]).__name__}"
        )
    if len(args) == 2 and isinstance(args[1], (list, tuple)):
        return args[0], tuple(args[1])
    return args[0], args[1:]


def _from_sublists(args: tuple) -> tuple[str, tuple]:
    """The equation for operands that are each followed by a list of numbers, and maybe one for the result."""
    count = len(args) // 2
    equation = ",".join(_spelled(args[2 * index + 1]) for index in range(count))
    if len(args) % 2:
        equation += "->" + _spelled(args[-1])
    return equation, args[0 : 2 * count : 2]


def _spelled(subscripts: Any) -> str:
    return "".join("..." if subscript is Ellipsis else _letter(subscript) for subscript in subscripts)


def _letter(subscript: int) -> str:
    if not 0 <= subscript < len(_LETTERS):
        raise ValueError(f"einsum(): subscript {subscript} in a list is not within [0, {len(_LETTERS)})")
    return _LETTERS[subscript]


def _parsed(equation: str, dims: tuple[int, ...]) -> tuple[tuple[Labels, ...], Labels]:
    """The labels of every operand's dimensions, and those of the result."""
    source, arrow, target = equation.replace(" ", "").partition("->")
    terms = source.split(",")
    if len(terms) != len(dims):
        difference = "fewer" if len(dims) < len(terms) else "more"
        raise RuntimeError(
            f"einsum(): {difference} operands were provided than specified in the equation, "
            f"got {len(dims)} for {len(terms)}"
        )
    inputs = tuple(
        _term_labels(term, position, ndim) for position, (term, ndim) in enumerate(zip(terms, dims))
    )
    flat = [label for labels in inputs for label in labels]
    hidden = tuple(sorted({label for label in flat if label < 0}))
    if arrow:
        return inputs, _output_labels(target, hidden, set(flat))
    return inputs, hidden + tuple(sorted(label for label in flat if label >= 0 and flat.count(label) == 1))


def _term_labels(term: str, position: int, ndim: int) -> Labels:
    letters = _checked_letters(term, f"operand {position}")
    named = len(letters) - ("." in letters)
    if named > ndim or (named < ndim and "." not in letters):
        remark = "" if "." in letters else " and no ellipsis was given"
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({named}) does not match the number of "
            f"dimensions ({ndim}) for operand {position}{remark}"
        )
    labels: list[int] = []
    for letter in letters:
        labels.extend(range(named - ndim, 0) if letter == "." else [ord(letter)])
    return tuple(labels)


def _output_labels(term: str, hidden: Labels, known: set[int]) -> Labels:
    labels: list[int] = []
    for letter in _checked_letters(term, "the output"):
        if letter == ".":
            labels.extend(hidden)
        elif ord(letter) not in known:
            raise RuntimeError(
                f"einsum(): output subscript {letter} does not appear in the equation for any input operand"
            )
        elif ord(letter) in labels:
            raise RuntimeError(f"einsum(): output subscript {letter} appears more than once in the output")
        else:
            labels.append(ord(letter))
    return tuple(labels)


def _checked_letters(term: str, owner: str) -> str:
    """The letters of one term, with a single dot in the place of an ellipsis."""
    letters = term.replace("...", ".", 1)
    for letter in letters.replace(".", "", 1) if "..." in term else letters:
        if letter == ".":
            raise RuntimeError(
                f"einsum(): found '.' for {owner} that is not part of a single ellipsis: '{term}'"
            )
        if letter not in _LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript '{letter}' for {owner}, subscripts must be in [a-zA-Z]"
            )
    return letters


# ---------------------------------------------------------------- planning

# A method of tensors and its arguments.
Action = tuple[str, tuple]


class _Step(NamedTuple):
    """Take the operands at two places, prepare them, and append their product."""

    left: int
    right: int
    left_actions: tuple[Action, ...]
    right_actions: tuple[Action, ...]
    product: str
    result_actions: tuple[Action, ...]


class _Plan(NamedTuple):
    steps: tuple[_Step, ...]
    actions: tuple[Action, ...]


def _run(actions: tuple[Action, ...], tensor: Any) -> Any:
    for method, arguments in actions:
        tensor = getattr(tensor, method)(*arguments)
    return tensor


class _Operand:
    """The labels and sizes of an operand, and the actions that led to them."""

    def __init__(self, labels: Sequence[int], sizes: Sequence[int]) -> None:
        self.labels = list(labels)
        self.sizes = list(sizes)
        self.actions: list[Action] = []

    def size(self, label: int) -> int:
        return self.sizes[self.labels.index(label)]

    def take_diagonals(self, position: int) -> None:
        """Leave each label once."""
        for label in dict.fromkeys(self.labels):
            while self.labels.count(label) > 1:
                first = self.labels.index(label)
                second = self.labels.index(label, first + 1)
                size = self.sizes[first]
                if size != self.sizes[second]:
                    raise RuntimeError(
                        f"einsum(): subscript {chr(label)} is repeated for operand {position} but the sizes "
                        f"don't match, {self.sizes[second]} != {size}"
                    )
                self.actions.append(("diagonal", (0, first, second)))
                self._drop([first, second])
                self.labels.append(label)
                self.sizes.append(size)

    def squeeze_against(self, other: _Operand) -> None:
        """Drop the dimensions of size 1 that broadcast against a longer one of `other`."""
        for label in list(self.labels):
            if label in other.labels and self.size(label) == 1 != other.size(label):
                position = self.labels.index(label)
                self.actions.append(("squeeze", (position,)))
                self._drop([position])

    def sum_out(self, kept: set[int]) -> None:
        """Sum over the labels that are not kept."""
        lost = [position for position, label in enumerate(self.labels) if label not in kept]
        if lost:
            self.actions.append(("sum", (lost,)))
            self._drop(lost)

    def arrange(self, order: Sequence[int], shape: Sequence[int]) -> None:
        """Bring the labels into the given order, then the elements into the given shape."""
        places = [self.labels.index(label) for label in order]
        if places != sorted(places):
            self.actions.append(("permute", (places,)))
        if [self.sizes[place] for place in places] != list(shape):
            self.actions.append(("reshape", (tuple(shape),)))
        self.labels, self.sizes = list(order), [self.sizes[place] for place in places]

    def _drop(self, positions: list[int]) -> None:
        for position in sorted(positions, reverse=True):
            del self.labels[position], self.sizes[position]


@functools.lru_cache(maxsize=512)
def _planned(equation: str, shapes: tuple[tuple[int, ...], ...]) -> _Plan:
    """What to do with operands of these shapes."""
    inputs, output = _parsed(equation, tuple(len(shape) for shape in shapes))
    operands = [_Operand(labels, shape) for labels, shape in zip(inputs, shapes)]
    for position, operand in enumerate(operands):
        operand.take_diagonals(position)
    sizes = _label_sizes(operands)
    steps = []
    while len(operands) > 1:
        first, second = _cheapest_pair(operands, sizes)
        if len(operands) == 2 and output and output[-1] not in operands[1].labels:
            # The dimension that varies fastest in the result comes from the right factor of a product.
            first, second = second, first
        left, right = operands[first], operands[second]
        operands = [operand for operand in operands if operand is not left and operand is not right]
        kept = set(output).union(*(operand.labels for operand in operands))
        product, result = _contract(left, right, kept)
        # The right operand leaves its list first, which moves those behind it.
        left_place = first - (second < first)
        steps.append(
            _Step(
                left_place, second, tuple(left.actions), tuple(right.actions), product, tuple(result.actions)
            )
        )
        result.actions = []
        operands.append(result)
    last = operands[0]
    last.sum_out(set(output))
    last.arrange(output, [last.size(label) for label in output])
    return _Plan(tuple(steps), tuple(last.actions))


def _label_sizes(operands: list[_Operand]) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for position, operand in enumerate(operands):
        for label, size in zip(operand.labels, operand.sizes):
            seen = sizes.get(label, 1)
            if size != seen and size != 1 and seen != 1:
                name = chr(label) if label >= 0 else "..."
                raise RuntimeError(
                    f"einsum(): subscript {name} has size {size} for operand {position} which does not "
                    f"broadcast with previously seen size {seen}"
                )
            sizes[label] = seen if size == 1 else size
    return sizes


def _cheapest_pair(operands: list[_Operand], sizes: dict[int, int]) -> tuple[int, int]:
    """The two operands whose contraction takes the fewest multiplications."""
    choices = [(first, second) for second in range(len(operands)) for first in range(second)]

    def cost(choice: tuple[int, int]) -> int:
        first, second = choice
        return math.prod(sizes[label] for label in {*operands[first].labels, *operands[second].labels})

    return min(choices, key=cost)


def _contract(left: _Operand, right: _Operand, kept: set[int]) -> tuple[str, _Operand]:
    """Prepare both operands for a product; return its name, and the result with the actions after it."""
    left.squeeze_against(right)
    right.squeeze_against(left)
    left.sum_out(kept.union(right.labels))
    right.sum_out(kept.union(left.labels))
    shared = [label for label in left.labels if label in right.labels]
    batch = [label for label in shared if label in kept]
    inner = [label for label in shared if label not in kept]
    rows = [label for label in left.labels if label not in right.labels]
    columns = [label for label in right.labels if label not in left.labels]
    batch_sizes = [left.size(label) for label in batch]
    row_sizes = [left.size(label) for label in rows]
    column_sizes = [right.size(label) for label in columns]
    result = _Operand(batch + rows + columns, batch_sizes + row_sizes + column_sizes)

    if not inner:
        left.arrange(batch + rows, batch_sizes + row_sizes + [1] * len(columns))
        right.arrange(batch + columns, batch_sizes + [1] * len(rows) + column_sizes)
        return "mul", result
    depth = math.prod(left.size(label) for label in inner)
    height, width = math.prod(row_sizes), math.prod(column_sizes)
    lead = [math.prod(batch_sizes)] if batch else []
    left.arrange(batch + rows + inner, [*lead, height, depth])
    right.arrange(batch + inner + columns, [*lead, depth, width])
    if result.sizes != [*lead, height, width]:
        result.actions.append(("reshape", (tuple(result.sizes),)))
    return ("bmm" if batch else "mm"), result
