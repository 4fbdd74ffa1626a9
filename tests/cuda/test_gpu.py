"""The catalogue on a CUDA device: elementwise, comparison, reduction and copy rows against the references, and their
gradients against those of the CPU. test_emulated.py runs this file on emulated kernels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from catalog import convert, elementwise, index, join, pairwise, reduce, scatter, statistics, view
from catalog.row import ALL, Op, Operand
from on_device import laid_out_on_device, map_tensors, on_device, result_on_host
from rows import named, present, takes_strides
from util import (
    STAND_IN,
    assert_close,
    assert_same,
    flatten,
    invoke,
    laid_out,
    materialise,
    operands,
    samples_of,
    to_numpy,
    torch,
    transform_sample,
    usual_dtype,
    wanted,
)

try:
    from tinytensor import cuda
except ImportError:
    pytest.skip("tinytensor itself is not under test", allow_module_level=True)
if STAND_IN or not cuda.is_available():
    pytest.skip("no CUDA device", allow_module_level=True)
pytestmark = pytest.mark.filterwarnings("ignore")

FAMILIES = (elementwise, pairwise, reduce, statistics, convert, view, join, index, scatter)
# Rows that need kernels which are not on CUDA, at least for some arguments: there they must say so.
LATER = {
    *("softmax", "log_softmax", "median", "nanmedian", "kthvalue", "mode", "quantile", "nanquantile"),
    *("igamma", "igammac"),
}
LATER_GRADIENTS = {"prod", "igamma", "igammac"}
BRINGS_HOME = {"to", "cpu", "numpy"}  # the result is on the host


def takes_tensors(op: Op) -> bool:
    return any(operands(sample) for _, sample in samples_of(op, usual_dtype(op)))


ROWS = [
    (name, op)
    for name, op in named(op for family in FAMILIES for op in family.OPS)
    if present(op) and takes_tensors(op) and op.name not in BRINGS_HOME
]


def cases(choices: Any) -> list[Any]:
    return [pytest.param(op, choice, id=f"{name}-{choice}") for name, op in ROWS for choice in choices(op)]


def compare(op: Op, sample: Any, dtype: str, device_sample: Any, note: Any) -> None:
    try:
        result = result_on_host(op, device_sample)
    except RuntimeError as error:
        if op.name not in LATER or "not implemented on cuda" not in str(error):
            raise
        return
    assert_same(result, wanted(op, sample, dtype), op.tolerance, op.shape_only, note)


@pytest.mark.parametrize(("op", "dtype"), cases(lambda op: op.dtypes))
def test_values(op: Op, dtype: str) -> None:
    for number, sample in samples_of(op, dtype):
        compare(op, sample, dtype, on_device(sample), (number, sample))


@pytest.mark.parametrize(
    ("op", "layout"), cases(lambda op: ("transposed", "stepped", "expanded") if takes_strides(op) else ())
)
def test_strides(op: Op, layout: str) -> None:
    dtype = usual_dtype(op)
    for number, sample in samples_of(op, dtype):
        if layout == "expanded" and any(o.separate for o in operands(sample)):
            continue
        seen = transform_sample(
            sample, lambda leaf: laid_out(leaf, layout) if isinstance(leaf, Operand) and leaf.drawn else leaf
        )
        compare(op, seen, dtype, on_device(sample, layout), (number, sample))


@pytest.mark.parametrize(
    ("op", "dtype"),
    cases(lambda op: [d for d in ("float32", "float64") if op.nonfinite and d in op.dtypes]),
)
def test_nonfinite(op: Op, dtype: str) -> None:
    for sample in op.nonfinite(op.draw(dtype)):
        compare(op, sample, dtype, on_device(sample), sample)


@pytest.mark.parametrize(("op", "dtype"), cases(lambda op: [usual_dtype(op)] if op.large else ()))
def test_large(op: Op, dtype: str) -> None:
    """Several blocks, and several passes of a reduction."""
    for sample in op.large(op.draw(dtype)):
        compare(op, sample, dtype, on_device(sample), sample)


@pytest.mark.parametrize(
    ("op", "dtype"), cases(lambda op: ["float64"] if op.order and "float64" in op.dtypes else ())
)
def test_gradients(op: Op, dtype: str) -> None:
    """The gradient through x.cuda() is the one that the CPU finds."""
    for number, sample in samples_of(op, dtype):
        if sample.differentiable:
            try:
                here, there = gradients(op, sample, False), gradients(op, sample, True)
            except RuntimeError as error:
                if op.name not in LATER | LATER_GRADIENTS or "not implemented on cuda" not in str(error):
                    raise
                continue
            assert len(here) == len(there)
            for a, b in zip(here, there, strict=True):
                assert_close(b, a, dtype, op.tolerance, (number, sample))


def gradients(op: Op, sample: Any, cuda: bool) -> list[np.ndarray]:
    data: list[tuple[Operand, Any]] = []
    made = materialise(torch, sample, tensors=data)
    leaves = [x.requires_grad_() for operand, x in data if operand.drawn and operand.dtype == "float64"]
    if cuda:
        made = type(sample)(*map_tensors((made.args, made.kwargs), lambda x: x.cuda()))
    outputs = [y for y in flatten(invoke(op, torch, made)) if y.requires_grad]
    if not outputs:
        return []
    seeds = [torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape).add(1).to(y.device) for y in outputs]
    torch.autograd.backward(outputs, seeds)
    return [to_numpy(x.grad) for x in leaves if x.grad is not None]


# ---- copies


def example(dtype: str, *shape: int) -> Any:
    return torch.arange(int(np.prod(shape, dtype=int))).reshape(shape).to(getattr(torch, dtype))


@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (5,), (3, 4, 5), (2, 1, 3, 1, 2)])
def test_there_and_back(dtype: str, shape: tuple[int, ...]) -> None:
    x = example(dtype, *shape)
    y = x.cuda()
    assert y.is_cuda and y.dtype == x.dtype and y.shape == x.shape and y.device == torch.device("cuda", 0)
    np.testing.assert_array_equal(to_numpy(y.cpu()), to_numpy(x))
    assert y.cuda() is y and x.cpu() is x


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("layout", ["contiguous", "transposed", "stepped", "expanded"])
def test_conversions(source: str, layout: str) -> None:
    x = example(source, 4, 6)
    y = laid_out_on_device(x, layout)
    due = y.cpu()
    for target in ALL:
        converted = y.to(getattr(torch, target))
        assert converted.is_cuda
        np.testing.assert_array_equal(to_numpy(converted.cpu()), to_numpy(due.to(converted.dtype)))


def test_many_dimensions() -> None:
    x = torch.arange(2.0**12).reshape((2,) * 12)
    order = tuple(range(11, -1, -1))
    y = x.cuda().permute(order)
    np.testing.assert_array_equal(to_numpy((y + x.cuda()).cpu()), to_numpy(x.permute(order) + x))
    np.testing.assert_array_equal(to_numpy(y.sum((1, 4, 7)).cpu()), to_numpy(x.permute(order).sum((1, 4, 7))))


# ---- the whole way


def training(device: str) -> Iterator[np.ndarray]:
    x = torch.linspace(-1, 1, 60).reshape(20, 3).to(device)
    target = (x * torch.tensor([1.0, -2.0, 0.5]).to(device)).sum(1)
    weight = torch.zeros(3, device=device, requires_grad=True)
    for _ in range(5):
        loss = ((x * weight).sum(1) - target).square().mean() + 0.01 * weight.abs().max()
        loss.backward()
        with torch.no_grad():
            weight -= 0.5 * weight.grad
            weight.grad = None
        yield to_numpy(weight.cpu())


def test_training() -> None:
    for here, there in zip(training("cpu"), training("cuda"), strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-6)


def test_leaf_on_device() -> None:
    x = torch.ones(3, device="cuda", requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.is_cuda
    np.testing.assert_array_equal(to_numpy(x.grad.cpu()), [2, 2, 2])


def test_sums_are_repeatable_and_accurate() -> None:
    values = np.random.default_rng(0).standard_normal(300_007).astype(np.float32)
    x = torch.from_numpy(values).cuda()
    first, second = x.sum().item(), x.sum().item()
    assert first == second
    np.testing.assert_allclose(first, values.astype(np.float64).sum(), rtol=1e-5, atol=1e-3)


def test_numbers_and_shown_values() -> None:
    x = torch.arange(3, device="cuda")
    assert (x + 1).tolist() == [1, 2, 3] and x[2].item() == 2 and "device='cuda:0'" in repr(x)
    assert (torch.tensor(2.5) * x).tolist() == [0, 2.5, 5]  # a 0-dim tensor may stay on the host


def test_devices_do_not_mix() -> None:
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(3) + torch.ones(3, device="cuda")


def test_integer_division_by_zero() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        torch.ones(3, dtype=torch.int64, device="cuda") // torch.tensor([1, 0, 2]).cuda()


def test_memory_is_counted_and_kept() -> None:
    before = cuda.memory_allocated()
    x = torch.empty(1 << 20, device="cuda")
    assert cuda.memory_allocated() == before + (4 << 20) <= cuda.max_memory_allocated()
    del x
    held = cuda.memory_reserved()
    assert cuda.memory_allocated() == before and held >= 4 << 20
    cuda.empty_cache()
    assert cuda.memory_reserved() < held
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() == cuda.memory_allocated()


def test_out_of_memory_is_an_error_that_passes() -> None:
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        torch.empty(1 << 45, dtype=torch.uint8, device="cuda")
    assert torch.ones(2, device="cuda").sum().item() == 2


def test_facts_of_the_device() -> None:
    assert cuda.device_count() >= 1 and cuda.current_device() == 0 and cuda.get_device_name()
    assert cuda.get_device_properties(0).total_memory > 0 and cuda.get_device_capability() >= (7, 5)
    free, total = cuda.mem_get_info()
    assert 0 <= free <= total
    with cuda.device(0):
        start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        start.record()
        torch.ones(10, device="cuda").sum()
        end.record()
        assert start.elapsed_time(end) >= 0
    cuda.synchronize()
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        cuda.set_device(cuda.device_count())
