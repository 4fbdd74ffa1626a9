"""`Function`: operations whose forward and backward are written in Python.

Running forward, collecting what the context was told and checking what backward returned is done here.
The graph node is made by one primitive of the core:

    outputs, saved = _C._record_function(
        name,                # str: what `grad_fn.name()` says
        context,             # object: owned by the node, dropped with it
        inputs,              # tuple[Tensor, ...]: the tensors among apply's arguments, in order
        outputs,             # tuple[Tensor, ...]: the tensors among forward's results, in order
        dirty,               # tuple[Tensor, ...]: inputs that forward changed; each is among outputs
        non_differentiable,  # tuple[Tensor, ...]: outputs that carry no gradient
        to_save,             # tuple[Tensor | None, ...]
        materialize_grads,   # bool: hand zeros, not None, for an output without a gradient
        backward,            # callable: backward(context, *grads), one Tensor or None per entry of outputs,
    )                        #   returns a tuple of one Tensor or None per entry of inputs

It is called with grad mode as the caller of apply had it. Only when that is on and an input requires grad
is a node made; otherwise `saved` is None and the outputs carry no history. What it must see to:

* an output that is an input and is not dirty is returned as a fresh alias (without a node: only if it
  requires grad, and then as a detached one), so that forward may return its argument;
* a dirty tensor's version rises, its history becomes the new node, and one that is a leaf requiring grad
  raises RuntimeError; a dirty view of a recorded base is handled as any in-place operation on it;
* outputs in `non_differentiable`, or of a dtype that has no gradient, do not require grad, but backward
  still gets an entry for each of them;
* `saved.unpack()` returns the values of `to_save`: an input as it was, an output with this node as its
  grad_fn though the node does not own it, None as None. It raises RuntimeError once the graph was freed,
  or if a value was changed in place since. Hooks on saved values apply. The engine frees the values after
  a backward that does not retain the graph;
* backward runs with grad mode on if, and only if, the backward pass itself is being recorded; its results
  are checked for shape, and cast to dtype, as those of any other node;
* attribute look-ups that a node does not know go to `context` (`y.grad_fn.scale`).
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import tinytensor
from tinytensor import _C
from tinytensor.autograd.grad_mode import no_grad

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What forward leaves for backward: tensors through `save_for_backward`, anything else as attributes."""

    needs_input_grad: tuple[bool, ...]
    _forward_cls: type[Function]
    _to_save: tuple = ()
    _saved: Any = None
    _dirty: tuple = ()
    _non_differentiable: tuple = ()
    _materialize_grads: bool = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for backward, where `ctx.saved_tensors` returns them in the same order.

        Unlike attributes they are checked for in-place changes and freed with the graph. Call it once.
        """
        for position, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, tinytensor.Tensor):
                raise TypeError(
                    "save_for_backward can only save variables, "
                    f"but argument {position} is of type {type(tensor).__name__}"
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple:
        """The tensors given to `save_for_backward`."""
        return () if self._saved is None else self._saved.unpack()

    @property
    def saved_variables(self) -> tuple:
        """Old name of `saved_tensors`."""
        warnings.warn(
            "'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2
        )
        return self.saved_tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for `jvp`, as `ctx.saved_for_forward`."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Any) -> None:
        """Declare the inputs that forward changes in place; they must also be returned."""
        self._dirty = args

    def mark_non_differentiable(self, *args: Any) -> None:
        """Declare the outputs that carry no gradient."""
        self._non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """False: backward gets None, not zeros, for an output whose gradient is not defined."""
        self._materialize_grads = bool(value)


class _FunctionMeta(type):
    """Gives every Function its class of contexts, whose name is the name of the graph node."""

    _backward_cls: type

    def __init__(cls, name: str, bases: tuple, namespace: dict) -> None:
        super().__init__(name, bases, namespace)
        cls._backward_cls = type(name + "Backward", (FunctionCtx,), {"_forward_cls": cls})


class Function(FunctionCtx, metaclass=_FunctionMeta):
    """An operation with its own derivative: subclass it, and call it through `apply`.

        >>> class Exp(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = x.exp()
        ...         ctx.save_for_backward(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         y, = ctx.saved_tensors
        ...         return grad * y
        >>> y = Exp.apply(x)

    `forward` may leave out `ctx` when `setup_context(ctx, inputs, output)` is defined beside it. `backward`
    gets one gradient per output and returns one, or None, per argument of `forward`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self).__name__}: the methods of a Function are static, so it is not instantiated; "
            f"call {type(self).__name__}.apply(...)",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"{type(self).__name__}: a Function is not called through an instance; "
            f"make forward and backward static and call {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """forward(ctx, *args), or forward(*args) with `setup_context`: compute the outputs."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> Any:
        """Leave for backward what it needs, after a `forward` that has no `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return the gradient of every argument of `forward`, given those of its outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function "
            "to use it with backward mode AD."
        )

    # Another name for backward: a subclass defines one of the two.
    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The derivative of forward mode, which this library does not have."""
        raise NotImplementedError("Function: forward-mode derivatives (jvp) are not supported")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on `args` and record backward."""
        has_setup = cls.setup_context is not Function.setup_context
        if has_setup or kwargs:
            args = _in_order(cls, has_setup, args, kwargs)

        ctx = cls._backward_cls()
        tensor_class = tinytensor.Tensor
        ctx._is_tensor = tuple([isinstance(argument, tensor_class) for argument in args])
        ctx.needs_input_grad = tuple(
            [is_tensor and argument.requires_grad for is_tensor, argument in zip(ctx._is_tensor, args)]
        )
        with no_grad():
            if has_setup:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args)

        inputs = tuple([argument for argument in args if isinstance(argument, tensor_class)])
        return _recorded(ctx, inputs, result)


def _in_order(cls: type[Function], has_setup: bool, args: tuple, kwargs: dict) -> tuple:
    """The arguments of forward, without ctx, by position; for setup_context with the defaults filled in."""
    signature = inspect.signature(cls.forward)
    bound = signature.bind(*args, **kwargs) if has_setup else signature.bind(None, *args, **kwargs)
    if has_setup:
        bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(
            f"{cls.__name__}.apply: forward cannot have keyword-only arguments, got {[*bound.kwargs]}"
        )
    return bound.args if has_setup else bound.args[1:]


def _recorded(ctx: Any, inputs: tuple, result: Any) -> Any:
    """Attach the node to the tensors of `result`, and return `result` in the form that forward gave it."""
    results = result if type(result) is tuple else (result,)
    outputs = tuple([item for item in results if isinstance(item, tinytensor.Tensor)])
    for changed in ctx._dirty:
        if not any(changed is output for output in outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. "
                "The inputs that are modified inplace must all be outputs of the Function."
            )
    ctx._is_output = tuple([isinstance(item, tinytensor.Tensor) for item in results])
    recorded, ctx._saved = _C._record_function(
        type(ctx).__name__,
        ctx,
        inputs,
        outputs,
        ctx._dirty,
        ctx._non_differentiable,
        ctx._to_save,
        ctx._materialize_grads,
        _backward,
    )
    # The node keeps what was saved; references held here would escape the checks and outlive the graph.
    ctx._to_save = ctx._dirty = ctx._non_differentiable = ()
    if len(outputs) != len(results):
        remaining = iter(recorded)
        recorded = tuple(
            [next(remaining) if is_tensor else item for is_tensor, item in zip(ctx._is_output, results)]
        )
    return recorded if type(result) is tuple else recorded[0]


def _backward(ctx: Any, *grads: Any) -> tuple:
    """Call the user's backward and return one gradient or None per tensor argument of forward."""
    if len(grads) != len(ctx._is_output):
        remaining = iter(grads)
        grads = tuple([next(remaining) if is_tensor else None for is_tensor in ctx._is_output])
    results = _chosen_backward(ctx._forward_cls)(ctx, *grads)
    if type(results) is not tuple:
        results = (results,)

    name, expected = type(ctx).__name__, len(ctx._is_tensor)
    if any(extra is not None for extra in results[expected:]) or len(results) < expected:
        raise RuntimeError(
            f"function {name} returned an incorrect number of gradients "
            f"(expected {expected}, got {len(results)})"
        )
    wanted = []
    for position, (grad, is_tensor) in enumerate(zip(results, ctx._is_tensor)):
        if is_tensor:
            if grad is not None and not isinstance(grad, tinytensor.Tensor):
                raise RuntimeError(f"function {name}: expected Variable or None (got {type(grad).__name__})")
            wanted.append(grad)
        elif grad is not None:
            raise RuntimeError(
                f"function {name} returned a gradient different than None at position {position + 1}, "
                "but the corresponding forward input was not a Variable"
            )
    return tuple(wanted)


def _chosen_backward(cls: type[Function]) -> Callable:
    if cls.vjp is Function.vjp:
        return cls.backward
    if cls.backward is not Function.backward:
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. "
            "You should only implement one of them."
        )
    return cls.vjp


def once_differentiable(fn: Callable) -> Callable:
    """Decorate a backward that cannot be differentiated: a second derivative raises RuntimeError."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            results = fn(ctx, *grads)
        recording = [grad for grad in grads if isinstance(grad, tinytensor.Tensor) and grad.requires_grad]
        if not recording or not _C.is_grad_enabled():
            return results
        values = results if type(results) is tuple else (results,)
        tensors = [value for value in values if isinstance(value, tinytensor.Tensor)]
        barred = iter(_OnceDifferentiable.apply(len(tensors), *tensors, *recording))
        return tuple([next(barred) if isinstance(value, tinytensor.Tensor) else value for value in values])

    return wrapper


class _OnceDifferentiable(Function):
    """Passes the first `count` tensors on, and stands in the way of backward."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Any) -> tuple:
        return tuple([tensor.detach() for tensor in tensors[:count]])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
