"""A program as a list of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ._code import Names, PythonCode, python_code
from .node import Node, map_aggregate, map_arg, target_text

__all__ = ["Graph"]


class _Nodes:
    """The nodes in their order, forwards or backwards; it may be walked while nodes come and go."""

    def __init__(self, graph: Graph, step: str = "_next") -> None:
        self.graph, self.step = graph, step

    def __iter__(self) -> Iterator[Node]:
        node = getattr(self.graph._root, self.step)
        while node is not self.graph._root:
            if not node._erased:
                yield node
            node = getattr(node, self.step)

    def __reversed__(self) -> _Nodes:
        return _Nodes(self.graph, "_previous" if self.step == "_next" else "_next")

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Inserting:
    """New nodes go to a place of their own; as a context manager, until the block ends."""

    def __init__(self, graph: Graph, insert: Callable[[Node], None]) -> None:
        self.graph, self.before = graph, graph._insert
        graph._insert = insert

    def __enter__(self) -> _Inserting:
        return self

    def __exit__(self, *error: Any) -> None:
        self.graph._insert = self.before


class Graph:
    """A program as a list of nodes: placeholders first, one output last, in between what it calls and reads."""

    def __init__(self, owning_module: Any = None, tracer_cls: type | None = None) -> None:
        self._root = Node(self, "", "root", "", (), {})
        self._insert: Callable[[Node], None] = self._root.prepend
        self._names = Names()
        self.owning_module, self._tracer_cls = owning_module, tracer_cls

    @property
    def nodes(self) -> _Nodes:
        return _Nodes(self)

    def find_nodes(self, *, op: str, target: Any = None, sort: bool = True) -> list[Node]:
        """The nodes of this kind and target; they come in their order even if `sort` does not ask for it."""
        return [node for node in self.nodes if node.op == op and target in (None, node.target)]

    # ---------------------------------------------------------------- making nodes

    def create_node(
        self,
        op: str,
        target: Any,
        args: tuple | None = None,
        kwargs: dict[str, Any] | None = None,
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a node at the place where nodes are being inserted, by default the end."""
        args, kwargs = args or (), kwargs or {}
        self._own((args, kwargs))
        name = self._names.new(name or self._wish(target))
        node = Node(self, name, op, target, args, kwargs, type_expr)
        self._insert(node)
        return node

    def _own(self, arguments: Any) -> None:
        def check(node: Node) -> None:
            if node.graph is not self:
                raise RuntimeError(f"create_node: argument {node} is a node of another graph")

        map_arg(arguments, check)

    @staticmethod
    def _wish(target: Any) -> str:
        name = target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
        name = name.lstrip("*")
        return name.strip("_") if name.startswith("__") and name.endswith("__") else name

    def placeholder(self, name: str, type_expr: Any = None, default_value: Any = ...) -> Node:
        return self.create_node(
            "placeholder", name, () if default_value is ... else (default_value,), type_expr=type_expr
        )

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_function(
        self,
        the_function: Callable,
        args: tuple | None = None,
        kwargs: dict | None = None,
        type_expr: Any = None,
    ) -> Node:
        return self.create_node("call_function", the_function, args, kwargs, type_expr=type_expr)

    def call_method(
        self, method_name: str, args: tuple | None = None, kwargs: dict | None = None, type_expr: Any = None
    ) -> Node:
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_module(
        self, module_name: str, args: tuple | None = None, kwargs: dict | None = None, type_expr: Any = None
    ) -> Node:
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def output(self, result: Any, type_expr: Any = None) -> Node:
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def node_copy(self, node: Node, arg_transform: Callable[[Node], Any] = lambda node: node) -> Node:
        """Add a copy of a node, of this graph or another, its arguments changed by `arg_transform`."""
        args, kwargs = map_arg((node.args, node.kwargs), arg_transform)
        copied = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        copied.meta = dict(node.meta)
        return copied

    def graph_copy(self, g: Graph, val_map: dict[Node, Node], return_output_node: bool = False) -> Any:
        """Add copies of all nodes of `g` but its output; returns what the output takes, `val_map` gets the pairs."""
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                result = map_arg(node.args[0], lambda n: val_map[n])
                return (result, node) if return_output_node else result
            val_map[node] = self.node_copy(node, lambda n: val_map[n])
        return None

    # ---------------------------------------------------------------- changing

    def inserting_before(self, n: Node | None = None) -> _Inserting:
        """Where new nodes go: before n, or before everything."""
        return _Inserting(self, self._root.append if n is None else self._of_this(n).prepend)

    def inserting_after(self, n: Node | None = None) -> _Inserting:
        """Where new nodes go: right behind n, or behind everything."""
        return _Inserting(self, self._root.prepend if n is None else self._of_this(n).append)

    def _of_this(self, node: Node) -> Node:
        if node.graph is not self:
            raise ValueError(f"inserting: {node} is a node of another graph")
        return node

    def erase_node(self, to_erase: Node) -> None:
        """Take out a node that nobody uses."""
        if to_erase.users:
            raise RuntimeError(
                f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in the graph: "
                f"{to_erase.users}!"
            )
        if to_erase.graph is not self:
            raise RuntimeError(f"erase_node: {to_erase} is a node of another graph")
        if to_erase._erased:
            return
        to_erase._leave()
        to_erase._erased = True
        to_erase._take((), {})

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Take out what nobody uses and what changes nothing; returns whether there was any."""
        impure = is_impure_node or Node.is_impure
        count = len(self.nodes)
        for node in reversed(self.nodes):
            if not node.users and not impure(node):
                self.erase_node(node)
        return len(self.nodes) < count

    def lint(self) -> None:
        """Check that nodes come before their users, have names of their own, and find what they call and read."""
        seen: set[Node] = set()
        names: set[str] = set()
        for node in self.nodes:
            for used in node.all_input_nodes:
                if used not in seen:
                    raise RuntimeError(f"lint: {used} is used by {node} before it is made")
            if node.name in names:
                raise RuntimeError(f"lint: two nodes are named {node.name}")
            seen.add(node)
            names.add(node.name)
            if self.owning_module is not None and node.op in ("get_attr", "call_module"):
                self._find(node)

    def _find(self, node: Node) -> None:
        found = self.owning_module
        for part in node.target.split("."):
            if not hasattr(found, part):
                raise RuntimeError(f"lint: {node} refers to {node.target}, and there is no {part}")
            found = getattr(found, part)

    # ---------------------------------------------------------------- reading

    def python_code(self, root_module: str = "self", *, verbose: bool = False) -> PythonCode:
        if verbose:
            raise NotImplementedError("python_code: verbose=True is not supported")
        return python_code(self, root_module)

    def print_tabular(self) -> None:
        rows = [("opcode", "name", "target", "args", "kwargs")]
        rows += [
            (node.op, node.name, target_text(node.target), str(node.args), str(node.kwargs))
            for node in self.nodes
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rows.insert(1, tuple("-" * width for width in widths))  # type: ignore[arg-type]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def __str__(self) -> str:
        return "graph():" + "".join(f"\n    {node.format_node()}" for node in self.nodes)

    # ---------------------------------------------------------------- copies and files

    def __deepcopy__(self, memo: dict | None = None) -> Graph:
        copied = Graph(tracer_cls=self._tracer_cls)
        pairs: dict[Node, Node] = {}
        for node in self.nodes:
            pairs[node] = copied.node_copy(node, pairs.__getitem__)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        places = {node: _Place(i) for i, node in enumerate(self.nodes)}
        rows = [
            (n.name, n.op, n.target, *map_arg((n.args, n.kwargs), places.__getitem__), n.type)
            for n in self.nodes
        ]
        return {"nodes": rows, "tracer": self._tracer_cls}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(tracer_cls=state["tracer"])  # type: ignore[misc]
        made: list[Node] = []
        for name, op, target, args, kwargs, type_expr in state["nodes"]:
            args, kwargs = map_aggregate(
                (args, kwargs), lambda leaf: made[leaf.index] if isinstance(leaf, _Place) else leaf
            )
            made.append(self.create_node(op, target, args, kwargs, name, type_expr))


class _Place:
    """Stands for a node in a pickled graph, which would else be as deep as it is long."""

    def __init__(self, index: int) -> None:
        self.index = index
