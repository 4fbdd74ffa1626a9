"""Whole derivatives of a function: Jacobians, Hessians and their products with vectors.

Every function here takes `func` with the tensors, or tuple of tensors, to differentiate by. With
`create_graph` the results can be differentiated again; with `strict` an output that does not depend on an
input, which otherwise counts as a derivative of zero, is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinytensor
from tinytensor.autograd.grad_mode import enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def vjp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)` and the product v^T J of `v`, shaped like the outputs, with the Jacobian J.

    `v` may be left out for a single output of one element.
    """
    with enable_grad():
        sources, in_tuple = _prepared_inputs("vjp", inputs, create_graph)
        outputs, out_tuple = _outputs("vjp", func, sources)
        _require_dependence("vjp", outputs, strict)
        start = _vector("vjp", v, outputs, "output")
        products = _gradients(outputs, sources, start, create_graph)
        products = _completed("vjp", products, sources, strict, create_graph)
    return _released(outputs, out_tuple, create_graph), _released(products, in_tuple, create_graph)


def jvp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)` and the product J v of the Jacobian J with `v`, shaped like the inputs.

    `v` may be left out for a single input of one element.
    """
    with enable_grad():
        sources, _ = _prepared_inputs("jvp", inputs, create_graph)
        direction = _vector("jvp", v, sources, "input")
        outputs, out_tuple = _outputs("jvp", func, sources)
        _require_dependence("jvp", outputs, strict)
        # w^T J is linear in w, so its derivative by w in the direction v is J v.
        weights = tuple(tinytensor.zeros_like(output, requires_grad=True) for output in outputs)
        weighted = _gradients(outputs, sources, weights, True)
        weighted = _completed("jvp", weighted, sources, strict, True)
        products = _gradients(weighted, weights, direction, create_graph)
        products = _completed("jvp", products, outputs, strict, create_graph)
    return _released(outputs, out_tuple, create_graph), _released(products, out_tuple, create_graph)


def jacobian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian: `J[i][j]` has the shape of output i followed by that of input j. Tuples of outputs
    and inputs nest in that order, single ones do not. One backward pass per output element is run, also
    with `vectorize`, which changes no result.
    """
    if strategy != "reverse-mode":
        raise NotImplementedError(f"jacobian: strategy must be 'reverse-mode', got {strategy!r}")
    if vectorize and strict:
        raise RuntimeError("jacobian: strict=True is not supported together with vectorize=True")
    with enable_grad():
        sources, in_tuple = _prepared_inputs("jacobian", inputs, create_graph)
        outputs, out_tuple = _outputs("jacobian", func, sources)
        _require_dependence("jacobian", outputs, strict)
        blocks = tuple(_jacobian_of_output(output, sources, create_graph, strict) for output in outputs)
    rows = tuple(_released(block, in_tuple, create_graph) for block in blocks)
    return rows if out_tuple else rows[0]


def hessian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the second derivatives of a `func` with a single output of one element.

    `H[i][j]` has the shape of input i followed by that of input j.
    """
    in_tuple = isinstance(inputs, tuple)

    def gradient(*sources: Any) -> Any:
        output = _single_output("hessian", func, sources)
        _require_dependence("hessian", (output,), strict)
        grads = _gradients((output,), sources, (None,), True)
        return _completed("hessian", grads, sources, strict, True)

    blocks = jacobian(
        gradient,
        inputs,
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )
    return blocks if in_tuple else blocks[0]


def vhp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)`, a single output of one element, and the product v^T H with its Hessian H."""
    with enable_grad():
        sources, in_tuple = _prepared_inputs("vhp", inputs, create_graph)
        direction = _vector("vhp", v, sources, "input")
        output, first = _value_and_gradient("vhp", func, sources, strict)
        products = _gradients(first, sources, direction, create_graph)
        products = _completed("vhp", products, sources, strict, create_graph)
    return _released((output,), False, create_graph), _released(products, in_tuple, create_graph)


def hvp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)`, a single output of one element, and the product H v with its Hessian H. `vhp`
    gives the same numbers, as H is symmetric for smooth functions, at a lower cost.
    """
    with enable_grad():
        sources, in_tuple = _prepared_inputs("hvp", inputs, create_graph)
        direction = _vector("hvp", v, sources, "input")
        output, first = _value_and_gradient("hvp", func, sources, strict)
        # As in jvp, with the gradient for a function: w^T H is linear in w.
        weights = tuple(tinytensor.zeros_like(source, requires_grad=True) for source in sources)
        weighted = _gradients(first, sources, weights, True)
        weighted = _completed("hvp", weighted, sources, strict, True)
        products = _gradients(weighted, weights, direction, create_graph)
        products = _completed("hvp", products, sources, strict, create_graph)
    return _released((output,), False, create_graph), _released(products, in_tuple, create_graph)


# ---------------------------------------------------------------- inputs, outputs, vectors


def _tensor_tuple(caller: str, what: str, value: Any) -> tuple[tuple, bool]:
    is_tuple = isinstance(value, tuple)
    tensors = value if is_tuple else (value,)
    for position, tensor in enumerate(tensors):
        if not isinstance(tensor, tinytensor.Tensor):
            raise TypeError(
                f"{caller}: {what} must be a Tensor or a tuple of Tensors, got {type(tensor).__name__} "
                f"at position {position}"
            )
    return tensors, is_tuple


