"""`gradcheck` and `gradgradcheck`: derivatives against central differences.

With J the Jacobian of outputs by inputs, the full check compares every entry of J. The fast check draws
random directions u and v and compares the number v^T J u, which costs two calls of the function instead
of two per input element.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import tinytensor
from tinytensor.autograd.function import Function

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative that is wrong, undefined where it must not be, or not the same twice."""


class _Options(NamedTuple):
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_undefined_grad: bool
    check_grad_dtypes: bool
    fast_mode: bool


def gradcheck(
    func: Callable,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of `func(*inputs)` with central differences of step `eps`, by
    `|analytical - numerical| <= atol + rtol * |numerical|`. Use float64 inputs: the step is too small for
    anything shorter. Returns True; a difference raises GradcheckError, or returns False without
    `raise_exception`. `nondet_tol` is how far two backward passes may differ.
    """
    _refuse_unsupported(
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
        masked=masked,
    )
    if not check_backward_ad:
        raise ValueError("gradcheck: check_backward_ad=False leaves nothing to check")
    options = _Options(eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes, fast_mode)
    arguments = (inputs,) if isinstance(inputs, tinytensor.Tensor) else tuple(inputs)
    try:
        _check(func, arguments, options)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check the derivatives of the gradients of `func(*inputs)`, by the inputs and by `grad_outputs`, which
    are random unless given.
    """
    _refuse_unsupported(check_fwd_over_rev=check_fwd_over_rev, masked=masked)
    if not check_rev_over_rev:
        raise ValueError("gradgradcheck: check_rev_over_rev=False leaves nothing to check")
    arguments = (inputs,) if isinstance(inputs, tinytensor.Tensor) else tuple(inputs)
    outputs = _differentiable(func(*arguments))
    if grad_outputs is None:
        with tinytensor.random.fork_rng(devices=[]):
            starts = tuple(_random_start(output, gen_non_contig_grad_outputs) for output in outputs)
    else:
        starts = (grad_outputs,) if isinstance(grad_outputs, tinytensor.Tensor) else tuple(grad_outputs)

    count = len(arguments)

    def gradients(*everything: Any) -> tuple:
        values, directions = everything[:count], everything[count:]
        targets = tuple(value for value in values if _requires_grad(value))
        results = tinytensor.autograd.grad(
            _differentiable(func(*values)), targets, directions, create_graph=True, allow_unused=True
        )
        return tuple(result for result in results if result is not None)

    return gradcheck(
        gradients,
        arguments + starts,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
    )


def _refuse_unsupported(**options: Any) -> None:
    for name, value in options.items():
        if value:
            raise NotImplementedError(f"gradcheck: {name}={value} is not supported")


def _requires_grad(value: Any) -> bool:
    return isinstance(value, tinytensor.Tensor) and value.requires_grad


def _differentiable(result: Any) -> tuple:
    results = result if isinstance(result, (tuple, list)) else (result,)
    return tuple(item for item in results if _requires_grad(item))


def _random_start(output: Any, spread_out: bool) -> Any:
    if not spread_out:
        return tinytensor.randn_like(output).requires_grad_()
    doubled = tinytensor.stack([tinytensor.randn_like(output)] * 2, -1)
    return doubled.select(-1, 0).detach().requires_grad_()


def _check(func: Callable, arguments: tuple, options: _Options) -> None:
    indices = [index for index, argument in enumerate(arguments) if _requires_grad(argument)]
    if not indices:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, "
            "but none of them have requires_grad=True."
        )
    for index in indices:
        _check_input(index, arguments[index])

    outputs = _differentiable(func(*arguments))
    sources = tuple(arguments[index] for index in indices)
    if not outputs:
        _check_constant(func, arguments, indices, options)
        return
    check_derivatives = _check_directions if options.fast_mode else _check_jacobians
    check_derivatives(func, arguments, indices, options)
    if options.check_grad_dtypes:
        _check_gradient_dtypes(outputs, sources)
    if options.check_undefined_grad:
        _check_undefined(func, arguments, sources)


def _check_input(index: int, tensor: Any) -> None:
    if tensor.dtype != tinytensor.float64:
        warnings.warn(
            f"gradcheck: input {index} is {tensor.dtype}; differences are reliable only in float64",
            stacklevel=4,
        )
    for size, stride in zip(tensor.shape, tensor.stride()):
        if stride == 0 and size > 1:
            raise RuntimeError(
                f"gradcheck: input {index} has a dimension with stride 0, so that one number stands for "
                "several elements; pass a contiguous copy"
            )


