"""`torch._foreach_*`: what they make of each tensor of a list, and PyTorch as a peer."""

import numpy as np
import pytest
import tinytensor as torch
from tinytensor import _foreach

CALLS = {
    "add": [(1.5,), ([1.0, 2.0],), ("tensors",)],
    "sub": [(1.5,), ("tensors",)],
    "mul": [(2,), ([3.0, 2.0],), ("tensors",), ("tensor",)],
    "div": [(2,), ("tensors",), ("tensor",)],
    "maximum": [(0.5,), ("tensors",), ([0.1, 0.9],)],
    "minimum": [(0.5,), ("tensors",)],
    "clamp_min": [(0.5,), ("tensors",)],
    "clamp_max": [(0.5,), ("tensors",)],
    "lerp": [("tensors", 0.25), ("tensors", "tensors")],
    "pow": [(2.0,), ("tensors",), ([2.0, 3.0],)],
    "addcmul": [("tensors", "tensors"), ("tensors", "tensors", 2.0), ("tensors", "tensors", [2.0, 3.0])],
    "addcdiv": [("tensors", "tensors"), ("tensors", "tensors", -0.5)],
    "norm": [(), (1,)],
}


def arrays():
    rng = np.random.default_rng(0)
    return [rng.uniform(0.2, 0.9, (3,)).astype(np.float32), rng.uniform(0.2, 0.9, (2, 2)).astype(np.float32)]


def arguments(library, given):
    words = {"tensors": [library.from_numpy(x + 0.1) for x in arrays()], "tensor": library.tensor(1.5)}
    return [words[x] if isinstance(x, str) else x for x in given]


def results(library, name, given):
    tensors = [library.from_numpy(x) for x in arrays()]
    found = getattr(library, f"_foreach_{name}")(tensors, *arguments(library, given))
    if name.endswith("_"):
        assert all(x is y for x, y in zip(found, tensors))
    return [x.numpy() for x in found]


def cases():
    for name in sorted(_foreach.NAMES):
        op = name.removeprefix("_foreach_")
        for given in CALLS.get(op.removesuffix("_"), [("tensors",) if op == "copy_" else ()]):
            yield pytest.param(op, given, id=f"{op}-{given}")


@pytest.mark.parametrize("name, given", list(cases()))
def test_against_pytorch(name, given):
    other = pytest.importorskip("torch")
    for ours, theirs in zip(results(torch, name, given), results(other, name, given), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7)


def test_each_tensor_is_taken_with_its_own_argument():
    tensors = [torch.tensor([1.0, 2.0]), torch.tensor([3.0])]
    assert [x.tolist() for x in torch._foreach_mul(tensors, [2, 3])] == [[2.0, 4.0], [9.0]]
    assert torch._foreach_add_(tensors, tensors, alpha=2) is tensors
    assert [x.tolist() for x in tensors] == [[3.0, 6.0], [9.0]]
    torch._foreach_addcdiv_(tensors, tensors, tensors, torch.tensor([1.0, 2.0]))
    assert [x.tolist() for x in tensors] == [[4.0, 7.0], [11.0]]
    assert [x.tolist() for x in torch._foreach_pow(2.0, tensors)] == [[16.0, 128.0], [2048.0]]
    assert [x.item() for x in torch._foreach_norm(tensors, 1)] == [11.0, 11.0]


def test_lists_that_do_not_fit():
    tensors = [torch.ones(2), torch.ones(3)]
    with pytest.raises(RuntimeError, match="got 2 and 1"):
        torch._foreach_add(tensors, tensors[:1])
    with pytest.raises(RuntimeError, match="at least one tensor"):
        torch._foreach_add([], 1)
    with pytest.raises(TypeError):
        torch._foreach_sqrt(tensors, 3)
    with pytest.raises(AttributeError):
        _ = torch._foreach_nonsense
