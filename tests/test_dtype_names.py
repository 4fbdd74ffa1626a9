"""Types that no tensor has: their objects tell facts, and making a tensor of one is an error."""

import copy
import pickle

import pytest
from util import torch

# name: bytes, floating, complex, signed
FACTS = {
    "complex32": (4, False, True, True),
    "complex64": (8, False, True, True),
    "complex128": (16, False, True, True),
    "float8_e4m3fn": (1, True, False, True),
    "float8_e4m3fnuz": (1, True, False, True),
    "float8_e5m2": (1, True, False, True),
    "float8_e5m2fnuz": (1, True, False, True),
    "float8_e8m0fnu": (1, True, False, False),
    "float4_e2m1fn_x2": (1, True, False, True),
    "uint16": (2, False, False, False),
    "uint32": (4, False, False, False),
    "uint64": (8, False, False, False),
}


@pytest.mark.parametrize("name", FACTS)
def test_facts(name):
    dtype = getattr(torch, name)
    assert (dtype.itemsize, dtype.is_floating_point, dtype.is_complex, dtype.is_signed) == FACTS[name]
    assert str(dtype) == f"torch.{name}" and isinstance(dtype, torch.dtype)
    assert pickle.loads(pickle.dumps(dtype)) is dtype and copy.deepcopy(dtype) is dtype
    assert dtype != torch.float32 and torch.zeros(1).dtype != dtype


@pytest.mark.parametrize("name", FACTS)
def test_no_tensor_has_one(name):
    if torch.__name__ == "torch":
        pytest.skip("PyTorch has them")
    dtype = getattr(torch, name)
    x = torch.zeros(2)
    for make in (
        lambda: torch.zeros(2, dtype=dtype),
        lambda: torch.tensor([1], dtype=dtype),
        lambda: x.to(dtype),
        lambda: x.view(dtype),
        lambda: x.sum(dtype=dtype),
        lambda: torch.promote_types(torch.float32, dtype),
        lambda: torch.set_default_dtype(dtype),
        lambda: torch.nn.Linear(2, 2, dtype=dtype),
        *([lambda: torch.nn.Linear(2, 2).to(dtype)] if dtype.is_floating_point or dtype.is_complex else []),
    ):
        with pytest.raises(NotImplementedError, match=f"torch.{name}: no tensors of this type"):
            make()


def test_aliases_and_parts():
    assert (torch.chalf, torch.cfloat, torch.cdouble) == (torch.complex32, torch.complex64, torch.complex128)
    assert torch.float32.to_complex() is torch.complex64 and torch.complex64.to_real() is torch.float32
    assert torch.bfloat16.to_complex() is torch.complex64 and torch.float16.to_complex() is torch.complex32
    assert torch.int64.to_real() is torch.int64 and torch.complex128.to_complex() is torch.complex128
    with pytest.raises(RuntimeError):
        torch.int64.to_complex()
    with pytest.raises(RuntimeError):
        torch.float8_e5m2.to_complex()


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("float8_e4m3fn", (448.0, -448.0, 0.125, 2.0**-6)),
        ("float8_e4m3fnuz", (240.0, -240.0, 0.125, 2.0**-7)),
        ("float8_e5m2", (57344.0, -57344.0, 0.25, 2.0**-14)),
        ("float8_e5m2fnuz", (57344.0, -57344.0, 0.125, 2.0**-15)),
        ("float8_e8m0fnu", (2.0**127, 2.0**-127, 1.0, 2.0**-127)),
    ],
)
def test_finfo(name, limits):
    found = torch.finfo(getattr(torch, name))
    assert (found.max, found.min, found.eps, found.tiny) == limits
    assert (found.bits, found.dtype, found.resolution, found.smallest_normal) == (8, name, 1.0, limits[3])


def test_limits_of_others():
    assert (torch.finfo(torch.complex64).max, torch.finfo(torch.complex64).dtype) == (
        torch.finfo(torch.float32).max,
        "float32",
    )
    assert (torch.iinfo(torch.uint16).max, torch.iinfo(torch.uint64).max) == (2**16 - 1, 2**64 - 1)
    with pytest.raises(TypeError):
        torch.finfo(torch.uint16)
    with pytest.raises(TypeError):
        torch.iinfo(torch.complex64)
