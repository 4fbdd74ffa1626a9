"""A module whose forward is a graph."""

from __future__ import annotations

import copy
import itertools
from typing import Any

from .. import nn
from .._C import Tensor
from .graph import Graph

__all__ = ["GraphModule"]

_numbers = itertools.count()


def _place(root: nn.Module, target: str, value: Any) -> None:
    """Set root.a.b.c, with bare modules for what is missing on the way."""
    *path, name = target.split(".")
    for part in path:
        if not isinstance(getattr(root, part, None), nn.Module):
            root.add_module(part, nn.Module())
        root = getattr(root, part)
    if getattr(root, name, None) is value:
        return
    if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
        root.register_buffer(name, value)
    else:
        setattr(root, name, value)


def _find(root: Any, target: str) -> Any:
    for part in target.split("."):
        if not hasattr(root, part):
            raise RuntimeError(f"GraphModule: the graph refers to {target}, and the root has no {part}")
        root = getattr(root, part)
    return root


class GraphModule(nn.Module):
    """A module made of a graph and of those parts of `root`, a module or a dict, that the graph names.

    `code` is the Python text of its forward; after a change of the graph, `recompile` makes it anew.
    """

    _made_from: type[GraphModule]

    def __new__(cls, *args: Any, **kwargs: Any) -> GraphModule:
        # Every instance has a forward of its own, and forward is looked up in the class.
        own = type("GraphModule", (cls,), {"__module__": cls.__module__, "_made_from": cls})
        return super().__new__(own)  # type: ignore[misc]

    def __init__(
        self, root: nn.Module | dict[str, Any], graph: Graph, class_name: str = "GraphModule"
    ) -> None:
        super().__init__()
        type(self).__name__ = class_name
        if isinstance(root, nn.Module):
            self.training = root.training
        self.meta: dict[str, Any] = {}
        self._take_parts(root, graph)
        self.graph = graph

    def _take_parts(self, root: nn.Module | dict[str, Any], graph: Graph) -> None:
        for target in dict.fromkeys(n.target for n in graph.nodes if n.op in ("get_attr", "call_module")):
            if isinstance(root, dict) and target not in root:
                raise RuntimeError(
                    f"GraphModule: the graph refers to {target}, which is not among the root's entries"
                )
            _place(self, target, root[target] if isinstance(root, dict) else _find(root, target))

    # ---------------------------------------------------------------- graph and code

    @property
    def graph(self) -> Graph:
        return self._graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        if not isinstance(graph, Graph):
            raise AssertionError(f"GraphModule: expected a Graph, got {type(graph).__name__}")
        owner = graph.owning_module
        own = graph if owner is None or owner is self else copy.deepcopy(graph)
        own.owning_module = self
        self.__dict__["_graph"] = own
        self.recompile()

    def recompile(self) -> Any:
        """Make forward from the graph as it is now."""
        code = self._graph.python_code()
        type(self).forward = code.function(f"<graph module {next(_numbers)}>")  # type: ignore[method-assign]
        self.__dict__["_code"] = code.src
        return code

    @property
    def code(self) -> str:
        return self._code

    def print_readable(self, print_output: bool = True) -> str:
        """The code inside its class, printed and returned."""
        body = self.code.strip("\n").replace("\n", "\n    ").rstrip()
        text = f"class {type(self).__name__}(torch.nn.Module):\n    {body}\n"
        if print_output:
            print(text)
        return text

    # ---------------------------------------------------------------- submodules

    def add_submodule(self, target: str, m: nn.Module) -> bool:
        """Put a module at a path; False if something that is not a module stands on the way."""
        found: Any = self
        for part in target.split(".")[:-1]:
            found = getattr(found, part, None)
            if found is None:
                break
            if not isinstance(found, nn.Module):
                return False
        _place(self, target, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Take the module at this path away; False if there is none."""
        *path, name = target.split(".")
        owner: Any = self
        for part in path:
            owner = getattr(owner, part, None)
        if not isinstance(getattr(owner, name, None), nn.Module):
            return False
        delattr(owner, name)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Take away the modules that the graph neither calls nor reads from."""
        used: set[str] = set()
        for node in self._graph.nodes:
            if node.op in ("call_module", "get_attr"):
                parts = node.target.split(".")
                used.update(".".join(parts[: i + 1]) for i in range(len(parts)))
            if node.op == "call_module":
                used.update(
                    f"{node.target}.{name}" for name, _ in self.get_submodule(node.target).named_modules()
                )
        for name in [name for name, _ in self.named_modules()]:
            if name and name not in used:
                self.delete_submodule(name)

    # ---------------------------------------------------------------- copies and files

    def __deepcopy__(self, memo: dict) -> GraphModule:
        members = copy.deepcopy(
            {k: v for k, v in self.__dict__.items() if k not in ("_graph", "_code")}, memo
        )
        return _restore(type(self)._made_from, type(self).__name__, members, copy.deepcopy(self._graph))

    def __reduce__(self) -> tuple:
        members = {k: v for k, v in self.__dict__.items() if k not in ("_graph", "_code")}
        return _restore, (type(self)._made_from, type(self).__name__, members, self._graph)

    def __str__(self) -> str:
        return f"{super().__repr__()}\n{self.code}"


def _restore(cls: type[GraphModule], name: str, members: dict[str, Any], graph: Graph) -> GraphModule:
    made = cls.__new__(cls)
    nn.Module.__init__(made)
    type(made).__name__ = name
    made.__dict__.update(members)
    made.graph = graph
    return made
