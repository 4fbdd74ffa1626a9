"""ONNX files checked with the onnx package and run with onnxruntime, both of which must be there."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from util import torch

nn = torch.nn
onnx_package = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def runner(data: bytes) -> Callable[[dict[str, Any]], list[Any]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    used = {port.name for port in session.get_inputs()}
    return lambda inputs: session.run(None, {name: value for name, value in inputs.items() if name in used})


def tensors_in(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return [value]
    values = value.values() if isinstance(value, dict) else value
    return [tensor for one in values for tensor in tensors_in(one)]


def compare(found: Any, wanted: Any, tolerance: float) -> None:
    wanted = wanted.numpy()
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    if wanted.dtype.kind != "f":
        assert np.array_equal(found, wanted)
        return
    finite = np.abs(wanted[np.isfinite(wanted)])
    np.testing.assert_allclose(
        found, wanted, rtol=tolerance, atol=tolerance * (finite.max() if finite.size else 1)
    )


def check(
    model: Any,
    args: Any,
    others: Any = (),
    axes: Any = None,
    opset: int | None = None,
    tolerance: float = 1e-4,
) -> None:
    """`axes` are the dynamic ones: of all inputs, or a list with those of each."""
    args = args if isinstance(args, tuple) else (args,)
    names = [f"x{place}" for place in range(len(args))]
    each = axes if isinstance(axes, list) else [axes or ()] * len(args)
    titles = {name: {axis: f"{name}_{axis}" for axis in own} for name, own in zip(names, each)}
    if isinstance(model, nn.Module):
        model.eval()
    file = io.BytesIO()
    torch.onnx.export(model, args, file, input_names=names, dynamic_axes=titles, opset_version=opset)
    data = file.getvalue()
    onnx_package.checker.check_model(onnx_package.load_from_string(data), full_check=True)
    run = runner(data)
    for given in (args, *(one if isinstance(one, tuple) else (one,) for one in others)):
        with torch.no_grad():
            wanted = tensors_in(model(*(one.clone() for one in given)))
        found = run({name: one.numpy() for name, one in zip(names, given)})
        for one, other in zip(found, wanted, strict=True):
            compare(one, other, tolerance)
