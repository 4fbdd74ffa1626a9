"""The device "meta": results have the sizes, types and strides that they have elsewhere, and no values."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from catalog.row import Op
from rows import rows
from util import MODULE, STAND_IN, flatten, invoke, is_tensor, materialise, samples_of, torch, usual_dtype

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(STAND_IN or MODULE != "tinytensor", reason="compares tinytensor with itself"),
]

# What can only be done with values, and losses and layers whose values are looked at on the way.
NEEDS_VALUES = {
    *(
        "__bool__",
        "__contains__",
        "__float__",
        "__int__",
        "item",
        "tolist",
        "numpy",
        "cpu",
        "equal",
        "allclose",
    ),
    *("nonzero", "argwhere", "unique", "unique_consecutive", "masked_select", "masked_scatter", "is_nonzero"),
    *(
        "bincount",
        "histc",
        "repeat_interleave",
        "combinations",
        "isin",
        "quantile",
        "nanquantile",
        "multinomial",
    ),
    *("igamma", "igammac", "normal", "to", "where", "__getitem__", "__setitem__", "index_put", "gru", "lstm"),
    *("rnn_relu", "rnn_tanh"),
    *(
        f"nn.functional.{name}"
        for name in (
            *(
                "cross_entropy",
                "nll_loss",
                "ctc_loss",
                "embedding_bag",
                "gaussian_nll_loss",
                "multilabel_margin_loss",
            ),
            *(
                "fractional_max_pool2d",
                "fractional_max_pool3d",
                "max_unpool1d",
                "max_unpool2d",
                "max_unpool3d",
            ),
        )
    ),
}


def on_meta(value: Any, needs_grad: bool = False) -> Any:
    if is_tensor(value):
        return value.to("meta").requires_grad_(needs_grad and value.is_floating_point())
    if isinstance(value, (list, tuple)):
        return type(value)(on_meta(one, needs_grad) for one in value)
    if isinstance(value, dict):
        return {name: on_meta(one, needs_grad) for name, one in value.items()}
    return value


def looks(result: Any) -> list:
    tensors = [x for x in flatten(result) if is_tensor(x)]
    return [(x.shape, x.dtype, x.stride() if x.numel() else None) for x in tensors]


@rows()
def test_results_look_alike(op: Op) -> None:
    for number, sample in samples_of(op, usual_dtype(op)):
        real = materialise(torch, sample)
        meta = replace(real, args=on_meta(real.args), kwargs=on_meta(real.kwargs))
        expected = invoke(op, torch, real)
        try:
            actual = invoke(op, torch, meta)
        except (NotImplementedError, RuntimeError, TypeError):
            assert op.name in NEEDS_VALUES, (number, sample)
            continue
        assert looks(actual) == looks(expected), (number, sample)


@rows()
def test_gradients_look_alike(op: Op) -> None:
    """Where values decide what a gradient looks like, an error says so."""
    for number, sample in samples_of(op, usual_dtype(op)):
        meta = materialise(torch, sample)
        meta = replace(meta, args=on_meta(meta.args, True), kwargs=on_meta(meta.kwargs, True))
        with contextlib.suppress(RuntimeError, TypeError):
            results = [x for x in flatten(invoke(op, torch, meta)) if is_tensor(x) and x.requires_grad]
            torch.autograd.backward([x.sum() for x in results])
        for x in flatten((meta.args, meta.kwargs)):
            if is_tensor(x) and x.is_leaf and x.grad is not None:
                assert x.grad.is_meta and x.grad.shape == x.shape, (number, sample)


def test_tensors_without_values() -> None:
    device = torch.device("meta")
    assert (repr(device), str(device), device.index) == ("device(type='meta')", "meta", None)
    x = torch.arange(6.0, device="meta").reshape(2, 3)
    assert x.is_meta and not x.is_cpu and not x.is_cuda and x.get_device() == -1
    assert x.data_ptr() == 0 and x.untyped_storage().nbytes() == 24
    assert repr(x) == "tensor(..., device='meta', size=(2, 3))"
    assert repr(x.long()) == "tensor(..., device='meta', size=(2, 3), dtype=torch.int64)"
    for values in (x.cpu, x.tolist, x.sum().item, lambda: torch.ones(2, 3).copy_(x), x.nonzero):
        with pytest.raises(NotImplementedError, match="meta"):
            values()
    with pytest.raises(RuntimeError, match="same device"):
        x + torch.ones(2, 3)
    assert (x * torch.tensor(2.0)).is_meta
    assert x.copy_(torch.ones(2, 3)) is x and torch.empty_like(x, device="cpu").shape == (2, 3)


def test_random_numbers_are_not_drawn() -> None:
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    torch.randn(5, device="meta").uniform_()
    torch.nn.Linear(3, 3, device="meta")
    assert torch.equal(torch.rand(1), first)


def test_modules() -> None:
    with torch.device("meta"):
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    assert all(p.is_meta for p in model.parameters())
    assert model(torch.empty(2, 4, device="meta")).shape == (2, 3)
    with pytest.raises(NotImplementedError):
        model.to("cpu")
    weights = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).state_dict()
    model.load_state_dict(weights, assign=True)
    assert model(torch.ones(2, 4)).shape == (2, 3)
    assert torch.nn.Linear(2, 3, device="meta").to_empty(device="cpu").weight.device.type == "cpu"


def test_files_are_read_onto_meta(tmp_path: Any) -> None:
    torch.save({"w": torch.ones(2, 3)}, tmp_path / "w.pt")
    loaded = torch.load(tmp_path / "w.pt", map_location="meta")["w"]
    assert loaded.is_meta and loaded.shape == (2, 3) and loaded.type() == "torch.meta.FloatTensor"
    with pytest.raises(NotImplementedError, match="meta"):
        torch.save(loaded, tmp_path / "m.pt")
    assert f"{loaded.sum()}" == "tensor(..., device='meta', size=())"
