"""`torch.onnx.export`."""

from __future__ import annotations

import contextlib
import enum
import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import tinytensor
from tinytensor._C import Tensor
from tinytensor.nn import Module
from tinytensor.onnx._axes import Axes, dynamic_axes_of_inputs, second_sizes
from tinytensor.onnx._graph import Graph
from tinytensor.onnx._program import ONNXProgram, Port
from tinytensor.onnx._sizes import UnsuitableSizeError
from tinytensor.onnx.errors import OnnxExporterError, OnnxExporterWarning

__all__ = ["OperatorExportTypes", "TrainingMode", "export"]

_OPSETS = range(10, 21)


class TrainingMode(enum.Enum):
    """The mode in which a model is exported."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OperatorExportTypes(enum.Enum):
    """What an operation may become; here only nodes of ONNX."""

    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3


def export(
    model: Callable,
    args: Any = (),
    f: str | os.PathLike | BinaryIO | None = None,
    *,
    kwargs: dict[str, Any] | None = None,
    verbose: bool | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    dynamo: bool = True,
    external_data: bool = True,
    dynamic_shapes: Any = None,
    custom_translation_table: dict[Callable, Callable] | None = None,
    report: bool = False,
    optimize: bool = True,
    verify: bool = False,
    profile: bool = False,
    dump_exported_program: bool = False,
    artifacts_dir: str | os.PathLike = ".",
    export_params: bool = True,
    keep_initializers_as_inputs: bool = False,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None = None,
    training: TrainingMode = TrainingMode.EVAL,
    operator_export_type: OperatorExportTypes = OperatorExportTypes.ONNX,
    do_constant_folding: bool = True,
    custom_opsets: Mapping[str, int] | None = None,
    export_modules_as_functions: Any = False,
    autograd_inlining: bool = True,
) -> ONNXProgram | None:
    """Run a model with example arguments and write what it did as an ONNX file.

    Tensors among the arguments become the inputs, everything else is part of the file, and so is the course that the
    program takes. Axes named in `dynamic_axes` or `dynamic_shapes` can have any size when the file is run: what the
    program computes from their sizes becomes nodes. Parameters and buffers are initializers under the names of the
    state_dict; what depends on no input is computed at once.

    Without `f`, or with `dynamo`, an `ONNXProgram` is returned.

    >>> program = torch.onnx.export(nn.Linear(4, 2), (torch.ones(1, 4),), dynamic_axes={"input": {0: "batch"}})
    """
    _refuse(
        custom_translation_table=custom_translation_table,
        report=report,
        verify=verify,
        profile=profile,
        dump_exported_program=dump_exported_program,
        custom_opsets=custom_opsets,
        export_modules_as_functions=export_modules_as_functions,
    )
    _check_options(artifacts_dir, operator_export_type, do_constant_folding, autograd_inlining)
    if f is None and not dynamo:
        raise TypeError("onnx.export: f, the file, must be given with dynamo=False")
    opset = _opset(opset_version)
    args, kwargs = _arguments(args, kwargs)
    inputs = _input_names(model, args, kwargs, input_names)
    axes = dynamic_axes_of_inputs(model, args, kwargs, inputs, dynamic_axes, dynamic_shapes, output_names)
    with _mode(model, TrainingMode(training)):
        program = _recorded(model, args, kwargs, inputs, list(output_names or ()), opset, axes, optimize)
    if verbose:
        print(program)
    if f is not None:
        beside = external_data and dynamo and isinstance(f, (str, os.PathLike))
        program.save(
            f,
            include_initializers=export_params,
            keep_initializers_as_inputs=keep_initializers_as_inputs or not export_params,
            external_data=beside,
        )
    return program if dynamo else None


# ---------------------------------------------------------------- options


def _refuse(**options: Any) -> None:
    for name, value in options.items():
        if value:
            raise NotImplementedError(f"onnx.export: {name}={value!r}: there is nothing of this kind here")


def _check_options(
    artifacts_dir: Any, operator_export_type: Any, do_constant_folding: bool, autograd_inlining: bool
) -> None:
    if os.fspath(artifacts_dir) != ".":
        raise NotImplementedError("onnx.export: artifacts_dir: nothing but the file is written")
    if operator_export_type is not OperatorExportTypes.ONNX:
        raise NotImplementedError(
            f"onnx.export: operator_export_type={operator_export_type}: only ONNX is there"
        )
    if not autograd_inlining:
        raise NotImplementedError(
            "onnx.export: autograd_inlining=False: functions are always their operations"
        )
    if not do_constant_folding:
        warnings.warn(
            "onnx.export: do_constant_folding=False: what depends on no input is a constant all the same",
            OnnxExporterWarning,
            stacklevel=3,
        )


def _opset(version: int | None) -> int:
    opset = _OPSETS[-1] if version is None else version
    if opset not in _OPSETS:
        raise ValueError(f"onnx.export: opset_version={version}: {_OPSETS[0]} to {_OPSETS[-1]} are written")
    return opset


@contextlib.contextmanager
def _mode(model: Any, training: TrainingMode) -> Iterator[None]:
    """The wanted mode, with the modes and the buffers put back at the end."""
    if not isinstance(model, Module):
        yield
        return
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    if training is not TrainingMode.PRESERVE:
        model.train(training is TrainingMode.TRAINING)
    try:
        yield
    finally:
        for module, was_training in modes:
            module.training = was_training
        with tinytensor.no_grad():
            for buffer, value in buffers:
                if not tinytensor.equal(buffer, value):
                    buffer.copy_(value)


# ---------------------------------------------------------------- arguments


def _arguments(args: Any, kwargs: dict[str, Any] | None) -> tuple[tuple, dict[str, Any]]:
    """Positional and keyword arguments; a dictionary at the end of the first stands for the second."""
    from tinytensor.onnx._recording import changed

    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if kwargs is None and args and isinstance(args[-1], dict):
        args, kwargs = args[:-1], args[-1]
    seen: set[int] = set()

    def apart(tensor: Tensor) -> Tensor:
        """A tensor given twice is two inputs."""
        if id(tensor) in seen:
            return tensor.detach()
        seen.add(id(tensor))
        return tensor

    return changed(apart, args), changed(apart, kwargs or {})


def _forward(model: Callable) -> Callable:
    return model.forward if isinstance(model, Module) else model


def bound_arguments(model: Callable, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by the names of the parameters; `*args` give one name per argument."""
    try:
        bound = inspect.signature(_forward(model)).bind(*args, **kwargs)
    except ValueError:  # a function of the core tells of no signature
        return {**{f"input_{place}": one for place, one in enumerate(args)}, **kwargs}
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            named |= {f"{name}_{place}": one for place, one in enumerate(value)}
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        else:
            named[name] = value
    return named