# ---------------------------------------------------------------- every entry of the Jacobian


def _check_jacobians(func: Callable, arguments: tuple, indices: list[int], options: _Options) -> None:
    sources = tuple(arguments[index] for index in indices)
    analytical = _analytical_jacobians(func, arguments, sources)
    repeated = _analytical_jacobians(func, arguments, sources)
    for position, (first, second) in enumerate(zip(analytical, repeated)):
        _check_repeatable(first, second, position, options)
    for column, index in enumerate(indices):
        expected = _numerical_jacobians(func, arguments, index, options.eps)
        for position, (found, wanted) in enumerate(zip(analytical, expected)):
            if not tinytensor.allclose(found[column], wanted, options.rtol, options.atol):
                raise GradcheckError(_mismatch(position, index, found[column], wanted))


def _numerical_jacobians(func: Callable, arguments: tuple, index: int, eps: float) -> list:
    """One matrix per output: rows are the elements of input `index`, columns those of the output."""
    data = arguments[index].data
    rows: list[list] = []
    for place in map(tuple, tinytensor.ones(data.shape).nonzero().tolist()):
        before = data[place].item()
        data[place] = before + eps
        upper = _flat_outputs(func, arguments)
        data[place] = before - eps
        lower = _flat_outputs(func, arguments)
        data[place] = before
        rows.append([(above - below) / (2 * eps) for above, below in zip(upper, lower)])
    if rows:
        return [tinytensor.stack(column) for column in zip(*rows)]
    return [output.new_zeros(0, output.numel()) for output in _flat_outputs(func, arguments)]


def _flat_outputs(func: Callable, arguments: tuple) -> list:
    # Recording stays on, because the outputs to be checked are those that require grad.
    return [output.detach().clone().reshape(-1) for output in _differentiable(func(*arguments))]


def _analytical_jacobians(func: Callable, arguments: tuple, sources: tuple) -> list[list]:
    """The same matrices from backward passes, by output and then by input."""
    jacobians = []
    for output in _differentiable(func(*arguments)):
        columns: list[list] = [[] for _ in sources]
        for element in range(output.numel()):
            start = tinytensor.zeros_like(output).detach().reshape(-1)
            start[element] = 1
            grads = _gradients(output, sources, start.reshape(output.shape))
            for column, gradient in zip(columns, grads):
                column.append(gradient)
        jacobians.append(
            [
                tinytensor.stack(column, 1) if column else source.new_zeros(source.numel(), 0)
                for column, source in zip(columns, sources)
            ]
        )
    return jacobians


def _gradients(output: Any, sources: tuple, start: Any) -> list:
    grads = tinytensor.autograd.grad(output, sources, start, retain_graph=True, allow_unused=True)
    return [_as_column(gradient, source) for gradient, source in zip(grads, sources)]


def _as_column(gradient: Any, source: Any) -> Any:
    if gradient is None:
        return tinytensor.zeros_like(source).detach().reshape(-1)
    return gradient.detach().reshape(-1)


def _check_repeatable(first: list, second: list, position: int, options: _Options) -> None:
    for one, other in zip(first, second):
        if one.numel() and (one - other).abs().max().item() > options.nondet_tol:
            raise GradcheckError(
                f"gradcheck: two backward passes through output {position} differ by more than "
                f"nondet_tol={options.nondet_tol}\nfirst: {one}\nsecond: {other}"
            )


def _mismatch(position: int, index: int, found: Any, expected: Any) -> str:
    return (
        f"Jacobian mismatch for output {position} with respect to input {index},\n"
        f"numerical:{expected}\nanalytical:{found}\n"
        f"largest difference: {(found - expected).abs().max().item():g}"
    )


# ---------------------------------------------------------------- one random number of the Jacobian


