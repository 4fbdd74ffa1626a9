"""Names that PyTorch does not document but libraries for it import."""

from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import get_args

import pytest
import tinytensor as torch
from tinytensor.optim import optimizer
from tinytensor.utils import _pytree, model_zoo

Pair = namedtuple("Pair", "x y")


def test_trees():
    tree = {
        "b": [1, (2, Pair(3, None))],
        "a": OrderedDict(z=deque([4], maxlen=3)),
        "d": defaultdict(list, k=5),
    }
    leaves, shape = _pytree.tree_flatten(tree)
    assert leaves == [1, 2, 3, None, 4, 5] == _pytree.tree_leaves(tree) and shape.num_leaves == 6
    again = _pytree.tree_unflatten(leaves, shape)
    assert again == tree and again["a"]["z"].maxlen == 3 and again["d"].default_factory is list
    assert type(again["b"][1][1]) is Pair and shape == _pytree.tree_structure(
        again
    ) != _pytree.tree_structure([1])
    assert _pytree.tree_map(lambda a, b: a + b, [1, {"k": 2}], [10, {"k": 20}]) == [11, {"k": 22}]
    assert _pytree.tree_map_only(int, str, [1, "a", 2.0]) == ["1", "a", 2.0]
    assert _pytree.tree_all(bool, [1, [2]]) and not _pytree.tree_any(bool, [0, []])
    assert _pytree.tree_map(len, [[1, 2], [3]], is_leaf=lambda x: x and isinstance(x[0], int)) == [2, 1]
    with pytest.raises(ValueError, match="1 leaves do not fit"):
        _pytree.tree_unflatten([1], shape)
    with pytest.raises(ValueError, match="different shapes"):
        _pytree.tree_map(max, [1], (1,))


def test_classes_can_be_made_trees():
    class Box:
        def __init__(self, content):
            self.content = content

    _pytree.register_pytree_node(Box, lambda box: ([box.content], None), lambda parts, _: Box(*parts))
    assert _pytree.tree_map(lambda x: x + 1, [Box(1), 2])[0].content == 2
    with pytest.raises(ValueError, match="already registered"):
        _pytree.register_pytree_node(Box, lambda box: ([], None), lambda parts, _: Box(None))


def test_an_optimizer_written_after_pytorchs_own():
    class Descent(optimizer.Optimizer):
        def __init__(self, params, lr=0.5):
            super().__init__(params, {"lr": lr, "differentiable": False})

        @optimizer._use_grad_for_differentiable
        def step(self, closure=None):
            assert not torch.is_grad_enabled()
            for group in self.param_groups:
                foreach = optimizer._default_to_fused_or_foreach(group["params"], False, use_fused=True)
                assert foreach == (False, False)
                rows = [group["params"], [p.grad for p in group["params"]]]
                for (params, grads), _ in self._group_tensors_by_device_and_dtype(rows).values():
                    torch._foreach_add_(params, grads, alpha=-optimizer._get_value(torch.tensor(group["lr"])))

    single, double = torch.ones(2, requires_grad=True), torch.ones(1, dtype=torch.float64, requires_grad=True)
    descent = Descent([single, double])
    (single.sum() + 2 * double.sum()).backward()
    descent.step()
    assert single.tolist() == [0.5, 0.5] and double.tolist() == [0.0] and torch.is_grad_enabled()


def test_older_places():
    assert model_zoo.load_url is torch.hub.load_state_dict_from_url
    from tinytensor.jit.annotations import List, Optional

    assert get_args(Optional[List[int]]) == (List[int], type(None))


def test_progress_bars():
    tqdm = pytest.importorskip("tqdm")
    from tinytensor.hub import tqdm as bar

    assert bar is tqdm.tqdm and not hasattr(torch.hub, "no_such_name")


def test_the_home_of_downloads(monkeypatch):
    monkeypatch.setenv("TORCH_HOME", "/somewhere")
    assert torch.hub._get_torch_home() == "/somewhere"
