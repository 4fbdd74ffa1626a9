"""A step of a graph, and the walk over its arguments."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["Node", "map_aggregate", "map_arg"]

OPS = ("placeholder", "get_attr", "call_function", "call_module", "call_method", "output", "root")


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """`a` with `fn` applied to every leaf of its tuples, lists, dicts and slices."""
    if isinstance(a, tuple):
        items = [map_aggregate(item, fn) for item in a]
        return type(a)(*items) if hasattr(a, "_fields") else tuple(items)
    if isinstance(a, list):
        return [map_aggregate(item, fn) for item in a]
    if isinstance(a, dict):
        return {key: map_aggregate(value, fn) for key, value in a.items()}
    if isinstance(a, slice):
        return slice(map_aggregate(a.start, fn), map_aggregate(a.stop, fn), map_aggregate(a.step, fn))
    return fn(a)


def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any:
    """`a` with `fn` applied to every node in its tuples, lists, dicts and slices."""
    return map_aggregate(a, lambda leaf: fn(leaf) if isinstance(leaf, Node) else leaf)


class Node:
    """One step: `op` says of what kind, `target` what is called or read, `args` and `kwargs` with what.

    Nodes of a graph form a ring around its root; `users` are the nodes that take this one as an argument.
    """

    def __init__(
        self,
        graph: Graph,
        name: str,
        op: str,
        target: Any,
        args: tuple,
        kwargs: dict,
        return_type: Any = None,
    ) -> None:
        if op not in OPS:
            raise ValueError(f"Node: op must be one of {', '.join(OPS[:-1])}, got {op!r}")
        if op == "call_function" and not callable(target):
            raise ValueError(f"Node: the target of a call_function must be callable, got {target!r}")
        if op not in ("call_function", "root") and not isinstance(target, str):
            raise ValueError(f"Node: the target of a {op} must be a str, got {type(target).__name__}")
        self.graph, self.name, self.op, self.target, self.type = graph, name, op, target, return_type
        self.meta: dict[str, Any] = {}
        self.users: dict[Node, None] = {}
        self._previous = self._next = self
        self._erased = False
        self._inputs: dict[Node, None] = {}
        self._args: tuple = ()
        self._kwargs: dict[str, Any] = {}
        self._take(args, kwargs)

    # ---------------------------------------------------------------- arguments

    def _take(self, args: Any, kwargs: Any) -> None:
        for node in self._inputs:
            node.users.pop(self, None)
        self._args, self._kwargs, self._inputs = tuple(args), dict(kwargs), {}
        map_arg((self._args, self._kwargs), lambda node: self._inputs.setdefault(node))
        for node in self._inputs:
            node.users.setdefault(self)

    @property
    def args(self) -> tuple:
        return self._args

    @args.setter
    def args(self, args: tuple) -> None:
        self._take(args, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Any]:
        return self._kwargs

    @kwargs.setter
    def kwargs(self, kwargs: dict[str, Any]) -> None:
        self._take(self._args, kwargs)

    @property
    def all_input_nodes(self) -> list[Node]:
        return list(self._inputs)

    @property
    def stack_trace(self) -> str | None:
        return self.meta.get("stack_trace")

    def update_arg(self, idx: int, arg: Any) -> None:
        args: list[Any] = list(self._args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Any) -> None:
        if not 0 <= idx <= len(self._args):
            raise IndexError(f"insert_arg: {idx} is not between 0 and {len(self._args)}")
        self.args = (*self._args[:idx], arg, *self._args[idx:])

    def update_kwarg(self, key: str, arg: Any) -> None:
        self.kwargs = {**self._kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        args, kwargs = map_arg(
            (self._args, self._kwargs), lambda node: new_input if node is old_input else node
        )
        self._take(args, kwargs)

    def replace_all_uses_with(
        self,
        replace_with: Node,
        delete_user_cb: Callable[[Node], bool] = lambda user: True,
        *,
        propagate_meta: bool = False,
    ) -> list[Node]:
        """Let the users of this node take the other one; returns those that changed."""
        if propagate_meta:
            replace_with.meta.update(self.meta)
        changed = [user for user in self.users if delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    # ---------------------------------------------------------------- place in the ring

    @property
    def next(self) -> Node:
        return self._next

    @property
    def prev(self) -> Node:
        return self._previous

    def _leave(self) -> None:
        self._previous._next, self._next._previous = self._next, self._previous

    def prepend(self, x: Node) -> None:
        """Put x before this node."""
        if x.graph is not self.graph:
            raise ValueError("prepend: the nodes are of two graphs")
        if x is self:
            return
        x._leave()
        before = self._previous
        before._next, x._previous, x._next, self._previous = x, before, self, x

    def append(self, x: Node) -> None:
        """Put x behind this node."""
        self._next.prepend(x)

    # ---------------------------------------------------------------- questions

    def is_impure(self) -> bool:
        """Whether the node must stay even if nobody uses it."""
        if self.op == "call_function":
            return getattr(self.target, "__name__", "") in ("_assert", "setitem", "delitem")
        if self.op == "call_method":
            return self.target.endswith("_") and not self.target.endswith("__")
        if self.op == "call_module":
            owner = self.graph.owning_module
            return owner is not None and getattr(owner.get_submodule(self.target), "_is_impure", False)
        return self.op in ("placeholder", "output")

    def format_node(self) -> str | None:
        """The line of this node in the printed graph."""
        if self.op == "output":
            return f"return {self.args[0]}"
        head = f"%{self.name} : [num_users={len(self.users)}] = {self.op}[target={target_text(self.target)}]"
        if self.op == "placeholder":
            return f"{head}(default={self.args[0]})" if self.args else head
        if self.op == "get_attr":
            return head
        return f"{head}(args = {_marked(self.args)}, kwargs = {_marked(self.kwargs)})"

    def __repr__(self) -> str:
        return self.name


def _marked(a: Any) -> str:
    """Arguments as a line of the graph shows them: nodes with a percent sign, keywords and texts without quotes."""
    if isinstance(a, (tuple, list)):
        text = ", ".join(map(_marked, a)) + ("," if isinstance(a, tuple) and len(a) == 1 else "")
        return f"[{text}]" if isinstance(a, list) else f"({text})"
    if isinstance(a, dict):
        return "{" + ", ".join(f"{key}: {_marked(value)}" for key, value in a.items()) + "}"
    if isinstance(a, (types.FunctionType, types.BuiltinFunctionType)):
        return target_text(a)
    return f"%{a}" if isinstance(a, Node) else str(a)


def target_text(target: Any) -> str:
    from ._code import qualified_name

    return target if isinstance(target, str) else qualified_name(target)
