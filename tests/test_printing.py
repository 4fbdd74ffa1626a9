"""The text of tensors against recorded PyTorch output, print options, and the limits of the dtypes.

`data/printing.json` holds rows of [source, options, text]: the text PyTorch prints for the tensor that the
source makes under these options.
"""

import json
import math
import pathlib

import pytest
from util import torch

ROWS = json.loads((pathlib.Path(__file__).parent / "data" / "printing.json").read_text())
NAMES = {"torch": torch, "nan": math.nan, "inf": math.inf}


@pytest.fixture(autouse=True)
def default_options():
    yield
    torch.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("source, options, text", ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_recorded_text(source, options, text):
    options = dict(options)
    torch.set_default_dtype(getattr(torch, options.pop("default_dtype", "float32")))
    torch.set_printoptions(**options)
    tensor = eval(source, NAMES)
    assert repr(tensor) == text
    assert str(tensor) == text


def test_options_last_until_the_next_call():
    torch.set_printoptions(precision=2, linewidth=40)
    torch.set_printoptions(edgeitems=1, sci_mode=False)
    assert repr(torch.tensor([math.pi, 1e6])) == "tensor([      3.14, 1000000.00])"
    # sci_mode alone returns to the default when it is left out.
    torch.set_printoptions(precision=1)
    assert repr(torch.tensor([math.pi, 1e6])) == "tensor([3.1e+00, 1.0e+06])"
    torch.set_printoptions(profile="default")
    assert repr(torch.tensor([math.pi])) == "tensor([3.1416])"


def test_subclass_names_itself():
    class Labelled(torch.Tensor):
        pass

    tensor = torch.arange(30).as_subclass(Labelled)
    lines = repr(tensor).split("\n")
    assert lines[0].startswith("Labelled([ 0,  1,") and lines[1].startswith("          1")


@pytest.mark.parametrize(
    "tensor, spec, text",
    [
        (torch.tensor(3.14159), ".2f", "3.14"),
        (torch.tensor(3), ">5", "    3"),
        (torch.tensor(True), "", "True"),
        (torch.tensor(0.5), "", "0.5"),
        (torch.tensor(0.5, requires_grad=True), ".1e", "5.0e-01"),
        (torch.tensor([0.5]), "", "tensor([0.5000])"),
    ],
)
def test_format(tensor, spec, text):
    assert format(tensor, spec) == text


def test_format_of_several_numbers_takes_no_specification():
    with pytest.raises(TypeError, match="unsupported format string"):
        format(torch.tensor([0.5, 1.0]), ".2f")


FLOATS = {
    torch.float16: (
        16,
        "finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, "
        "smallest_normal=6.10352e-05, tiny=6.10352e-05, dtype=float16)",
    ),
    torch.bfloat16: (
        16,
        "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, "
        "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=bfloat16)",
    ),
    torch.float32: (
        32,
        "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
        "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)",
    ),
    torch.float64: (
        64,
        "finfo(resolution=1e-15, min=-1.79769e+308, max=1.79769e+308, eps=2.22045e-16, "
        "smallest_normal=2.22507e-308, tiny=2.22507e-308, dtype=float64)",
    ),
}


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_finfo(dtype):
    bits, text = FLOATS[dtype]
    limits = torch.finfo(dtype)
    assert repr(limits) == text and limits.bits == bits
    assert limits.dtype == text.rpartition("=")[2][:-1]
    assert limits == torch.finfo(dtype) and limits.min == -limits.max
    assert limits.tiny == limits.smallest_normal

    def rounded(value):
        return torch.tensor(value, dtype=torch.float64).to(dtype).item()

    assert rounded(1 + limits.eps) == 1 + limits.eps and rounded(1 + limits.eps / 4) == 1
    assert rounded(limits.max) == limits.max and rounded(limits.max * (1 + limits.eps / 4)) == limits.max


def test_finfo_of_the_default_dtype():
    assert torch.finfo() == torch.finfo(torch.float32)
    torch.set_default_dtype(torch.float64)
    assert torch.finfo() == torch.finfo(torch.float64) != torch.finfo(torch.float32)


@pytest.mark.parametrize(
    "dtype, bits, low, high, text",
    [
        (torch.uint8, 8, 0, 255, "iinfo(min=0, max=255, dtype=uint8)"),
        (torch.int8, 8, -128, 127, "iinfo(min=-128, max=127, dtype=int8)"),
        (torch.int16, 16, -32768, 32767, "iinfo(min=-32768, max=32767, dtype=int16)"),
        (torch.int32, 32, -(2**31), 2**31 - 1, "iinfo(min=-2.14748e+09, max=2.14748e+09, dtype=int32)"),
        (torch.int64, 64, -(2**63), 2**63 - 1, "iinfo(min=-9.22337e+18, max=9.22337e+18, dtype=int64)"),
    ],
    ids=str,
)
def test_iinfo(dtype, bits, low, high, text):
    limits = torch.iinfo(dtype)
    assert (limits.bits, limits.min, limits.max, repr(limits)) == (bits, low, high, text)


def test_limits_refuse_other_dtypes():
    for function, argument in [
        (torch.finfo, torch.int32),
        (torch.finfo, "float32"),
        (torch.iinfo, torch.float32),
        (torch.iinfo, torch.bool),
    ]:
        with pytest.raises(TypeError):
            function(argument)
