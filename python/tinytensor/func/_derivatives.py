"""Derivatives of functions of nested tuples, lists and dictionaries of tensors, by going backward through them.

Inside, tensors stand in for the given ones. What comes out is part of a graph only where the caller can go on from
there: inside another derivative, or if the function depends on tensors that require grad.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import tinytensor
from tinytensor import _C, autograd
from tinytensor._C import Tensor
from tinytensor.utils._pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten

# Inside a derivative: the tensors that were made for it and for those in it, by their id.
_made_inside: ContextVar[dict[int, Tensor] | None] = ContextVar("made inside a derivative", default=None)


@contextmanager
def _derivative() -> Iterator[bool]:
    """Hands out whether this is inside another derivative."""
    outer = _made_inside.get()
    token = _made_inside.set({} if outer is None else outer)
    try:
        with tinytensor.enable_grad():
            yield outer is not None
    finally:
        _made_inside.reset(token)


def _stand_in(leaf: Any) -> Any:
    if not isinstance(leaf, Tensor):
        return leaf
    if leaf.requires_grad:
        return leaf.view_as(leaf)
    made, known = leaf.detach().requires_grad_(), _made_inside.get()
    if known is not None:
        known[id(made)] = made
    return made


def _tensors(leaves: Iterable[Any]) -> list[Tensor]:
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


def _depends_on_others(outputs: Sequence[Tensor]) -> bool:
    """Whether the graph of the outputs ends in leaves that were there before."""
    known = _made_inside.get() or {}
    waiting = [output.grad_fn for output in outputs if output.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        variable = getattr(node, "variable", None)
        if variable is not None and id(variable) not in known:
            return True
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
    return False


class _Call:
    """One call of a function with stand-ins for some of its arguments."""

    def __init__(
        self, name: str, func: Callable, args: Sequence[Any], kwargs: dict, argnums: Any, has_aux: bool
    ) -> None:
        numbers = argnums if isinstance(argnums, tuple) else (argnums,)
        for number in numbers:
            if not -len(args) <= number < len(args):
                raise RuntimeError(
                    f"{name}: argnums={number}, but there are {len(args)} positional arguments"
                )
        chosen = tuple(args[number] for number in numbers)
        leaves, self.shape = tree_flatten(chosen if isinstance(argnums, tuple) else chosen[0])
        stand_ins = [_stand_in(leaf) for leaf in leaves]
        self.sources = _tensors(stand_ins)
        if len(self.sources) != len(leaves):
            kinds = {type(leaf).__name__ for leaf in leaves if not isinstance(leaf, Tensor)}
            raise RuntimeError(
                f"{name}: an argument to derive by holds {', '.join(sorted(kinds))}, not only Tensors"
            )
        inner = tree_unflatten(stand_ins, self.shape)
        changed = list(args)
        for number, value in zip(numbers, inner if isinstance(argnums, tuple) else [inner]):
            changed[number] = value
        found = func(*changed, **kwargs)
        self.aux = None
        if has_aux:
            if not (isinstance(found, tuple) and len(found) == 2):
                raise RuntimeError(f"{name}: with has_aux=True the function must return (output, aux)")
            found, self.aux = found
        self.output = found
        self.outputs, self.output_shape = tree_flatten(found)
        for output in self.outputs:
            if not isinstance(output, Tensor):
                raise RuntimeError(f"{name}: the function must return Tensors, got {type(output).__name__}")
        self.given_track = any(leaf.requires_grad for leaf in leaves)

    def keeps_graph(self, inside: bool) -> bool:
        return inside or self.given_track or _depends_on_others(self.outputs)

    def gradients(self, starts: Sequence[Tensor], retain_graph: bool, create_graph: bool) -> list[Tensor]:
        """Of the outputs, weighted by `starts`, for each source; zeros where there is no dependence."""
        pairs = [(output, start) for output, start in zip(self.outputs, starts) if output.requires_grad]
        if not pairs:
            return [_C.zeros_like(source).detach() for source in self.sources]
        outputs, weights = zip(*pairs)
        found = autograd.grad(
            outputs,
            self.sources,
            weights,
            retain_graph=retain_graph or create_graph,
            create_graph=create_graph,
            allow_unused=True,
        )
        return [
            _C.zeros_like(source).detach() if gradient is None else gradient
            for gradient, source in zip(found, self.sources)
        ]


def _released(tree: Any, keep: bool) -> Any:
    """Without the graph that leads to the stand-ins only."""
    return tree if keep else tree_map(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, tree)


def grad_and_value(func: Callable, argnums: Any = 0, has_aux: bool = False) -> Callable:
    """The function that returns the gradient of `func`, whose result is one number, and the result."""

    @functools.wraps(func)
    def derived(*args: Any, **kwargs: Any) -> Any:
        with _derivative() as inside:
            call = _Call("grad", func, args, kwargs, argnums, has_aux)
            output = call.output
            if not isinstance(output, Tensor) or output.dim() != 0:
                got = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
                raise RuntimeError(
                    f"grad: the function must return a Tensor without dimensions, got {got}; vjp and jacrev take others"
                )
            keep = call.keeps_graph(inside)
            found = call.gradients([_C.ones_like(output)], False, keep)
            gradients = tree_unflatten(found, call.shape)
            value = _released((output, call.aux) if has_aux else output, keep)
        return gradients, value

    return derived


def grad(func: Callable, argnums: Any = 0, has_aux: bool = False) -> Callable:
    """The function that returns the gradient of `func`, whose result is one number."""

    @functools.wraps(func)
    def derived(*args: Any, **kwargs: Any) -> Any:
        gradients, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return derived


def _same_shape(name: str, what: str, given: Any, shape: TreeSpec, like: Sequence[Tensor]) -> list[Tensor]:
    leaves, given_shape = tree_flatten(given)
    if given_shape != shape:
        raise RuntimeError(f"{name}: {what} are nested as {given_shape}, expected {shape}")
    for leaf, tensor in zip(leaves, like):
        if not isinstance(leaf, Tensor) or leaf.shape != tensor.shape:
            got = tuple(leaf.shape) if isinstance(leaf, Tensor) else type(leaf).__name__
            raise RuntimeError(f"{name}: one of the {what} is {got}, expected shape {tuple(tensor.shape)}")
    return leaves


def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> Any:
    """The result of `func`, and the function from weights of the result to gradients, a tuple with one per argument."""
    with _derivative() as inside:
        call = _Call("vjp", func, primals, {}, tuple(range(len(primals))), has_aux)
        keep = call.keeps_graph(inside)

    def weighted(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        starts = _same_shape("vjp", "cotangents", cotangents, call.output_shape, call.outputs)
        goes_on = keep or _made_inside.get() is not None or any(start.requires_grad for start in starts)
        wanted = goes_on if create_graph is None else create_graph
        return tree_unflatten(call.gradients(starts, retain_graph, wanted), call.shape)

    output = _released(call.output, keep)
    return (output, weighted, _released(call.aux, keep)) if has_aux else (output, weighted)


def jvp(func: Callable, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The result of `func` and its change in the direction of `tangents`, found by going backward twice."""
    if not isinstance(primals, tuple) or not primals:
        raise RuntimeError(
            f"jvp: primals must be a tuple of at least one argument, got {type(primals).__name__}"
        )
    with _derivative() as inside:
        call = _Call("jvp", func, primals, {}, tuple(range(len(primals))), has_aux)
        directions = _same_shape("jvp", "tangents", tangents, call.shape, call.sources)
        keep = call.keeps_graph(inside) or any(direction.requires_grad for direction in directions)
        weights = [_stand_in(_C.zeros_like(output).detach()) for output in call.outputs]
        slopes = call.gradients(weights, True, True)
        pairs = [(slope, direction) for slope, direction in zip(slopes, directions) if slope.requires_grad]
        if not pairs and strict:
            raise RuntimeError("jvp: the result does not depend on the primals (strict=True)")
        found: Sequence[Tensor | None] = [None] * len(weights)
        if pairs:
            reached, along = (list(column) for column in zip(*pairs))
            found = autograd.grad(
                reached, weights, along, retain_graph=True, create_graph=keep, allow_unused=True
            )
        changes = [
            _C.zeros_like(output).detach() if change is None else change
            for change, output in zip(found, call.outputs)
        ]
    output = _released(call.output, keep)
    change = tree_unflatten(changes, call.output_shape)
    return (output, change, _released(call.aux, keep)) if has_aux else (output, change)