def _check_directions(func: Callable, arguments: tuple, indices: list[int], options: _Options) -> None:
    outputs = _differentiable(func(*arguments))
    sources = tuple(arguments[index] for index in indices)
    with tinytensor.random.fork_rng(devices=[]):
        starts = [_direction(output) for output in outputs]
        steps = [_direction(source) for source in sources]
    slopes = [
        _numerical_slopes(func, arguments, index, starts, step, options.eps)
        for index, step in zip(indices, steps)
    ]
    for position, (output, start) in enumerate(zip(outputs, starts)):
        columns = _gradients(output, sources, start)
        _check_repeatable(columns, _gradients(output, sources, start), position, options)
        for index, step, column, slope in zip(indices, steps, columns, slopes):
            found, expected = (column * step.reshape(-1)).sum(), slope[position]
            # v^T J u sums |v_i| |u_j| times the entries, so an error of atol in each of them grows as much.
            atol = options.atol * max(1.0, start.sum().item() * step.sum().item())
            if not tinytensor.allclose(found, expected, options.rtol, atol):
                # The full check names the wrong entries; should it find none, the direction is reported.
                _check_jacobians(func, arguments, indices, options)
                raise GradcheckError(_mismatch(position, index, found, expected))


def _direction(like: Any) -> Any:
    direction = tinytensor.rand_like(like).detach() + 0.1
    return direction / direction.square().sum().sqrt()


def _numerical_slopes(
    func: Callable, arguments: tuple, index: int, starts: list, step: Any, eps: float
) -> list:
    """For every output, how fast its product with `start` grows along `step` in input `index`."""
    data = arguments[index].data
    before = data.clone()
    data.copy_(before + eps * step)
    upper = _flat_outputs(func, arguments)
    data.copy_(before - eps * step)
    lower = _flat_outputs(func, arguments)
    data.copy_(before)
    return [
        ((above - below) / (2 * eps) * start.reshape(-1)).sum()
        for above, below, start in zip(upper, lower, starts)
    ]


# ---------------------------------------------------------------- further checks


def _check_constant(func: Callable, arguments: tuple, indices: list[int], options: _Options) -> None:
    """No output requires grad: then none may depend on an input that does."""
    for index in indices:
        data = arguments[index].data
        if not data.numel():
            continue
        before = data.clone()
        outputs = _tensors(func(*arguments))
        kept = [output.detach().clone() for output in outputs]
        data.add_(options.eps)
        moved = _tensors(func(*arguments))
        data.copy_(before)
        for position, (one, other) in enumerate(zip(kept, moved)):
            if one.is_floating_point() and ((other - one) / options.eps).abs().max().item() > options.atol:
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero: output {position} does not "
                    f"require grad, but changes with input {index}"
                )


def _tensors(result: Any) -> list:
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [item for item in results if isinstance(item, tinytensor.Tensor) and item.numel()]


def _check_gradient_dtypes(outputs: tuple, sources: tuple) -> None:
    grads = tinytensor.autograd.grad(
        outputs, sources, [tinytensor.ones_like(output) for output in outputs], allow_unused=True
    )
    for source, gradient in zip(sources, grads):
        if gradient is not None and gradient.dtype != source.dtype:
            raise GradcheckError(
                f"gradcheck: the gradient of a {source.dtype} input has dtype {gradient.dtype}"
            )


class _WithoutGradient(Function):
    """Identity whose backward gives None for the chosen output."""

    @staticmethod
    def forward(ctx: Any, chosen: int, *tensors: Any) -> tuple:
        ctx.chosen = chosen
        return tuple([tensor.clone() for tensor in tensors])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple:
        return (None, *[None if index == ctx.chosen else gradient for index, gradient in enumerate(grads)])


def _check_undefined(func: Callable, arguments: tuple, sources: tuple) -> None:
    """Backward must accept an undefined gradient of any output, as if it were zero."""
    count = len(_differentiable(func(*arguments)))
    for chosen in range(count):
        outputs = _differentiable(func(*arguments))
        starts = [tinytensor.ones_like(output) for output in outputs]
        zeroed = [start * (index != chosen) for index, start in enumerate(starts)]
        try:
            undefined = tinytensor.autograd.grad(
                _WithoutGradient.apply(chosen, *outputs),
                sources,
                starts,
                allow_unused=True,
                retain_graph=True,
            )
            zero = tinytensor.autograd.grad(outputs, sources, zeroed, allow_unused=True)
        except (AttributeError, RuntimeError, TypeError) as error:
            raise GradcheckError(
                f"gradcheck: backward of output {chosen} fails on an undefined (None) gradient: {error}"
            ) from error
        for one, other, source in zip(undefined, zero, sources):
            if not tinytensor.equal(_as_column(one, source), _as_column(other, source)):
                raise GradcheckError(
                    f"gradcheck: an undefined gradient of output {chosen} is not treated as zero, "
                    f"got {one} and not {other}"
                )
