"""Running rows of the catalogue with their tensors on a CUDA device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from catalog.row import Op, Sample
from util import flatten, invoke, is_tensor, materialise, torch

CHECKED: Counter[str] = Counter()  # results compared, by op


def laid_out_on_device(x: Any, layout: str) -> Any:
    """A CPU tensor as one on the device, in the given memory layout."""
    y = x.cuda()
    if layout == "transposed":
        turned = tuple(range(x.dim()))[::-1]
        return y.permute(turned).contiguous().permute(turned)
    if layout == "stepped" and x.dim():
        buffer = torch.ones([2 * size + 2 for size in x.shape], dtype=x.dtype, device="cuda")
        window = buffer[(slice(1, -1, 2),) * x.dim()]
        return window.copy_(y)
    if layout == "expanded" and x.dim() and x.shape[0]:
        return y[:1].expand(x.shape)
    return y


def map_tensors(value: Any, change: Callable[[Any], Any]) -> Any:
    if is_tensor(value):
        return change(value)
    if isinstance(value, (list, tuple)):
        items = [map_tensors(item, change) for item in value]
        return type(value)(items) if type(value) in (list, tuple) else tuple(items)
    if isinstance(value, dict):
        return {key: map_tensors(item, change) for key, item in value.items()}
    return value


def on_device(sample: Sample, layout: str = "contiguous") -> Sample:
    """The sample with tensors on the device; what is no data of the op stays contiguous."""
    data: list[tuple[Any, Any]] = []
    made = materialise(torch, sample, tensors=data)
    drawn = {id(tensor) for operand, tensor in data if operand.drawn}

    def move(x: Any) -> Any:
        return laid_out_on_device(x, layout if id(x) in drawn else "contiguous")

    return Sample(map_tensors(made.args, move), map_tensors(made.kwargs, move))


def result_on_host(op: Op, sample: Sample) -> Any:
    """What the op gives on the device, brought back."""
    result = invoke(op, torch, sample)
    for y in flatten(result):
        assert y.device.type == "cuda", f"{op.name}: the result is on {y.device}"
    CHECKED[op.name] += 1
    return map_tensors(result, lambda y: y.cpu())