def linearize(func: Callable, *primals: Any) -> tuple[Any, Callable]:
    """The result of `func`, and the function from tangents to the change of the result."""
    output = vjp(func, *primals)[0]
    return output, lambda *tangents: jvp(func, primals, tangents)[1]


def _derivatives_of(call: _Call, position: int, keep: bool) -> list[Tensor]:
    """Of one output, by each source."""
    output = call.outputs[position]
    columns: list[list[Tensor]] = [[] for _ in call.sources]
    for i in range(output.numel()):
        starts = [_C.zeros_like(each).detach() for each in call.outputs]
        starts[position].view(-1)[i] = 1
        for column, gradient in zip(columns, call.gradients(starts, True, keep)):
            column.append(gradient)
    return [
        (_C.stack(column) if column else source.new_empty(0)).reshape(*output.shape, *source.shape)
        for column, source in zip(columns, call.sources)
    ]


def _jacobian(name: str, func: Callable, argnums: Any, has_aux: bool) -> Callable:
    @functools.wraps(func)
    def derived(*args: Any, **kwargs: Any) -> Any:
        with _derivative() as inside:
            call = _Call(name, func, args, kwargs, argnums, has_aux)
            keep = call.keeps_graph(inside)
            blocks = [
                tree_unflatten(_derivatives_of(call, position, keep), call.shape)
                for position in range(len(call.outputs))
            ]
            found = tree_unflatten(blocks, call.output_shape)
            aux = _released(call.aux, keep)
        return (found, aux) if has_aux else found

    return derived


def jacrev(
    func: Callable, argnums: Any = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable:
    """The function that returns the derivative of every element of the result by every element of the argument."""
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"jacrev: chunk_size must be positive, got {chunk_size}")
    return _jacobian("jacrev", func, argnums, has_aux)


def jacfwd(func: Callable, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error") -> Callable:
    """jacrev, under the name that PyTorch gives to the way forward."""
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"jacfwd: randomness must be 'error', 'different' or 'same', got {randomness!r}")
    return _jacobian("jacfwd", func, argnums, has_aux)


def hessian(func: Callable, argnums: Any = 0) -> Callable:
    """The function that returns the second derivatives of `func`."""
    return jacfwd(jacrev(func, argnums), argnums)
