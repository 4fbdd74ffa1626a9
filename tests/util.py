"""The module under test, and what the loops over the catalogue need: tensors, references, comparison.

TT_MODULE names the module under test; with TT_MODULE=torch the very same checks run against PyTorch.
"""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
from catalog.row import (
    ALL,
    DISCRETE,
    STORAGE,
    Dtype,
    Op,
    Operand,
    Sample,
    category,
    is_float,
    promote,
    round_to,
)

MODULE = os.environ.get("TT_MODULE", "tinytensor")
torch = importlib.import_module(MODULE)
STAND_IN = MODULE == "torch"


def find_peer() -> ModuleType | None:
    """PyTorch, when it is there and is not itself under test."""
    if STAND_IN:
        return None
    try:
        return importlib.import_module("torch")
    except ImportError:
        return None


TOLERANCE = {  # relative, absolute
    "float64": (1e-9, 1e-10),
    "float32": (1e-5, 2e-6),
    "float16": (2e-3, 2e-3),
    "bfloat16": (1.6e-2, 1e-2),
}

LAYOUTS = ("contiguous", "transposed", "stepped", "expanded")


def dtype_name(tensor: Any) -> str:
    return str(tensor.dtype).rpartition(".")[2]


def is_tensor(value: Any) -> bool:
    return hasattr(value, "requires_grad")


def to_numpy(tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    if STAND_IN and tensor._is_zerotensor():
        return tensor.numpy(force=True)
    return (tensor.float() if dtype_name(tensor) == "bfloat16" else tensor).numpy()


def transform(value: Any, change: Callable[[Any], Any]) -> Any:
    """`change` applied to every operand and dtype inside nested arguments."""
    if isinstance(value, (Operand, Dtype)):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)(transform(item, change) for item in value)
    if isinstance(value, dict):
        return {key: transform(item, change) for key, item in value.items()}
    return value


def transform_sample(sample: Sample, change: Callable[[Any], Any]) -> Sample:
    return replace(sample, args=transform(sample.args, change), kwargs=transform(sample.kwargs, change))


def operands(sample: Sample) -> list[Operand]:
    found: list[Operand] = []
    transform(
        (sample.args, sample.kwargs), lambda leaf: found.append(leaf) if isinstance(leaf, Operand) else None
    )
    return found


def numbers(sample: Sample) -> list[Any]:
    return [v for v in sample.args if isinstance(v, (bool, int, float))]


def tensor_of(
    module: ModuleType, operand: Operand, layout: str = "contiguous", buffers: list | None = None
) -> Any:
    """The operand as a tensor in the given memory layout; buffers receives what stepped tensors lie in."""
    array = operand.array
    if layout == "transposed":
        tensor = module.from_numpy(np.array(array.T, order="C", copy=True)).permute(
            tuple(range(array.ndim))[::-1]
        )
    elif layout == "stepped":
        buffer = np.full(
            [2 * size + 2 for size in array.shape], 77 if array.dtype != bool else True, array.dtype
        )
        window = (slice(1, -1, 2),) * array.ndim
        buffer[window] = array
        whole = module.from_numpy(buffer)
        tensor = whole[window] if array.ndim else whole
        if buffers is not None:
            buffers.append((buffer, window))
    elif layout == "expanded" and array.ndim and array.shape[0]:
        tensor = module.from_numpy(array[:1].copy()).expand(array.shape)
    else:
        tensor = module.from_numpy(array.copy())
    return tensor if operand.dtype != "bfloat16" else tensor.to(module.bfloat16)


def laid_out(operand: Operand, layout: str) -> Operand:
    """An expanded tensor repeats its first row: the operand with the values it then has."""
    if layout != "expanded" or not operand.array.ndim or not operand.array.shape[0]:
        return operand
    return replace(operand, array=np.broadcast_to(operand.array[:1], operand.shape).copy())


def materialise(
    module: ModuleType, sample: Sample, layout: str = "contiguous", tensors: list | None = None
) -> Sample:
    """The sample with tensors of `module`; `tensors` receives the ones made of data, in order."""

    def change(leaf: Operand | Dtype) -> Any:
        if isinstance(leaf, Dtype):
            return getattr(module, leaf.name)
        tensor = tensor_of(module, leaf, layout if leaf.drawn else "contiguous")
        if tensors is not None:
            tensors.append((leaf, tensor))
        return tensor

    return transform_sample(sample, change)


def find_function(module: ModuleType, name: str) -> Callable[..., Any]:
    for part in name.split("."):
        module = getattr(module, part)
    return module  # type: ignore[return-value]


def form(op: Op, kind: str, module: ModuleType) -> Callable[..., Any]:
    """The callable behind one spelling: f function, m method, i in-place method."""
    if kind == "f":
        return find_function(module, op.name)
    name = op.name + ("_" if kind == "i" else "")
    return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def primary(op: Op, module: ModuleType) -> Callable[..., Any]:
    """The op as a function that leaves its arguments alone."""
    if op.call is not None:
        return lambda *args, **kwargs: op.call(module, *args, **kwargs)
    call = form(op, "f" if "f" in op.forms else "m" if "m" in op.forms else "i", module)
    if op.changes_self or ("f" not in op.forms and "m" not in op.forms):
        return lambda x, *args, **kwargs: call(x.clone(), *args, **kwargs)
    return call


