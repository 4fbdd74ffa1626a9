"""The safetensors format: round trips, the bytes of the reference implementation, parts of files, hostile
headers.
"""

import json
import struct

import pytest
from util import MODULE, torch

if MODULE != "tinytensor":
    pytest.skip("tinytensor's own module", allow_module_level=True)

from tinytensor import safetensors
from tinytensor.safetensors import SafetensorError, load, load_file, safe_open, save, save_file

TENSORS = {
    "matrix": torch.arange(6.0).reshape(2, 3),
    "bytes": torch.tensor([1, -1, 0], dtype=torch.int8),
    "half": torch.tensor([0.5, 2.0], dtype=torch.float16),
    "bfloat": torch.tensor([3.140625], dtype=torch.bfloat16),
    "scalar": torch.tensor(2**40),
    "empty": torch.empty(0, 3),
    "mask": torch.tensor([True, False]),
    "double ü": torch.tensor([1 / 3], dtype=torch.float64),
}

# What the reference implementation, safetensors 0.8.0, writes for the tensors of the test below.
REFERENCE = (
    b'\xc0\x00\x00\x00\x00\x00\x00\x00{"__metadata__":{"q":"1"},'
    b'"a":{"dtype":"I64","shape":[5],"data_offsets":[0,40]},'
    b'"s":{"dtype":"F64","shape":[],"data_offsets":[40,48]},'
    b'"x":{"dtype":"F32","shape":[2,3],"data_offsets":[48,72]}} '
    + struct.pack("<5qd6f", 0, 1, 2, 3, 4, 2.0, *[1.0] * 6)
)


def assert_same(results, expected):
    assert results.keys() == expected.keys()
    for name, tensor in expected.items():
        assert results[name].dtype == tensor.dtype and results[name].shape == tensor.shape
        assert torch.equal(results[name], tensor)


def test_round_trips(tmp_path):
    assert_same(load(save(TENSORS)), TENSORS)
    save_file(TENSORS, tmp_path / "a.safetensors", metadata={"format": "pt"})
    assert_same(load_file(tmp_path / "a.safetensors"), TENSORS)
    assert load(save({})) == {}


def test_the_bytes_are_those_of_the_reference_implementation():
    tensors = {"x": torch.ones(2, 3), "a": torch.arange(5), "s": torch.tensor(2.0, dtype=torch.float64)}
    assert save(tensors, {"q": "1"}) == REFERENCE
    assert_same(load(REFERENCE), tensors)


def test_tensors_of_a_file_are_private(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(TENSORS, path)
    before = path.read_bytes()
    load_file(path)["matrix"].fill_(7)
    assert path.read_bytes() == before


def test_opened_files(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(TENSORS, path, {"author": "me"})
    with safe_open(path, framework="pt", device="cpu") as file:
        assert file.keys() == sorted(TENSORS) and file.metadata() == {"author": "me"}
        assert file.offset_keys()[0] == "scalar"
        assert torch.equal(file.get_tensor("matrix"), TENSORS["matrix"])
        part = file.get_slice("matrix")
        assert (
            part.get_shape() == [2, 3]
            and part.get_dtype() == "F32"
            and part[:, 1:].tolist() == [[1, 2], [4, 5]]
        )
        with pytest.raises(SafetensorError, match="absent"):
            file.get_tensor("absent")
    with pytest.raises(SafetensorError, match="closed"):
        file.get_tensor("matrix")
    with pytest.raises(SafetensorError, match="framework"):
        safe_open(path, framework="tf")
    with pytest.raises(FileNotFoundError):
        load_file(tmp_path / "absent")


@pytest.mark.parametrize(
    "tensors, error, text",
    [
        ([1], ValueError, "dict"),
        ({"a": 1}, ValueError, "`a`"),
        ({1: torch.ones(1)}, ValueError, "strings"),
        ({"a": torch.ones(2, 3).t()}, ValueError, "non contiguous"),
        ({"a": TENSORS["matrix"], "b": TENSORS["matrix"].view(-1)}, RuntimeError, "share memory"),
    ],
)
def test_what_cannot_be_saved(tensors, error, text):
    with pytest.raises(error, match=text):
        save(tensors)


def test_parts_of_one_tensor_that_do_not_overlap():
    halves = {"low": TENSORS["matrix"][0], "high": TENSORS["matrix"][1]}
    assert_same(load(save(halves)), halves)


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
        self.second.weight = self.first.weight


def test_models_with_tied_weights(tmp_path):
    path = tmp_path / "a.safetensors"
    model, other = Tied(), Tied()
    safetensors.save_model(model, str(path))
    assert sorted(load_file(path)) == ["first.bias", "first.weight", "second.bias"]
    assert safetensors.load_model(other, path) == ([], [])
    assert torch.equal(other.second.weight, model.first.weight) and other.second.weight is other.first.weight
    with pytest.raises(RuntimeError, match="missing"):
        safetensors.load_model(torch.nn.Linear(3, 3), path)


def file_of(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def described(shape=(2,), dtype="U8", start=0, end=2):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0\0\0", struct.pack("<Q", 1 << 60), struct.pack("<Q", 100) + b"{}",
        file_of(b"[]"), file_of(b" {}"),
        file_of(b"{"), file_of(b"\xff{}"), file_of(b"[" * 100_000), file_of(b'{"a":' * 100_000),
        file_of({"a": 1}), file_of({"a": {}}), file_of({"a": {**described(), "extra": 1}}, b"ab"),
        file_of({"a": described()}), file_of({"a": described()}, b"abc"),
        file_of({"a": described(start=1, end=3)}, b"abc"),
        file_of({"a": described(), "b": described()}, b"ab"), file_of({"a": described(end=-2)}, b"ab"),
        file_of({"a": described((3,))}, b"ab"), file_of({"a": described((2.0,))}, b"ab"),
        file_of({"a": described((True, 2))}, b"ab"),
        file_of({"a": described((2**40, 2**40), end=2**80)}, b"ab"),
        file_of({"a": described((1,), "F32")}, b"ab"), file_of({"a": described(dtype=3)}, b"ab"),
        file_of({"__metadata__": {"a": 1}}),
        file_of(b'{"a":%s,"a":%s}' % ((json.dumps(described()).encode(),) * 2), b"ab"),
    ],
)  # fmt: skip
def test_hostile_headers(tmp_path, data):
    with pytest.raises(SafetensorError, match="header"):
        load(data)
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(SafetensorError, match="header"):
        load_file(path)


def test_unknown_types_are_an_error_only_where_they_are_read(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(file_of({"odd": described(dtype="F8_E4M3"), "even": described(start=2, end=4)}, b"abcd"))
    with safe_open(path) as file:
        assert file.get_tensor("even").tolist() == [99, 100]
        with pytest.raises(SafetensorError, match="F8_E4M3"):
            file.get_tensor("odd")


def test_misaligned_tensors_are_read():
    data = file_of(
        {"a": described((1,), "U8", 0, 1), "b": described((1,), "F32", 1, 5)}, b"\1" + struct.pack("<f", 1.5)
    )
    assert load(data)["b"].tolist() == [1.5]
