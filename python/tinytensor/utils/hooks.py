"""Hooks in ordered dictionaries, and the graph nodes that call a module's backward hooks."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.autograd.function import Function

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """Removes a hook from its dictionary, and from those in `extra_dict` that know it by the same id."""

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extra = () if extra_dict is None else extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(item) for item in extra)

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple:
        if not self.extra_dict_ref:
            return self.hooks_dict_ref(), self.id
        return self.hooks_dict_ref(), self.id, tuple(reference() for reference in self.extra_dict_ref)

    def __setstate__(self, state: tuple) -> None:
        def reference(hooks: Any) -> Any:
            return weakref.ref(OrderedDict() if hooks is None else hooks)

        self.hooks_dict_ref = reference(state[0])
        self.id = state[1]
        self.extra_dict_ref = tuple(reference(hooks) for hooks in (state[2] if len(state) > 2 else ()))
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def unserializable_hook(f: Callable) -> Callable:
    """Mark a hook that is left out of pickles, so that saving warns about it."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn about hooks of a tensor that are lost in a pickle."""
    for hook in (getattr(tensor, "_backward_hooks", None) or {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(f"backward hook {hook!r} on tensor will not be serialized", stacklevel=2)


class BackwardHookFunction(Function):
    """The identity on some tensors: its node is where the hooks of a module are called."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        ctx.mark_non_differentiable(*[x for x in args if not x.requires_grad])
        return args

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        return grad_outputs


def _marked(values: tuple, attach: Callable) -> tuple[tuple, list[int] | None]:
    """Pass the tensors among `values` through one node, hand it to `attach`, and say which ones they were.

    None in place of the indices: nothing is recorded here, and `values` are as they were.
    """
    indices = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    tensors = [values[i] for i in indices]
    if not (_C.is_grad_enabled() and any(x.requires_grad for x in tensors)):
        return values, None

    changed = list(values)
    node = None
    for i, x in zip(indices, BackwardHookFunction.apply(*tensors)):
        changed[i] = x
        node = x.grad_fn if node is None else node
    attach(node)
    # A named tuple stays one.
    make = type(values)._make if hasattr(values, "_make") else type(values)
    return make(changed), indices


def _spread(indices: Iterable[int], values: Iterable, size: int) -> tuple:
    """A tuple of `size` with the values at their indices, and None elsewhere."""
    spread: list = [None] * size
    for i, value in zip(indices, values):
        spread[i] = value
    return tuple(spread)


class BackwardHook:
    """One call of a module with backward hooks: sees gradients of its outputs, then those of its inputs."""

    def __init__(self, module: Any, user_hooks: list, user_pre_hooks: list) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: Any = None
        self.input_indices: Any = None
        self.output_indices: Any = None
        self.input_count = self.output_count = -1

    def setup_input_hook(self, args: tuple) -> tuple:
        """Return the arguments of forward, marked."""
        self.input_count = len(args)
        args, self.input_indices = _marked(args, lambda node: node.register_hook(self._at_inputs))
        return args

    def setup_output_hook(self, result: Any) -> Any:
        """Return the result of forward, marked."""
        results = result if isinstance(result, tuple) else (result,)
        self.output_count = len(results)
        results, self.output_indices = _marked(results, lambda node: node.register_prehook(self._at_outputs))
        return results if isinstance(result, tuple) else results[0]

    def _at_outputs(self, grads: tuple) -> tuple:
        outputs = _spread(self.output_indices, grads, self.output_count)
        for hook in self.user_pre_hooks:
            changed = hook(self.module, outputs)
            if changed is None:
                continue
            if isinstance(changed, Tensor):
                changed = (changed,)
            if len(changed) != self.output_count:
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(changed)}, but expected {self.output_count}"
                )
            outputs = changed

        self.grad_outputs = outputs
        if self.input_indices is None:
            self._call_without_inputs()
        return tuple(outputs[i] for i in self.output_indices)

    def _call_without_inputs(self) -> None:
        if self.user_hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs "
                "since no inputs require gradients.",
                stacklevel=5,
            )
        for hook in self.user_hooks:
            result = hook(self.module, (None,) * self.input_count, self.grad_outputs)
            if result is not None and not (
                isinstance(result, tuple) and all(item is None for item in result)
            ):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient "
                    "should always return None or None for all gradients."
                )
        self.grad_outputs = None

    def _at_inputs(self, grads: tuple, _: tuple) -> Any:
        # No gradient came through the outputs: there is nothing to tell.
        if self.grad_outputs is None:
            return None
        inputs = _spread(self.input_indices, grads, self.input_count)
        for hook in self.user_hooks:
            changed = hook(self.module, inputs, self.grad_outputs)
            if changed is None:
                continue
            if isinstance(changed, Tensor):
                changed = (changed,)
            if len(changed) != self.input_count:
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(changed)}, but expected {self.input_count}"
                )
            inputs = changed
        self.grad_outputs = None
        return tuple(inputs[i] for i in self.input_indices)
