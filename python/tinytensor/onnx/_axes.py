"""Which axes are dynamic, what they are called, and with which sizes a program is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tinytensor
from tinytensor._C import Tensor


class Axes(NamedTuple):
    """Names of dynamic axes by number, for inputs and for outputs."""

    inputs: dict[str, dict[int, str]]
    outputs: dict[str, dict[int, str]]
    names_of_sizes: dict[tuple[int, int], str]

    def shape_of(self, name: str, shape: Sequence[int]) -> list[int | str]:
        names = self.inputs.get(name, {})
        return [names.get(axis, size) for axis, size in enumerate(shape)]

    def output_shape(self, name: str, sizes: Sequence[tuple[int, int]]) -> list[int | str]:
        """A dynamic axis has the name told for it, or that of an input's axis of the same size."""
        told = self.outputs.get(name, {})
        shape: list[int | str] = []
        for axis, (example, second) in enumerate(sizes):
            dynamic = self.names_of_sizes.get((example, second), f"{name}_axis_{axis}")
            shape.append(told.get(axis, example if example == second else dynamic))
        return shape


def _axis(axis: int, rank: int, name: str) -> int:
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise ValueError(f"onnx.export: {name!r} has no axis {axis!r}, it has {rank}")
    return axis % rank


def _named(name: str, axes: Mapping[int, str] | Sequence[int]) -> dict[int, str]:
    if isinstance(axes, Mapping):
        return {axis: str(title) for axis, title in axes.items()}
    return {axis: f"{name}_dynamic_axes_{place + 1}" for place, axis in enumerate(axes)}


def dynamic_axes_of_inputs(
    model: Callable,
    args: tuple,
    kwargs: dict[str, Any],
    inputs: dict[str, Tensor],
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None,
    dynamic_shapes: Any,
    output_names: Sequence[str] | None,
) -> Axes:
    if dynamic_axes is not None and dynamic_shapes is not None:
        raise ValueError("onnx.export: dynamic_axes and dynamic_shapes: give one of them")
    outputs: dict[str, dict[int, str]] = {}
    found: dict[str, dict[int, str]] = {}
    for name, axes in (dynamic_axes or {}).items():
        if name in inputs:
            rank = inputs[name].ndim
            found[name] = {_axis(axis, rank, name): title for axis, title in _named(name, axes).items()}
        elif name in (output_names or ()):
            outputs[name] = _named(name, axes)
        else:
            raise ValueError(
                f"onnx.export: dynamic_axes: {name!r} is neither an input ({', '.join(inputs)}) nor one of output_names"
            )
    if dynamic_shapes is not None:
        found = _from_shapes(model, args, kwargs, inputs, dynamic_shapes)
    return Axes(found, outputs, {})


# ---------------------------------------------------------------- dynamic_shapes


def _title(size: Any, fallback: str) -> str | None:
    """The name of a dynamic axis: a string, or an object with a name, such as `torch.export.Dim`."""
    if size is None or isinstance(size, int):
        return None
    return size if isinstance(size, str) else getattr(size, "__name__", fallback)


def _from_shapes(
    model: Callable, args: tuple, kwargs: dict[str, Any], inputs: dict[str, Tensor], shapes: Any
) -> dict[str, dict[int, str]]:
    from tinytensor.onnx._export import bound_arguments

    arguments = bound_arguments(model, args, kwargs)
    if not isinstance(shapes, Mapping):
        shapes = dict(zip(arguments, shapes))
    unknown = [name for name in shapes if name not in arguments]
    if unknown:
        raise ValueError(
            f"onnx.export: dynamic_shapes: no argument {unknown[0]!r}, there are {list(arguments)}"
        )
    names = {id(tensor): name for name, tensor in inputs.items()}
    found: dict[str, dict[int, str]] = {}
    for argument, value in arguments.items():
        _collect(value, shapes.get(argument), names, found)
    return found


def _collect(value: Any, spec: Any, names: dict[int, str], found: dict[str, dict[int, str]]) -> None:
    """Walk an argument and what is said of it side by side."""
    if spec is None:
        return
    if isinstance(value, Tensor):
        name = names[id(value)]
        pairs = spec.items() if isinstance(spec, Mapping) else enumerate(spec)
        titles = {_axis(axis, value.ndim, name): _title(size, f"{name}_axis_{axis}") for axis, size in pairs}
        found[name] = {axis: title for axis, title in titles.items() if title is not None}
        return
    keys = value if isinstance(value, Mapping) else range(len(value))
    for key in keys:
        _collect(value[key], spec.get(key) if isinstance(spec, Mapping) else spec[key], names, found)


# ---------------------------------------------------------------- second sizes

# Twice the size keeps what a program divides by; the others are for programs with a largest size.
_CANDIDATES: list[Callable[[int], int]] = [
    lambda size: 2 * size,
    lambda size: 3 * size,
    lambda size: size + 1,
    lambda size: size // 2 if size > 3 else size + 1,
    lambda size: size - 1 if size > 2 else size + 1,
]


def second_sizes(inputs: dict[str, Tensor], axes: Axes) -> Iterator[dict[str, Tensor]]:
    """Inputs in which axes that are dynamic have another size: the same one where they have the same size now."""
    if not any(axes.inputs.values()):
        yield inputs
        return
    for other in _CANDIDATES:
        seconds = {
            name: _with_other_sizes(tensor, axes.inputs.get(name, {}), other)
            for name, tensor in inputs.items()
        }
        names = _names_of_sizes(inputs, seconds, axes)
        if any(second <= 1 for _, second in names):
            continue  # one is spread over any size, none is left out everywhere: neither tells anything
        axes.names_of_sizes.clear()
        axes.names_of_sizes.update(names)
        yield seconds


def _names_of_sizes(
    inputs: dict[str, Tensor], seconds: dict[str, Tensor], axes: Axes
) -> dict[tuple[int, int], str]:
    names: dict[tuple[int, int], str] = {}
    for name, titles in axes.inputs.items():
        for axis, title in titles.items():
            names.setdefault((inputs[name].shape[axis], seconds[name].shape[axis]), title)
    return names


def _with_other_sizes(tensor: Tensor, axes: Mapping[int, str], other: Callable[[int], int]) -> Tensor:
    """Elements repeated or left out, so that whole numbers stay in their range."""
    second = tensor.detach()
    for axis in axes:
        size = second.shape[axis]
        places = tinytensor.arange(other(size)) % max(size, 1)
        second = second.index_select(axis, places)
    return second.clone()
