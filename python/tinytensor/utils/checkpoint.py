"""Trading time for memory: what a function computed inside is not kept, but computed again for backward."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tinytensor import random
from tinytensor._C import Tensor
from tinytensor.amp import autocast
from tinytensor.amp.autocast_mode import get_autocast_dtype, is_autocast_enabled
from tinytensor.autograd import Function, backward
from tinytensor.autograd.grad_mode import enable_grad, no_grad
from tinytensor.autograd.graph import saved_tensors_hooks

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "noop_context_fn",
]


class CheckpointError(RuntimeError):
    """The second run of a function did not do what the first one did."""


def noop_context_fn() -> tuple[Any, Any]:
    """Contexts of the first and of the second run that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs: tuple) -> tuple:
    """The same values as leaves, which require gradients as before."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}"
        )
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


def check_backward_validity(inputs: Any) -> None:
    """Warn if no input requires gradients: with `use_reentrant=True` there are none then."""
    if not any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


class _Surroundings:
    """What a run depends on besides its arguments, as it was before the first run."""

    def __init__(self, preserve_rng_state: bool) -> None:
        self.casts = [(kind, is_autocast_enabled(kind), get_autocast_dtype(kind)) for kind in ("cpu", "cuda")]
        generators = [random.default_generator, *random._chosen_generators(None, "cuda")]
        self.seeds = [(generator, generator.get_state()) for generator in generators if preserve_rng_state]

    @contextlib.contextmanager
    def again(self) -> Iterator[None]:
        """Context manager: all that as it was then, and as it is now afterwards."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(random.fork_rng(enabled=bool(self.seeds)))
            for generator, state in self.seeds:
                generator.set_state(state)
            for kind, enabled, dtype in self.casts:
                if enabled or is_autocast_enabled(kind):
                    stack.enter_context(autocast(kind, dtype=dtype, enabled=enabled))
            yield


class CheckpointFunction(Function):
    """The reentrant kind: one node whose backward runs the function and its backward."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable, preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.surroundings = _Surroundings(preserve_rng_state)
        ctx.tensors = [index for index, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.args = [None if isinstance(x, Tensor) else x for x in args]
        ctx.save_for_backward(*(args[index] for index in ctx.tensors))
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        args = list(ctx.args)
        for index, tensor in zip(ctx.tensors, ctx.saved_tensors):
            args[index] = tensor
        leaves = detach_variable(tuple(args))
        with enable_grad(), ctx.surroundings.again():
            outputs = ctx.run_function(*leaves)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [
            (output, gradient)
            for output, gradient in zip(outputs, gradients)
            if isinstance(output, Tensor) and output.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([output for output, _ in pairs], [gradient for _, gradient in pairs])
        return None, None, *(x.grad if isinstance(x, Tensor) else None for x in leaves)


class _Recording:
    """The other kind: saved values of the first run are numbered and dropped, and the second run, at the first
    time that backward asks for one, gives all of them anew.
    """

    def __init__(self, function: Callable, args: tuple, kwargs: dict, check: bool, preserve: bool) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.check = check
        self.surroundings = _Surroundings(preserve)
        self.facts: list[tuple] = []
        self.values: dict[int, Any] = {}

    def _describe(self, tensor: Any) -> tuple:
        return tuple(tensor.shape), tensor.dtype, tensor.device

    def pack(self, tensor: Any) -> int:
        self.facts.append(self._describe(tensor))
        return len(self.facts) - 1

    def unpack(self, number: int) -> Any:
        if number not in self.values:
            self._run_again()
        return self.values.pop(number)

    def _run_again(self) -> None:
        found: list[Any] = []

        def keep(tensor: Any) -> int:
            found.append(tensor.detach())
            return len(found) - 1

        hooks = saved_tensors_hooks(keep, found.__getitem__)
        with enable_grad(), self.surroundings.again(), self.second, hooks:
            self.function(*self.args, **self.kwargs)
        if len(found) != len(self.facts):
            raise CheckpointError(
                "checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation: {len(self.facts)} and {len(found)}"
            )
        for number, (tensor, facts) in enumerate(zip(found, self.facts)):
            if self.check and self._describe(tensor) != facts:
                raise CheckpointError(
                    "checkpoint: Recomputed values have different metadata than during the forward pass: "
                    f"saved tensor {number} was {facts} and is {self._describe(tensor)}"
                )
        self.values = dict(enumerate(found))

    def run(self, context_fn: Callable) -> Any:
        first, self.second = context_fn()
        with first, saved_tensors_hooks(self.pack, self.unpack):
            return self.function(*self.args, **self.kwargs)


def checkpoint(
    function: Callable,
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Run `function(*args, **kwargs)` without keeping what its backward needs; it runs again for backward.

    `use_reentrant=False` keeps to the recorded graph: gradients reach tensors that the function found elsewhere,
    and keyword arguments are allowed. `context_fn` gives the contexts of both runs. The second run starts with the
    random number generators as the first one did, unless `preserve_rng_state=False`. `early_stop` allows the second
    run to stop early, which it does not.
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint: the use_reentrant parameter should be passed explicitly; it is taken to be True",
            stacklevel=2,
        )
        use_reentrant = True
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'] but got {determinism_check}"
        )
    if debug:
        raise NotImplementedError("checkpoint: debug=True needs logs of operations, which are not kept")
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        recording = _Recording(function, args, kwargs, determinism_check == "default", preserve)
        return recording.run(context_fn)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn:
        raise ValueError("Passing `context_fn` is only supported when use_reentrant=False.")
    return CheckpointFunction.apply(function, preserve, *args)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Run modules one after the other, in `segments` parts; all but the last are checkpointed."""
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps: Sequence[Callable] = list(functions.children() if hasattr(functions, "children") else functions)
    if not 1 <= segments <= len(steps):
        raise ValueError(f"checkpoint_sequential: {segments} segments for {len(steps)} functions")

    def part(first: int, last: int) -> Callable:
        def run(value: Any) -> Any:
            for step in steps[first:last]:
                value = step(value)
            return value

        return run

    size = len(steps) // segments
    for first in range(0, size * (segments - 1), size):
        input = checkpoint(
            part(first, first + size), input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
    return part(size * (segments - 1), len(steps))(input)
