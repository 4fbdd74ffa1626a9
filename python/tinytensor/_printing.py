"""The text of a tensor: `repr`, `str`, `format`, and the options that shape them."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import tinytensor


@dataclasses.dataclass
class PrintOptions:
    """How tensors are shown; one instance, `PRINT_OPTS`, is in force."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PRINT_OPTS = PrintOptions()

PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors are printed. `profile` ("default", "short" or "full") sets every option at once, the
    others override single ones. `sci_mode` True or False forces scientific notation on or off; None, also
    when it is left out, lets the values decide.
    """
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(f"set_printoptions: profile must be one of {sorted(PROFILES)}, got {profile!r}")
        _assign(**dataclasses.asdict(PROFILES[profile]))
    chosen = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _assign(**{name: value for name, value in chosen.items() if value is not None}, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force, as a dict that `set_printoptions(**options)` accepts."""
    return dataclasses.asdict(PRINT_OPTS)


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Context manager: `set_printoptions(**options)` inside, what was in force before afterwards."""
    before = get_printoptions()
    try:
        set_printoptions(**{**before, **options})
        yield
    finally:
        _assign(**before)


def _assign(**options: Any) -> None:
    for name, value in options.items():
        setattr(PRINT_OPTS, name, value)


class _Formatter:
    """Turns single numbers into cells of one common width."""

    def __init__(self, numbers: list[Any], is_floating: bool) -> None:
        self.width = 1
        self.kind = "" if is_floating else "plain"
        if not is_floating:
            self.width = max((len(str(number)) for number in numbers), default=1)
            return
        finite = [number for number in numbers if number != 0.0 and math.isfinite(number)]
        whole = all(number.is_integer() for number in finite)
        if finite and self._wants_scientific(finite):
            self.kind = "scientific"
        else:
            self.kind = "whole" if whole else "fixed"
        # Zeros, infinities and NaN never widen the column: only the other numbers are measured.
        self.width = max((len(self._bare(number)) for number in finite), default=1)

    @staticmethod
    def _wants_scientific(finite: list[float]) -> bool:
        if PRINT_OPTS.sci_mode is not None:
            return PRINT_OPTS.sci_mode
        magnitudes = [abs(number) for number in finite]
        largest, smallest = max(magnitudes), min(magnitudes)
        return largest > 1e8 or smallest < 1e-4 or largest / smallest > 1000.0

    def _bare(self, number: Any) -> str:
        if self.kind == "plain":
            return str(number)
        if self.kind == "scientific":
            return f"{number:.{PRINT_OPTS.precision}e}"
        if self.kind == "fixed":
            return f"{number:.{PRINT_OPTS.precision}f}"
        return f"{number:.0f}." if math.isfinite(number) else f"{number:.0f}"

    def cell(self, number: Any) -> str:
        return self._bare(number).rjust(self.width)


def _shown_values(tensor: Any, edge: int | None) -> Any:
    """Nested lists of the elements that appear; `edge` at both ends of long dimensions, None for all."""
    if edge is None:
        return tensor.tolist()
    for dim, size in enumerate(tensor.shape):
        if size > 2 * edge:
            head = _shown_values(tensor.narrow(dim, 0, edge), edge)
            tail = _shown_values(tensor.narrow(dim, size - edge, edge), edge)
            return _joined(head, tail, dim)
    return tensor.tolist()


def _joined(head: list, tail: list, dim: int) -> list:
    if dim == 0:
        return head + tail
    return [_joined(first, second, dim - 1) for first, second in zip(head, tail)]


def _flat(values: Any, depth: int) -> list:
    if depth == 0:
        return [values]
    for _ in range(depth - 1):
        values = [inner for outer in values for inner in outer]
    return values


def _layout(values: Any, shape: tuple[int, ...], indent: int, formatter: _Formatter, edge: int | None) -> str:
    if not shape:
        return formatter.cell(values)
    gap = edge if edge is not None and shape[0] > 2 * edge else None
    if len(shape) > 1:
        rows = [_layout(row, shape[1:], indent + 1, formatter, edge) for row in values]
        if gap is not None:
            rows.insert(gap, "...")
        separator = "," + "\n" * (len(shape) - 1) + " " * (indent + 1)
        return "[" + separator.join(rows) + "]"
    cells = [formatter.cell(value) for value in values]
    if gap is not None:
        cells.insert(gap, " ...")
    per_line = max(1, (PRINT_OPTS.linewidth - indent) // (formatter.width + 2))
    lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _suffixes(tensor: Any) -> list[str]:
    """What follows the numbers, in order: device, size, dtype, gradient."""
    suffixes = []
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    default = tensor.dtype == tinytensor.get_default_dtype()
    if tensor.is_meta:
        suffixes.append(f"size={tuple(tensor.shape)}")
    elif tensor.numel() == 0:
        if tensor.dim() != 1:
            suffixes.append(f"size={tuple(tensor.shape)}")
    elif tensor.dtype in (tinytensor.int64, tinytensor.bool):
        default = True
    if not default:
        suffixes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append the suffixes, on a new line wherever the present one would grow past the line width."""
    # The line break (or, on a single line, the position -1 of the missing one) counts as one column more.
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def tensor_text(tensor: Any) -> str:
    """The text of `repr(tensor)`."""
    name = type(tensor).__name__
    prefix = "tensor(" if name in ("Tensor", "Parameter") else name + "("
    shape = tuple(tensor.shape)
    if tensor.is_meta or tensor.numel() == 0:
        return _with_suffixes(prefix + ("..." if tensor.is_meta else "[]"), _suffixes(tensor), len(prefix))
    edge = PRINT_OPTS.edgeitems if tensor.numel() > PRINT_OPTS.threshold else None
    values = _shown_values(tensor.detach(), edge)
    formatter = _Formatter(_flat(values, len(shape)), tensor.dtype.is_floating_point)
    body = _layout(values, shape, len(prefix), formatter, edge)
    return _with_suffixes(prefix + body, _suffixes(tensor), len(prefix))


def parameter_text(parameter: Any) -> str:
    """The text of `repr(nn.Parameter(...))`; an instance of a subclass also shows its own name."""
    text = tensor_text(parameter)
    if type(parameter).__name__ != "Parameter":
        text = f"Parameter({text})"
    return "Parameter containing:\n" + text


def tensor_format(tensor: Any, spec: str) -> str:
    """`format(tensor, spec)`: a 0-dim tensor formats as its number, any other as its text."""
    if tensor.dim() == 0 and type(tensor) is tinytensor.Tensor and not tensor.is_meta:
        return format(tensor.item(), spec)
    return object.__format__(tensor, spec)
