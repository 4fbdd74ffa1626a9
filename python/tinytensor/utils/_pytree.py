"""Nested lists, tuples and dictionaries as one flat list of what they hold."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

PyTree = Any


class _Kind:
    """How one type of container is taken apart into its parts and a context, and made of them again."""

    def __init__(self, flatten: Callable, unflatten: Callable) -> None:
        self.flatten, self.unflatten = flatten, unflatten


def _dict_flatten(d: dict) -> tuple[list, list]:
    """The parts of a dictionary, and its keys."""
    return list(d.values()), list(d)


def _dict_unflatten(values: Iterable, context: Iterable) -> dict:
    """The dictionary of these keys that holds the values."""
    return dict(zip(context, values))


_NAMED_TUPLE = _Kind(lambda tree: (list(tree), type(tree)), lambda parts, made: made(*parts))

SUPPORTED_NODES: dict[type, _Kind] = {
    list: _Kind(lambda tree: (tree, None), lambda parts, _: list(parts)),
    tuple: _Kind(lambda tree: (list(tree), None), lambda parts, _: tuple(parts)),
    dict: _Kind(_dict_flatten, _dict_unflatten),
    OrderedDict: _Kind(
        lambda tree: (list(tree.values()), list(tree)), lambda parts, keys: OrderedDict(zip(keys, parts))
    ),
    defaultdict: _Kind(
        lambda tree: (list(tree.values()), [tree.default_factory, list(tree)]),
        lambda parts, context: defaultdict(context[0], zip(context[1], parts)),
    ),
    deque: _Kind(lambda tree: (list(tree), tree.maxlen), lambda parts, longest: deque(parts, maxlen=longest)),
}


def register_pytree_node(
    cls: type, flatten_fn: Callable[[Any], tuple[list, Any]], unflatten_fn: Callable, **kwargs: Any
) -> None:
    """Makes a class a container. `flatten_fn` hands out its parts and a context that `unflatten_fn` takes after them."""
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node")
    SUPPORTED_NODES[cls] = _Kind(flatten_fn, unflatten_fn)


def _dict_flatten_with_keys(tree: dict) -> tuple[list, list]:
    """The parts of a dictionary with their keys, and its context."""
    return list(tree.items()), list(tree)


def _kind_of(tree: Any) -> _Kind | None:
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return SUPPORTED_NODES.get(type(tree), _NAMED_TUPLE)
    return SUPPORTED_NODES.get(type(tree))


class TreeSpec:
    """The shape of a tree: the type of a container, its context and the shapes of its parts."""

    def __init__(self, type: type | None, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_children = len(children_specs)
        self.num_leaves: int = 1 if type is None else sum(child.num_leaves for child in children_specs)
        self.num_nodes: int = 1 + sum(child.num_nodes for child in children_specs)

    def is_leaf(self) -> bool:
        return self.type is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TreeSpec) and (self.type, self.context, self.children_specs) == (
            other.type,
            other.context,
            other.children_specs,
        )

    def __hash__(self) -> int:
        return hash((self.type, self.num_leaves, tuple(self.children_specs)))

    def __repr__(self) -> str:
        if self.type is None:
            return "*"
        return f"TreeSpec({self.type.__name__}, {self.context}, {self.children_specs})"


class LeafSpec(TreeSpec):
    def __init__(self) -> None:
        super().__init__(None, None, [])


def _flatten(tree: Any, leaves: list, is_leaf: Callable[[Any], bool] | None) -> TreeSpec:
    kind = None if is_leaf is not None and is_leaf(tree) else _kind_of(tree)
    if kind is None:
        leaves.append(tree)
        return LeafSpec()
    parts, context = kind.flatten(tree)
    return TreeSpec(type(tree), context, [_flatten(part, leaves, is_leaf) for part in parts])


def tree_flatten(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list, TreeSpec]:
    """What a tree holds, in order, and its shape."""
    leaves: list = []
    return leaves, _flatten(tree, leaves, is_leaf)


def _unflatten(leaves: Any, treespec: TreeSpec) -> PyTree:
    if treespec.type is None:
        return next(leaves)
    parts = [_unflatten(leaves, child) for child in treespec.children_specs]
    kind = SUPPORTED_NODES.get(treespec.type, _NAMED_TUPLE)
    return kind.unflatten(parts, treespec.context)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The tree of a shape that holds these."""
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten: {len(leaves)} leaves do not fit a tree of {treespec.num_leaves} leaves: {treespec}"
        )
    return _unflatten(iter(leaves), treespec)


def tree_leaves(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> list:
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    return tree_flatten(tree, is_leaf)[1]


def tree_map(
    func: Callable, tree: PyTree, *rests: PyTree, is_leaf: Callable[[Any], bool] | None = None
) -> PyTree:
    """The tree of what the function makes of each leaf, and of the leaves of `rests` in the same places."""
    leaves, shape = tree_flatten(tree, is_leaf)
    columns = [leaves]
    for rest in rests:
        others, other_shape = tree_flatten(rest, is_leaf)
        if other_shape != shape:
            raise ValueError(f"tree_map: the trees have different shapes: {shape} and {other_shape}")
        columns.append(others)
    return tree_unflatten([func(*row) for row in zip(*columns)], shape)


def tree_map_(func: Callable, tree: PyTree, *rests: PyTree, is_leaf: Any = None) -> PyTree:
    """Calls the function with each leaf and hands back the tree."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _accepts(kinds: Any) -> Callable[[Any], bool]:
    if isinstance(kinds, (type, tuple)) or hasattr(kinds, "__args__"):
        return lambda leaf: isinstance(leaf, kinds)
    return kinds


def tree_map_only(kinds: Any, func: Any = None, tree: PyTree = None, /, *, is_leaf: Any = None) -> PyTree:
    """tree_map for the leaves of some types; the others stay."""
    accepts = _accepts(kinds)
    return tree_map(lambda leaf: func(leaf) if accepts(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: PyTree, is_leaf: Any = None) -> bool:
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: PyTree, is_leaf: Any = None) -> bool:
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all_only(kinds: Any, pred: Any, tree: PyTree, /, is_leaf: Any = None) -> bool:
    accepts = _accepts(kinds)
    return all(pred(leaf) for leaf in tree_leaves(tree, is_leaf) if accepts(leaf))


def tree_any_only(kinds: Any, pred: Any, tree: PyTree, /, is_leaf: Any = None) -> bool:
    accepts = _accepts(kinds)
    return any(pred(leaf) for leaf in tree_leaves(tree, is_leaf) if accepts(leaf))