def _prepared_inputs(caller: str, inputs: Any, create_graph: bool) -> tuple[tuple, bool]:
    """Inputs that require grad and stand for the given ones alone: the caller's own graph stays untouched."""
    tensors, is_tuple = _tensor_tuple(caller, "inputs", inputs)
    if create_graph:
        # An alias keeps the link to the caller's graph, which the results must lead back to.
        prepared = [
            tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
            for tensor in tensors
        ]
    else:
        prepared = [tensor.detach().requires_grad_() for tensor in tensors]
    return tuple(prepared), is_tuple


def _outputs(caller: str, func: Callable, sources: tuple) -> tuple[tuple, bool]:
    return _tensor_tuple(caller, "the result of func", func(*sources))


def _single_output(caller: str, func: Callable, sources: tuple) -> Any:
    outputs, is_tuple = _outputs(caller, func, sources)
    if is_tuple or outputs[0].numel() != 1:
        got = f"a tuple of {len(outputs)}" if is_tuple else f"shape {tuple(outputs[0].shape)}"
        raise RuntimeError(f"{caller}: func must return a single Tensor with a single element, got {got}")
    return outputs[0]


def _vector(caller: str, v: Any, like: tuple, what: str) -> tuple:
    """`v` as a tuple shaped like `like`, or ones in its place if there is a single element."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"{caller}: v can be left out only for a single {what} with a single element")
        return (tinytensor.ones_like(like[0]).detach(),)
    vectors, _ = _tensor_tuple(caller, "v", v)
    if len(vectors) != len(like):
        raise RuntimeError(f"{caller}: v must have one entry per {what}, got {len(vectors)} for {len(like)}")
    for position, (vector, tensor) in enumerate(zip(vectors, like)):
        if vector.shape != tensor.shape:
            raise RuntimeError(
                f"{caller}: entry {position} of v has shape {tuple(vector.shape)}, "
                f"but the {what} has shape {tuple(tensor.shape)}"
            )
    return vectors


# ---------------------------------------------------------------- derivatives


def _gradients(outputs: tuple, sources: tuple, starts: tuple, create_graph: bool) -> tuple:
    """Gradients of the outputs that are part of a graph; None where there is no dependence."""
    pairs = [(output, start) for output, start in zip(outputs, starts) if output.requires_grad]
    if not pairs:
        return (None,) * len(sources)
    reached, weights = zip(*pairs)
    return tinytensor.autograd.grad(reached, sources, weights, create_graph=create_graph, allow_unused=True)


def _value_and_gradient(caller: str, func: Callable, sources: tuple, strict: bool) -> tuple[Any, tuple]:
    output = _single_output(caller, func, sources)
    _require_dependence(caller, (output,), strict)
    grads = _gradients((output,), sources, (None,), True)
    return output, _completed(caller, grads, sources, strict, True)


def _jacobian_of_output(output: Any, sources: tuple, create_graph: bool, strict: bool) -> tuple:
    """For each input, the derivatives of every element of `output`, in the shape output + input."""
    rows: list[list] = [[] for _ in sources]
    for element in output.reshape(-1).unbind(0):
        grads: tuple = (None,) * len(sources)
        if element.requires_grad:
            grads = tinytensor.autograd.grad(
                element, sources, retain_graph=True, create_graph=create_graph, allow_unused=True
            )
        for row, gradient in zip(rows, _completed("jacobian", grads, sources, strict, create_graph)):
            row.append(gradient)
    return tuple(
        tinytensor.stack(row).reshape(output.shape + source.shape)
        if row
        else source.new_zeros(output.shape + source.shape)
        for row, source in zip(rows, sources)
    )


def _require_dependence(caller: str, outputs: tuple, strict: bool) -> None:
    if not strict:
        return
    for position, output in enumerate(outputs):
        if not output.requires_grad:
            raise RuntimeError(f"{caller}: output {position} does not depend on the inputs (strict=True)")


def _completed(caller: str, grads: tuple, like: tuple, strict: bool, create_graph: bool) -> tuple:
    """Zeros in the place of None; with `strict` an error, also if a second derivative will find nothing."""
    for position, gradient in enumerate(grads):
        if strict and gradient is None:
            raise RuntimeError(
                f"{caller}: the derivative with respect to tensor {position} is missing, "
                "there is no dependence (strict=True)"
            )
        if strict and create_graph and not gradient.requires_grad:
            raise RuntimeError(
                f"{caller}: the derivative with respect to tensor {position} does not depend on the inputs "
                "(strict=True)"
            )
    return tuple(
        tinytensor.zeros_like(tensor).detach() if gradient is None else gradient
        for gradient, tensor in zip(grads, like)
    )


def _released(results: tuple, is_tuple: bool, create_graph: bool) -> Any:
    """The results as the caller gave its tensors, single or in a tuple; without history unless wanted."""
    if not create_graph:
        results = tuple(result.detach() for result in results)
    return results if is_tuple else results[0]
