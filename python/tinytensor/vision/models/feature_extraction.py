"""The values inside a model as its results."""

from __future__ import annotations

import inspect
import math
import re
import warnings
from collections.abc import Callable
from typing import Any

from ... import fx, nn
from .. import ops

__all__ = ["create_feature_extractor", "get_graph_node_names"]

_LAYERS_OF_OPS = tuple(c for _, c in inspect.getmembers(ops, inspect.isclass) if issubclass(c, nn.Module))


class _PathTracer(fx.Tracer):
    """Records beside each node where in the tree of modules it was made: layer1.0.add, layer1.0.relu_1."""

    def __init__(self, *args: Any, leaf_modules: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.leaf_modules = tuple(leaf_modules or ())
        self.paths: dict[fx.Node, str] = {}
        self._inside: list[str] = [""]

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, self.leaf_modules) or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        self._inside.append(self.path_of_module(m))
        try:
            return super().call_module(m, forward, args, kwargs)
        finally:
            self._inside.pop()

    def create_node(self, kind: str, *args: Any, **kwargs: Any) -> fx.Node:
        node = super().create_node(kind, *args, **kwargs)
        self.paths[node] = self._path_of(node)
        return node

    def _path_of(self, node: fx.Node) -> str:
        inside = self._inside[-1]
        path = inside if node.op == "call_module" else f"{inside}.{node}" if inside else str(node)
        # The graph counts equal names over the whole model; here they count within their module.
        stem = re.sub(r"_\d+$", "", path)
        for earlier in reversed(self.paths.values()):
            if match := re.fullmatch(re.escape(stem) + r"(?:_(\d+))?", earlier):
                return f"{stem}_{int(match[1] or 0) + 1}"
        return stem


class _Recorded:
    """The graphs of a model in training and in evaluation, by `training`, and the paths of their nodes."""

    def __init__(self, model: nn.Module, tracer_kwargs: dict[str, Any] | None, concrete_args: Any) -> None:
        options = {"autowrap_modules": (math, ops), "leaf_modules": _LAYERS_OF_OPS, **(tracer_kwargs or {})}
        was_training = {module: module.training for module in model.modules()}
        self.graphs: dict[bool, fx.Graph] = {}
        self.nodes: dict[bool, dict[str, fx.Node]] = {}
        try:
            for training in (True, False):
                tracer = _PathTracer(**options)
                self.graphs[training] = tracer.trace(model.train(training), concrete_args)
                self.nodes[training] = {p: node for node, p in tracer.paths.items() if node.op != "output"}
        finally:
            for module, training in was_training.items():
                module.training = training

    def warn_of_difference(self) -> None:
        train, evaluation = (list(self.nodes[training]) for training in (True, False))
        if train != evaluation:
            warnings.warn(
                "the nodes in training and in evaluation mode differ: name them apart, by train_return_nodes and "
                "eval_return_nodes, or return only such as are in both (suppress_diff_warning=True silences this)",
                stacklevel=4,
            )


def get_graph_node_names(
    model: nn.Module,
    tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> tuple[list[str], list[str]]:
    """The names of the nodes in order of execution: in training mode, in evaluation mode."""
    recorded = _Recorded(model, tracer_kwargs, concrete_args)
    if not suppress_diff_warning:
        recorded.warn_of_difference()
    return list(recorded.nodes[True]), list(recorded.nodes[False])


class DualGraphModule(fx.GraphModule):
    """A module with a graph for training and another for evaluation."""

    def __init__(self, root: nn.Module, graphs: dict[bool, fx.Graph], class_name: str) -> None:
        super().__init__(root, graphs[True], class_name)
        self._take_parts(root, graphs[False])
        self._graphs = graphs
        self.train(root.training)

    def train(self, mode: bool = True) -> DualGraphModule:
        self.graph = self._graphs[mode]
        return super().train(mode)


def _by_name(nodes: list[str] | dict[str, str]) -> dict[str, str]:
    return (
        {str(k): str(v) for k, v in nodes.items()}
        if isinstance(nodes, dict)
        else {str(n): str(n) for n in nodes}
    )


def _last_under(nodes: dict[str, fx.Node], name: str) -> fx.Node:
    """The node of this name or, where it is the name of a module, the last one inside."""
    for path, node in reversed(nodes.items()):
        if path == name or path.startswith(f"{name}."):
            return node
    raise ValueError(
        f"node: {name!r} is not present in model. get_graph_node_names tells which nodes are there, in training and in "
        "evaluation mode: where those differ, train_return_nodes and eval_return_nodes name them apart"
    )


def _return_only(graph: fx.Graph, results: dict[str, fx.Node]) -> None:
    for node in graph.find_nodes(op="output"):
        graph.erase_node(node)
    graph.output(results)
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))


def create_feature_extractor(
    model: nn.Module,
    return_nodes: list[str] | dict[str, str] | None = None,
    train_return_nodes: list[str] | dict[str, str] | None = None,
    eval_return_nodes: list[str] | dict[str, str] | None = None,
    tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> fx.GraphModule:
    """A module with the model's parts that returns a dict of values from inside it.

    `return_nodes` names nodes, or modules for the last node inside them; as a dict it also says under which key their
    values come. What no result needs is left out.
    """
    if (train_return_nodes is None) != (eval_return_nodes is None):
        raise ValueError(
            "If any of train_return_nodes and eval_return_nodes are specified, then both should be specified"
        )
    if (return_nodes is None) == (train_return_nodes is None):
        raise ValueError(
            "Either return_nodes, or train_return_nodes and eval_return_nodes together, should be specified"
        )
    recorded = _Recorded(model, tracer_kwargs, concrete_args)
    if return_nodes is not None and not suppress_diff_warning:
        recorded.warn_of_difference()
    wanted = {True: train_return_nodes or return_nodes, False: eval_return_nodes or return_nodes}
    for training, names in wanted.items():
        nodes = recorded.nodes[training]
        results = {key: _last_under(nodes, name) for name, key in _by_name(names).items()}  # type: ignore[arg-type]
        _return_only(recorded.graphs[training], results)
    return DualGraphModule(model, recorded.graphs, type(model).__name__)