def invoke(op: Op, module: ModuleType, sample: Sample) -> Any:
    return primary(op, module)(*sample.args, **sample.kwargs)


def result_dtype(rule: str, sample: Sample, dtype: str, reference: Any) -> str:
    asked = sample.kwargs.get("dtype")
    if isinstance(asked, Dtype):
        return asked.name
    if rule == "same":
        return dtype
    if rule == "float":
        return dtype if is_float(dtype) else "float32"
    if rule == "sum":
        return "int64" if dtype in DISCRETE else dtype
    if rule == "truth":
        return "uint8" if dtype == "uint8" else "bool"
    if rule in ("promote", "promote_float"):
        promoted = promote([*operands(sample), *numbers(sample)])
        return promoted if rule == "promote" or is_float(promoted) else "float32"
    if rule == "promote of data":
        return promote([*(o for o in operands(sample) if o.drawn), *numbers(sample)])
    if rule == "reference":
        return np.asarray(reference).dtype.name
    assert rule in ALL, rule
    return rule


def computing_dtype(op: Op, sample: Sample, dtype: str) -> str | None:
    """The dtype to which the op converts its data first; None: each operand keeps its own."""
    rule = sample.result or op.result
    if isinstance(rule, tuple) or rule == "reference" or (rule == "same" and not op.promotes):
        rule = "same"
    elif op.promotes and rule == "bool":
        rule = "promote"
    if isinstance(sample.kwargs.get("dtype"), Dtype) or rule in (
        "promote",
        "promote_float",
        "promote of data",
        "float",
        "sum",
    ):
        return result_dtype(rule, sample, dtype, None)
    return None


def wanted(op: Op, sample: Sample, dtype: str) -> Any:
    """What the NumPy reference gives, rounded to the dtypes the op must give."""
    target = computing_dtype(op, sample, dtype)

    def change(leaf: Operand | Dtype) -> Any:
        if isinstance(leaf, Dtype):
            return leaf.name
        if op.native:
            return leaf.array
        kind = target if leaf.drawn and target else leaf.dtype
        return leaf.array.astype(np.float64 if is_float(kind) else STORAGE[kind])

    plain = transform_sample(sample, change)
    kwargs = {k: v for k, v in plain.kwargs.items() if k != "dtype" or op.result == "reference"}
    with np.errstate(all="ignore"):
        result = op.reference(*plain.args, **kwargs)
    return rounded(result, sample.result or op.result, sample, dtype)


def rounded(result: Any, rule: Any, sample: Sample, dtype: str) -> Any:
    if isinstance(result, (tuple, list)) and any(
        isinstance(item, (np.ndarray, np.generic)) for item in result
    ):
        rules = rule if isinstance(rule, tuple) else (rule,) * len(result)
        return tuple(rounded(item, one, sample, dtype) for item, one in zip(result, rules, strict=True))
    if not isinstance(result, (np.ndarray, np.generic)):
        return result
    name = result_dtype(rule, sample, dtype, result)
    return Operand(round_to(result, name), name)


def assert_same(
    actual: Any, expected: Any, tolerance: float = 1.0, shape_only: bool = False, note: Any = ""
) -> None:
    """`expected` is what `wanted` gave: operands, tuples of them, or plain Python values."""
    if isinstance(expected, Operand):
        assert is_tensor(actual), f"{note}: a tensor is due, got {type(actual)}"
        assert dtype_name(actual) == expected.dtype, f"{note}: dtype {actual.dtype}, due {expected.dtype}"
        assert tuple(actual.shape) == expected.shape, (
            f"{note}: shape {tuple(actual.shape)}, due {expected.shape}"
        )
        if not shape_only:
            assert_close(to_numpy(actual), expected.array, expected.dtype, tolerance, note)
    elif isinstance(expected, tuple) and any(isinstance(item, Operand) for item in expected):
        assert len(actual) == len(expected), f"{note}: {len(actual)} results, due {len(expected)}"
        for one, due in zip(actual, expected, strict=True):
            assert_same(one, due, tolerance, shape_only, note)
    elif isinstance(expected, np.ndarray):
        np.testing.assert_array_equal(actual, expected)
    else:
        assert isinstance(actual, type(expected)) and actual == expected, (
            f"{note}: {actual!r}, due {expected!r}"
        )


def assert_close(
    actual: np.ndarray, expected: np.ndarray, dtype: str, tolerance: float, note: Any = ""
) -> None:
    if not is_float(dtype):
        np.testing.assert_array_equal(actual, expected, err_msg=str(note))
        return
    relative, absolute = TOLERANCE[dtype]
    np.testing.assert_allclose(
        actual.astype(np.float64),
        expected.astype(np.float64),
        rtol=relative * tolerance,
        atol=absolute * tolerance,
        err_msg=str(note),
    )


def flatten(result: Any) -> list[Any]:
    if is_tensor(result):
        return [result]
    if isinstance(result, (list, tuple)):
        return list(itertools.chain.from_iterable(flatten(item) for item in result))
    return []


def can_cast(source: str, target: str) -> bool:
    """A result may be written into a tensor of its own or a higher category (bool < integer < float)."""
    return category(source) <= category(target)


def usual_dtype(op: Op) -> str:
    return next(d for d in ("float32", "int64", "float64", "bool", *ALL) if d in op.dtypes)


def samples_of(op: Op, dtype: str) -> Iterator[tuple[int, Sample]]:
    return enumerate(op.samples(op.draw(dtype)))
