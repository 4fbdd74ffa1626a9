"""From a module or function to its graph: it is run once with proxies for arguments."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import tinytensor
import tinytensor.functional
import tinytensor.nn.functional

from .. import nn
from .._C import Tensor
from .._single_nodes import PLACES
from .graph import Graph
from .graph_module import GraphModule
from .node import Node, map_aggregate
from .proxy import Attribute, Proxy, TraceError, first_proxy

__all__ = ["Tracer", "symbolic_trace"]

_OUR_FUNCTIONS = (tinytensor, tinytensor.functional, tinytensor.nn.functional)


def _as_one_node(function: Callable) -> Callable:
    @functools.wraps(function)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        found = first_proxy((args, kwargs))
        if found is None:
            return function(*args, **kwargs)
        return found.tracer.create_proxy("call_function", function, args, kwargs)

    return recorded


def _functions_of(module: ModuleType) -> list[tuple[dict[str, Any], str]]:
    return [
        (vars(module), name)
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) or (inspect.isbuiltin(value) and module is math)
        if not name.startswith("_")
    ]


@contextmanager
def _patched(places: list[tuple[dict[str, Any], str]]) -> Iterator[None]:
    """Functions in these places record themselves until the block ends."""
    absent = object()
    before = []
    builtin = vars(__import__("builtins"))
    try:
        for scope, name in places:
            value = scope.get(name, absent)
            before.append((scope, name, value))
            scope[name] = _as_one_node(builtin[name] if value is absent else value)
        yield
    finally:
        for scope, name, value in reversed(before):
            if value is absent:
                del scope[name]
            else:
                scope[name] = value


class Tracer:
    """Records graphs. Subclasses say by `is_leaf_module` what is one node, and may change what a node becomes."""

    def __init__(
        self,
        autowrap_modules: tuple[ModuleType, ...] = (math,),
        autowrap_functions: tuple[Callable, ...] = (),
        param_shapes_constant: bool = False,
    ) -> None:
        if param_shapes_constant:
            raise NotImplementedError("Tracer: param_shapes_constant=True is not supported")
        self.autowrap_modules, self.autowrap_functions = autowrap_modules, autowrap_functions
        self.graph: Graph
        self.root: nn.Module

    # ---------------------------------------------------------------- what subclasses may change

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one node: those of tinytensor.nn are, but for the containers."""
        return type(m).__module__.startswith("tinytensor.nn") and not isinstance(m, nn.Sequential)

    def path_of_module(self, mod: nn.Module) -> str:
        if mod not in self._paths:
            raise NameError(f"module {type(mod).__name__} is not a submodule of the root")
        return self._paths[mod]

    def call_module(self, m: nn.Module, forward: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """What a call of a module becomes: one node, or all that its forward does."""
        path = self.path_of_module(m)
        if self.is_leaf_module(m, path):
            return self.create_proxy("call_module", path, args, kwargs)
        return forward(*args, **kwargs)

    def create_node(
        self,
        kind: str,
        target: Any,
        args: tuple,
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple,
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
    ) -> Proxy:
        args, kwargs = map_aggregate((args, kwargs), self._argument)
        return self.proxy(self.create_node(kind, target, args, kwargs, name, type_expr))

    def proxy(self, node: Node) -> Proxy:
        return Proxy(node, self)

    def create_arg(self, a: Any) -> Any:
        """An argument of a call as a node takes it."""
        return map_aggregate(a, self._argument)

    def to_bool(self, obj: Proxy) -> bool:
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Proxy) -> Iterator:
        raise TraceError(
            "Proxy object cannot be iterated: a loop over it, or a call f(*proxy), depends on a length that is not known "
            "while the program is recorded"
        )

    def keys(self, obj: Proxy) -> Any:
        return Attribute(obj, "keys")()

    # ---------------------------------------------------------------- arguments

    def _argument(self, leaf: Any) -> Any:
        if isinstance(leaf, Proxy):
            return leaf.node
        if isinstance(leaf, Tensor):
            return self.create_node("get_attr", self._tensor_path(leaf), (), {})
        if isinstance(leaf, nn.Module) and leaf in self._paths:
            return self.create_node("get_attr", self._paths[leaf], (), {})
        return leaf

    def _tensor_path(self, tensor: Tensor) -> str:
        """Where the root has a tensor; one that it does not have is kept as an attribute of it."""
        if id(tensor) not in self._tensors:
            number = 0
            while hasattr(self.root, f"_tensor_constant{number}"):
                number += 1
            setattr(self.root, f"_tensor_constant{number}", tensor)
            self._tensors[id(tensor)] = f"_tensor_constant{number}"
        return self._tensors[id(tensor)]

    def _collect_tensors(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for path, module in self.root.named_modules():
            prefix = f"{path}." if path else ""
            members = [*vars(module).items(), *module._parameters.items(), *module._buffers.items()]
            for name, value in members:
                if isinstance(value, Tensor):
                    found.setdefault(id(value), prefix + name)
        return found

    # ---------------------------------------------------------------- the run

    def begin(self, root: nn.Module, graph: Graph) -> None:
        """Record into this graph from now on, what the root has being found there."""
        self.root, self.graph = root, graph
        self._paths = {module: path for path, module in root.named_modules()}
        self._tensors = self._collect_tensors()

    def trace(self, root: nn.Module | Callable, concrete_args: dict[str, Any] | None = None) -> Graph:
        """The graph of a module or function; arguments in `concrete_args` have these values for good."""
        function = type(root).forward if isinstance(root, nn.Module) else root
        self.begin(root if isinstance(root, nn.Module) else nn.Module(), Graph(tracer_cls=type(self)))
        arguments = self._placeholders(root, function, concrete_args or {})
        with self._calls_recorded(), _patched(self._places(function)):
            result = _all_positional(function)(*arguments)
        self.create_node("output", "output", (self.create_arg(result),), {})
        return self.graph

    def _places(self, function: Callable) -> list[tuple[dict[str, Any], str]]:
        """The names whose functions become one node each."""
        places = [
            place for module in (*_OUR_FUNCTIONS, *self.autowrap_modules) for place in _functions_of(module)
        ]
        targets = {id(scope[name]) for scope, name in places} | {id(f) for f in self.autowrap_functions}
        own = getattr(inspect.unwrap(function), "__globals__", {})
        places += [(own, name) for name, value in own.items() if id(value) in targets]
        known = {(id(scope), name) for scope, name in places}
        return places + [(scope, name) for scope, name in PLACES if (id(scope), name) not in known]

    @contextmanager
    def _calls_recorded(self) -> Iterator[None]:
        """Calls of the root's submodules go through call_module until the block ends."""
        changed = []
        try:
            for module in self._paths:
                if module is not self.root:
                    own = vars(module)
                    changed.append((own, own.get("_hooked")))
                    own["_hooked"], own["_call_with_hooks"] = True, self._recorder(module)
            yield
        finally:
            for own, hooked in changed:
                del own["_hooked"], own["_call_with_hooks"]
                if hooked is not None:
                    own["_hooked"] = hooked

    def _recorder(self, module: nn.Module) -> Callable:
        def call(args: tuple, kwargs: dict[str, Any]) -> Any:
            forward = functools.partial(_forward_with_hooks, module)
            return self.call_module(module, forward, args, kwargs)

        return call

    def _placeholders(self, root: Any, function: Callable, concrete: dict[str, Any]) -> list[Any]:
        parameters = list(inspect.signature(function).parameters.values())
        given = [root] if isinstance(root, nn.Module) else []
        parameters = parameters[len(given) :]
        unknown = concrete.keys() - {p.name for p in parameters}
        if unknown:
            raise RuntimeError(f"trace: concrete_args names {sorted(unknown)}, which are not arguments")
        parameters.sort(key=lambda p: p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD))
        for p in parameters:
            stars = "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""
            default = concrete.get(p.name, p.default)
            proxy = self.create_proxy(
                "placeholder", stars + p.name, () if default is p.empty else (default,), {}
            )
            given.append(concrete.get(p.name, proxy))
        return given


def _all_positional(function: Callable) -> Callable:
    """The function with its keyword-only, * and ** arguments as plain ones: a proxy may stand for each of them."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    stars = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    if code is None or not (code.co_flags & stars or code.co_kwonlyargcount):
        return function
    count = code.co_argcount + code.co_kwonlyargcount + bin(code.co_flags & stars).count("1")
    plain = code.replace(co_flags=code.co_flags & ~stars, co_argcount=count, co_kwonlyargcount=0)
    return FunctionType(plain, function.__globals__, function.__name__, None, function.__closure__)


def _forward_with_hooks(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    hooks = type(module)._call_with_hooks
    return hooks(module, args, kwargs)


def symbolic_trace(root: nn.Module | Callable, concrete_args: dict[str, Any] | None = None) -> GraphModule:
    """A module that does what `root` does, by a graph that can be read and changed."""
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, nn.Module) else getattr(root, "__name__", "GraphModule")
    return GraphModule(tracer.root, graph, name)
