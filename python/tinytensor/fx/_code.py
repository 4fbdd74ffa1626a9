"""From a graph to the Python function that runs it."""

from __future__ import annotations

import builtins
import keyword
import math
import operator
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import tinytensor

from .node import Node

if TYPE_CHECKING:
    from .graph import Graph

INFIX = {
    **{"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "truediv": "/", "mod": "%", "pow": "**"},
    **{"lshift": "<<", "rshift": ">>", "and_": "&", "or_": "|", "xor": "^", "matmul": "@"},
    **{"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="},
}
PREFIX = {"pos": "+", "neg": "-", "invert": "~"}


class Names:
    """Names that are valid in Python and given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {*keyword.kwlist, *dir(builtins), *taken}

    def new(self, wish: str) -> str:
        name = re.sub(r"\W", "_", wish) or "_unnamed"
        if name[0].isdigit():
            name = f"_{name}"
        match = re.fullmatch(r"(.*)_(\d+)", name)
        stem, number = (match[1], int(match[2])) if match else (name, 0)
        while name in self.taken:
            number += 1
            name = f"{stem}_{number}"
        self.taken.add(name)
        return name


def _resolves(path: str, target: Any) -> bool:
    found: Any = tinytensor
    for part in path.split(".")[1:]:
        found = getattr(found, part, None)
    return found is target


def qualified_name(target: Any) -> str:
    """A function as a program would name it: operator.add, torch.nn.functional.relu, math.sqrt."""
    name = getattr(target, "__name__", None)
    if name is None:
        return repr(target)
    if target is getattr(operator, name, None):
        return f"operator.{name}"
    for place in ("torch", "torch.nn.functional", "torch._C"):
        if _resolves(f"{place}.{name}", target):
            return f"{place}.{name}"
    module = getattr(target, "__module__", None) or "builtins"
    return f"{re.sub(r'^tinytensor(?=$|[.])', 'torch', module)}.{getattr(target, '__qualname__', name)}"


class _Writer:
    def __init__(self, graph: Graph, root: str) -> None:
        self.graph, self.root = graph, root
        self.globals: dict[str, Any] = {"torch": tinytensor}
        self.names = Names({node.name for node in graph.nodes} | {"torch", root})

    def given(self, wish: str, value: Any) -> str:
        """The global name under which the code finds a value."""
        for name, known in self.globals.items():
            if known is value:
                return name
        name = self.names.new(wish)
        self.globals[name] = value
        return name

    def function(self, target: Any) -> str:
        path = qualified_name(target)
        head = path.split(".")[0]
        if head == "torch" and _resolves(path, target):
            return path
        if head == "builtins":
            return target.__name__
        if head in ("math", "operator"):
            self.globals[head] = math if head == "math" else operator
            return path
        return self.given(path, target)

    def value(self, a: Any) -> str:
        if isinstance(a, Node):
            return a.name
        if type(a) in (tuple, list):
            text = ", ".join(map(self.value, a)) + ("," if type(a) is tuple and len(a) == 1 else "")
            return f"[{text}]" if type(a) is list else f"({text})"
        if type(a) is dict:
            return "{" + ", ".join(f"{key!r}: {self.value(item)}" for key, item in a.items()) + "}"
        if type(a) is slice:
            return f"slice({self.value(a.start)}, {self.value(a.stop)}, {self.value(a.step)})"
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return f"{self.given(type(a).__name__, type(a))}({', '.join(map(self.value, a))})"
        if a is None or a is Ellipsis or type(a) in (bool, int, str, bytes, complex):
            return repr(a)
        if type(a) is float:
            return (
                repr(a)
                if math.isfinite(a)
                else self.given("inf" if a > 0 else "nan" if a != a else "minus_inf", a)
            )
        if _resolves(str(a), a):
            return str(a)
        if callable(a) and hasattr(a, "__name__"):
            return self.function(a)
        return self.given(type(a).__name__, a)

    def arguments(self, node: Node, skip: int = 0) -> str:
        texts = [self.value(a) for a in node.args[skip:]]
        texts += [f"{key} = {self.value(a)}" for key, a in node.kwargs.items()]
        return ", ".join(texts)

    def path(self, target: str) -> str:
        text = self.root
        for part in target.split("."):
            text = f"{text}.{part}" if part.isidentifier() else f'getattr({text}, "{part}")'
        return text

    def call(self, node: Node) -> str:
        name = getattr(node.target, "__name__", "")
        values = [self.value(a) for a in node.args]
        if node.target is getattr(operator, name, None) and not node.kwargs:
            if name in INFIX:
                return f"{values[0]} {INFIX[name]} {values[1]}"
            if name in PREFIX:
                return f"{PREFIX[name]}{values[0]}"
            if name == "getitem":
                return f"{values[0]}[{values[1]}]"
        if node.target is getattr and len(values) == 2 and str(node.args[1]).isidentifier():
            return f"{values[0]}.{node.args[1]}"
        return f"{self.function(node.target)}({self.arguments(node)})"

    def statement(self, node: Node) -> str:
        if node.op == "get_attr":
            return f"{node.name} = {self.path(node.target)}"
        if node.op == "call_module":
            return f"{node.name} = {self.path(node.target)}({self.arguments(node)})"
        if node.op == "call_method":
            return f"{node.name} = {self.value(node.args[0])}.{node.target}({self.arguments(node, 1)})"
        if node.op == "call_function":
            return f"{node.name} = {self.call(node)}"
        return f"return {self.value(node.args[0])}"

    def parameter(self, node: Node) -> str:
        return f"{node.target} = {self.value(node.args[0])}" if node.args else node.target

    def write(self) -> str:
        parameters, lines = [], []
        releases = last_uses(self.graph)
        for node in self.graph.nodes:
            if node.op == "placeholder":
                parameters.append(self.parameter(node))
                bare = node.target.lstrip("*")
                if bare != node.name:
                    lines.append(f"{node.name} = {bare}")
                continue
            dead = "".join(f"{name} = " for name in releases.get(node, ())) if node.op != "output" else ""
            lines.append(self.statement(node) + (f";  {dead}None" if dead else ""))
        head = ", ".join([self.root, *parameters])
        return (
            f"\n\n\ndef forward({head}):\n" + "".join(f"    {line}\n" for line in lines or ["pass"]) + "    "
        )


def last_uses(graph: Graph) -> dict[Node, list[Node]]:
    """Node -> those whose value nobody needs after it."""
    releases: dict[Node, list[Node]] = {}
    seen: set[Node] = set()
    for node in reversed(list(graph.nodes)):
        for used in node.all_input_nodes:
            if used not in seen:
                seen.add(used)
                releases.setdefault(node, []).append(used)
    return releases


class PythonCode:
    """Source of a forward function, and the globals it runs with."""

    def __init__(self, src: str, globals: dict[str, Any]) -> None:
        self.src, self.globals = src, globals

    def function(self, title: str) -> Any:
        import linecache

        linecache.cache[title] = (len(self.src), None, self.src.splitlines(keepends=True), title)
        scope = dict(self.globals)
        exec(compile(self.src, title, "exec"), scope)
        return scope["forward"]


def python_code(graph: Graph, root_module: str) -> PythonCode:
    writer = _Writer(graph, root_module)
    return PythonCode(writer.write(), writer.globals)
