"""Automatic differentiation: `backward`, `grad`, grad modes, custom functions and checks.

The backward pass itself is one primitive of the core:

    results = _C._run_backward(
        outputs,        # tuple[Tensor, ...]: where the pass starts
        grads,          # tuple[Tensor | None, ...]: their gradients; None stands for ones
        retain_graph,   # bool: keep the saved values for another pass
        create_graph,   # bool: record the pass itself
        inputs,         # tuple[Tensor, ...], or None for every leaf that is reached
        allow_unused,   # bool: None in the results, not an error, for an input that is not reached
        accumulate,     # bool: True adds to the `.grad` of inputs and returns None,
    )                   #       False returns a tuple with one gradient per input

The entries of `grads` have the shapes of their outputs, and only an output of one element has None;
whether an output takes part in a graph at all is for the primitive to check.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor import _C
from tinytensor.autograd import anomaly_mode, function, functional, grad_mode, graph, variable
from tinytensor.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
from tinytensor.autograd.function import Function
from tinytensor.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from tinytensor.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from tinytensor.autograd.variable import Variable

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "variable",
]


def __getattr__(name: str) -> Any:
    if name in ("profiler", "profiler_util"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; docs/compatibility.md tells what there is"
    )


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add to the `.grad` of every leaf the gradient of the sum of `tensors`. A tensor of more than one
    element needs its own gradient in `grad_tensors`. With `inputs`, only their `.grad` is changed.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "backward: grad_variables is the old name of grad_tensors; pass only one of them"
            )
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2
        )
        grad_tensors = grad_variables

    wanted = None if inputs is None else _as_tuple(inputs)
    if wanted is not None and not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    outputs = _as_tuple(tensors)
    grads = _initial_gradients("backward", outputs, grad_tensors)
    keep = create_graph if retain_graph is None else retain_graph
    _C._run_backward(outputs, grads, keep, create_graph, wanted, True, True)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple:
    """Return the gradients of the sum of `outputs`, each weighted by its entry of `grad_outputs`, as a tuple
    with one per input. An input that was not used is an error, gets None (`allow_unused`) or zeros
    (`materialize_grads`).
    """
    if is_grads_batched:
        raise NotImplementedError(
            "grad: is_grads_batched is not supported; call grad once per row of grad_outputs"
        )
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False."
        )
    if not only_inputs:
        warnings.warn(
            "grad: only_inputs=False has no effect; use backward to accumulate into other leaves",
            FutureWarning,
            stacklevel=2,
        )
    wanted = _as_tuple(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    starts = _as_tuple(outputs)
    grads = _initial_gradients("grad", starts, grad_outputs)
    keep = create_graph if retain_graph is None else retain_graph
    results = _C._run_backward(
        starts, grads, keep, create_graph, wanted, materialize_grads or bool(allow_unused), False
    )
    if not materialize_grads:
        return results
    return tuple(
        tinytensor.zeros_like(source, requires_grad=create_graph) if result is None else result
        for source, result in zip(wanted, results)
    )


def _as_tuple(tensors: Any) -> tuple:
    return (tensors,) if isinstance(tensors, tinytensor.Tensor) else tuple(tensors)


def _initial_gradients(caller: str, outputs: tuple, grads: Any) -> tuple:
    """One gradient, or None for ones, per output, from the tensor or sequence `grads`."""
    if grads is None:
        given: Sequence = (None,) * len(outputs)
    else:
        given = _as_tuple(grads)
        if len(given) != len(outputs):
            raise RuntimeError(f"{caller}: got {len(outputs)} tensors and {len(given)} gradients")
    for position, (output, start) in enumerate(zip(outputs, given)):
        if start is None:
            _check_implicit_gradient(output)
        elif not isinstance(start, tinytensor.Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(start).__name__}")
        elif start.shape != output.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{position}] has a shape of {start.shape} "
                f"and output[{position}] has a shape of {output.shape}."
            )
    return tuple(given)


def _check_implicit_gradient(output: Any) -> None:
    if not output.requires_grad:
        return
    if output.numel() != 1:
        raise RuntimeError(
            "grad can be implicitly created only for scalar outputs, "
            f"but this one has shape {tuple(output.shape)}; pass a gradient of that shape, "
            "or reduce it to one number first with .sum() or .mean()"
        )