def _paths(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors in an argument, with names."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _paths(f"{name}_{key}", one)
    elif isinstance(value, (tuple, list)):
        for place, one in enumerate(value):
            yield from _paths(f"{name}_{place}", one)


def _input_names(
    model: Callable, args: tuple, kwargs: dict[str, Any], wanted: Sequence[str] | None
) -> dict[str, Tensor]:
    found = [
        pair for name, value in bound_arguments(model, args, kwargs).items() for pair in _paths(name, value)
    ]
    names = list(wanted or ())
    if len(names) > len(found):
        raise ValueError(
            f"onnx.export: {len(names)} input_names for {len(found)} tensors among the arguments"
        )
    names += [name for name, _ in found[len(names) :]]
    if len(set(names)) != len(names):
        raise ValueError(f"onnx.export: two inputs have the same name: {names}")
    return {name: tensor for name, (_, tensor) in zip(names, found)}


# ---------------------------------------------------------------- the recording


def _named_tensors(model: Any) -> dict[str, Tensor]:
    if not isinstance(model, Module):
        return {}
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _recorded(
    model: Callable,
    args: tuple,
    kwargs: dict[str, Any],
    inputs: dict[str, Tensor],
    output_names: list[str],
    opset: int,
    axes: Axes,
    optimize: bool,
) -> ONNXProgram:
    """With other second sizes where the first ones do not suit the program."""
    problem: Exception | None = None
    for second in second_sizes(inputs, axes):
        try:
            return _record(model, args, kwargs, inputs, output_names, opset, axes, second, optimize)
        except UnsuitableSizeError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _record(
    model: Callable,
    args: tuple,
    kwargs: dict[str, Any],
    inputs: dict[str, Tensor],
    output_names: list[str],
    opset: int,
    axes: Axes,
    second: dict[str, Tensor],
    optimize: bool,
) -> ONNXProgram:
    from tinytensor.onnx._recording import Recorder, changed

    parameters = _named_tensors(model)
    graph = Graph(opset, parameters)
    for name in (*inputs, *output_names, *parameters):
        graph.unused_name(name)
    recorder = Recorder(graph, any(axes.inputs.values()))
    stand_ins = {id(tensor): recorder.input(name, tensor, second[name]) for name, tensor in inputs.items()}
    placed, named = changed(lambda one: stand_ins.get(id(one), one), (args, kwargs))
    ports = [Port(name, tensor.dtype, axes.shape_of(name, tensor.shape)) for name, tensor in inputs.items()]
    with recorder.recording(), _random_numbers_kept(graph):
        outputs = _outputs(graph, model(*placed, **named), output_names, axes)
    if optimize:
        graph.keep_only_used(port.name for port in outputs)
    return ONNXProgram(
        graph, type(model).__name__ if isinstance(model, Module) else "main_graph", ports, outputs
    )


@contextlib.contextmanager
def _random_numbers_kept(graph: Graph) -> Iterator[None]:
    """The generator is as it was; random numbers that became constants are told of."""
    state = tinytensor.get_rng_state()
    try:
        yield
        if not graph.random and not tinytensor.equal(state, tinytensor.get_rng_state()):
            warnings.warn(
                "onnx.export: random numbers that the program drew without a tensor are constants in the file",
                OnnxExporterWarning,
                stacklevel=6,
            )
    finally:
        tinytensor.set_rng_state(state)


def _outputs(graph: Graph, result: Any, names: list[str], axes: Axes) -> list[Port]:
    from tinytensor.onnx._recording import Recorded, sizes_in_both, tensors_in

    tensors = tensors_in(list(result.values()) if isinstance(result, dict) else result)
    if not tensors:
        raise OnnxExporterError(f"onnx.export: the model returns no tensors but {type(result).__name__}")
    if len(names) > len(tensors):
        raise ValueError(
            f"onnx.export: {len(names)} output_names for {len(tensors)} tensors among the results"
        )
    graph.operator = "the result"
    ports: list[Port] = []
    for place, tensor in enumerate(tensors):
        if isinstance(tensor, Recorded):
            tensor.check(graph)
        wanted = names[place] if place < len(names) else None
        name = graph.name_outside(graph.name(tensor), wanted, {port.name for port in ports})
        ports.append(Port(name, tensor.dtype, axes.output_shape(name, sizes_in_both(tensor))))
    return ports
