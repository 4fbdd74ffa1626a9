"""save and load: what comes back, recorded files of PyTorch, places, mapping, atomic writing, and clear
errors.
"""

import collections
import copy
import io
import os
import pathlib
import pickle
import stat
import zipfile

import numpy as np
import pytest
from util import MODULE, torch

RECORDED = pathlib.Path(__file__).parent / "data" / "checkpoints"
ours = pytest.mark.skipif(MODULE != "tinytensor", reason="stricter or wider than PyTorch")
FORMATS = [
    {},
    {"pickle_protocol": 4},
    {"_use_new_zipfile_serialization": False},
]


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(3, 4)
        self.second = torch.nn.Linear(4, 2)
        self.register_buffer("count", torch.tensor(3))

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


class Plain:
    """A class of a program, which files name as __main__ or test module."""

    def __init__(self, value):
        self.value = value


def round_trip(obj, load=None, **kwargs):
    buffer = io.BytesIO()
    torch.save(obj, buffer, **kwargs)
    buffer.seek(0)
    return torch.load(buffer, **(load or {}))


def assert_same(result, expected):
    assert type(result) is type(expected)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    assert result.stride() == expected.stride()
    assert result.storage_offset() == expected.storage_offset()
    assert result.requires_grad == expected.requires_grad
    assert torch.equal(result, expected)


def shares(x, y):
    return x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()


# ---------------------------------------------------------------- what comes back


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize("weights_only", [True, False])
def test_values_come_back_as_they_were(options, weights_only):
    if MODULE == "torch" and weights_only and "pickle_protocol" in options:
        pytest.skip("PyTorch reads protocol 2 only")
    values = collections.OrderedDict(
        plain=[1, -2.5, "text", b"\x00\xff", None, True, (3, 4), {5}, 2**70, {"key": bytearray(b"z")}, 1j],
        dtype=torch.float16,
        size=torch.Size([2, 3]),
        device=torch.device("cpu"),
        layout=torch.strided,
        counter=collections.Counter("aab"),
        numbers=[2**31, -(2**31), -1, 255, 256, 65536, float("inf"), 10**30, -(10**30)],
        nested={"a": {"b": [{"c": ()}]}, 7: "seven", (1, 2): "pair", None: 0},
    )
    result = round_trip(values, {"weights_only": weights_only}, **options)
    assert result == values and list(result) == list(values)
    assert type(result) is collections.OrderedDict and type(result["size"]) is torch.Size


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
)
def test_every_dtype(options, dtype):
    x = torch.tensor([[0, 1, 1], [1, 0, 2]]).to(getattr(torch, dtype))
    assert_same(round_trip(x, {"weights_only": "pickle_protocol" not in options}, **options), x)


@pytest.mark.parametrize("options", FORMATS[::2])
def test_geometry_and_sharing(options):
    base = torch.arange(24.0).reshape(2, 3, 4)
    views = [
        base, base[1], base.permute(2, 0, 1), base[:, ::2, 1:], base.reshape(-1)[5:5], base[0, 0, 0],
        base[:1].expand(5, 3, 4), torch.empty(0, 3), torch.tensor(2.5), base.view(-1),
    ]  # fmt: skip
    results = round_trip(views, **options)
    for result, view in zip(results, views):
        assert_same(result, view)
    assert all(shares(results[0], results[i]) for i in (1, 2, 3, 5, 6, 9))
    results[0].fill_(7)
    assert results[2].tolist() == torch.full((4, 2, 3), 7.0).tolist()


def test_the_same_object_twice_is_one_object():
    x = torch.ones(2)
    inner = [x]
    first, second, third = round_trip((x, x, [inner, inner]))
    assert first is second
    assert third[0] is third[1] and third[0][0] is first


def test_gradients_parameters_and_attributes():
    parameter = torch.nn.Parameter(torch.ones(2, 2))
    frozen = torch.nn.Parameter(torch.arange(3), requires_grad=False)
    leaf = torch.ones(2, requires_grad=True)
    marked, marked_parameter = torch.zeros(2), torch.nn.Parameter(torch.zeros(1))
    marked.note, marked_parameter.note = "text", [1, 2]
    values = [parameter, frozen, leaf, marked, marked_parameter]
    results = round_trip(values)
    for result, value in zip(results, values):
        assert_same(result, value)
        assert result.is_leaf
    assert results[3].note == "text" and results[4].note == [1, 2]
    assert type(results[0]) is torch.nn.Parameter


def test_a_computed_tensor_is_saved_as_a_leaf():
    x = torch.ones(2, requires_grad=True) * 3
    result = round_trip(x)
    assert result.tolist() == [3, 3] and result.requires_grad and result.is_leaf


@ours
def test_tensors_of_another_subclass():
    class Marked(torch.Tensor):
        pass

    Marked.__module__, Marked.__qualname__ = __name__, "Marked"
    globals()["Marked"] = Marked
    x = torch.ones(2).as_subclass(Marked)
    with pytest.raises(pickle.UnpicklingError, match="Marked"):
        round_trip(x)
    with torch.serialization.safe_globals([Marked]):
        assert type(round_trip(x)) is Marked
    assert type(round_trip(x, {"weights_only": False})) is Marked


def test_storages():
    x = torch.arange(4, dtype=torch.int16)
    typed, tensor = round_trip([x.storage(), x])
    assert typed.tolist() == [0, 1, 2, 3] and typed.data_ptr() == tensor.data_ptr()
    bytes_ = torch.tensor([1, 2], dtype=torch.uint8).untyped_storage()
    assert round_trip(bytes_).tolist() == [1, 2]
    with pytest.raises(RuntimeError, match="different types"):
        round_trip([x, x.view(torch.uint8)])


def test_generator_state():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    expected = torch.rand(3).tolist()
    torch.set_rng_state(round_trip(state))
    assert torch.rand(3).tolist() == expected


def test_state_dicts_and_whole_modules():
    torch.manual_seed(0)
    model, x = Model(), torch.ones(2, 3)
    state = round_trip(model.state_dict())
    assert list(state) == ["count", "first.weight", "first.bias", "second.weight", "second.bias"]
    assert state._metadata == model.state_dict()._metadata
    other = Model()
    other.load_state_dict(state)
    assert torch.equal(other(x), model(x))
    with pytest.raises(pickle.UnpicklingError, match="Model"):
        round_trip(model)
    again = round_trip(model, {"weights_only": False})
    assert type(again) is Model and torch.equal(again(x), model(x))
    assert torch.equal(pickle.loads(pickle.dumps(model))(x), model(x))


def test_files_paths_and_positions(tmp_path):
    x = torch.arange(3)
    for path in (tmp_path / "a.pt", str(tmp_path / "b.pt")):
        torch.save(x, path)
        assert torch.load(path).tolist() == [0, 1, 2]
    with open(tmp_path / "c.pt", "wb") as file:
        torch.save(x, file)
    with open(tmp_path / "c.pt", "rb") as file:
        assert torch.load(file).tolist() == [0, 1, 2]
    buffer = io.BytesIO()
    buffer.write(b"something before")
    torch.save(x, buffer)
    buffer.seek(16)
    assert torch.load(buffer).tolist() == [0, 1, 2]


def test_two_objects_in_one_legacy_file():
    buffer = io.BytesIO()
    for value in (1, 2):
        torch.save(torch.tensor([value]), buffer, _use_new_zipfile_serialization=False)
    buffer.seek(0)
    assert [torch.load(buffer).item() for _ in range(2)] == [1, 2]


@ours
def test_archives_are_valid_zip_files_with_aligned_records(tmp_path):
    path = tmp_path / "some.model.pt"
    torch.save({"a": torch.ones(5), "b": torch.zeros(3, dtype=torch.int8)}, path)
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert {"some.model/data.pkl", "some.model/version", "some.model/byteorder"} <= set(names)
        assert archive.read("some.model/version") == b"3\n"
        assert len(archive.read("some.model/.data/serialization_id")) == 40
        for record in archive.infolist():
            name_length, extra_length = np.frombuffer(data, "<u2", 2, record.header_offset + 26)
            assert (record.header_offset + 30 + name_length + extra_length) % 64 == 0
            assert record.compress_type == zipfile.ZIP_STORED


@ours
def test_zip64_fields_are_read_and_written(monkeypatch):
    from tinytensor._files import zip_format

    buffer = io.BytesIO()
    monkeypatch.setattr(zip_format, "_MAX_32", 8)  # sizes and places from 8 on then take the long way
    torch.save(torch.arange(3), buffer)
    assert zip_format.ZipReader(io.BytesIO(buffer.getvalue())).read("version") == b"3\n"
    assert torch.load(buffer_at_start(buffer)).tolist() == [0, 1, 2]


def buffer_at_start(buffer):
    buffer.seek(0)
    return buffer


def test_checksums_can_be_left_out():
    assert torch.serialization.get_crc32_options() is True
    torch.serialization.set_crc32_options(False)
    try:
        assert round_trip(torch.arange(2)).tolist() == [0, 1]
    finally:
        torch.serialization.set_crc32_options(True)


# ---------------------------------------------------------------- copies and pickles


def test_deepcopy_keeps_sharing_and_cuts_the_original_loose():
    x = torch.arange(6.0).reshape(2, 3)
    copies = copy.deepcopy({"x": x, "view": x[1], "turned": x.t(), "again": x})
    assert shares(copies["x"], copies["view"]) and shares(copies["x"], copies["turned"])
    assert copies["x"] is copies["again"] and not shares(copies["x"], x)
    assert_same(copies["turned"], x.t())
    assert_same(copies["view"], x[1])


def test_deepcopy_of_gradients_attributes_and_parameters():
    x = torch.ones(2, requires_grad=True)
    x.grad, x.note = torch.tensor([1.0, 2.0]), ["a"]
    result = copy.deepcopy(x)
    assert result.requires_grad and result.grad.tolist() == [1, 2] and result.grad is not x.grad
    assert result.note == ["a"] and result.note is not x.note
    parameter = torch.nn.Parameter(torch.ones(2))
    assert_same(copy.deepcopy(parameter), parameter)
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(x * 2)


def test_shallow_copies_share_memory():
    x = torch.ones(2, requires_grad=True)
    x.note = "a"
    result = copy.copy(x)
    assert result is not x and shares(result, x) and result.requires_grad and result.note == "a"
    assert type(copy.copy(torch.nn.Parameter(torch.ones(2)))) is torch.nn.Parameter


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol):
    x = torch.arange(6.0).reshape(2, 3)
    marked = torch.nn.Parameter(torch.ones(2))
    marked.note = 1
    for value in (
        x,
        x.t(),
        x[1:],
        torch.tensor(True),
        torch.ones(2, dtype=torch.bfloat16),
        marked,
        torch.empty(0),
    ):
        result = pickle.loads(pickle.dumps(value, protocol))
        assert type(result) is type(value) and result.stride() == value.stride()
        assert torch.equal(result, value) and result.requires_grad == value.requires_grad
    assert pickle.loads(pickle.dumps(marked, protocol)).note == 1
    assert pickle.loads(pickle.dumps(torch.float32, protocol)) is torch.float32
    assert pickle.loads(pickle.dumps(torch.Size([1]), protocol)) == (1,)


@ours
def test_a_pickle_keeps_sharing():
    x = torch.arange(6)
    first, second = pickle.loads(pickle.dumps([x, x[2:]]))
    assert shares(first, second)


# ---------------------------------------------------------------- files that PyTorch wrote


@pytest.mark.parametrize("name", ["zip.pt", "protocol4.pt", "legacy.pt"])
@pytest.mark.parametrize("options", [{}, {"weights_only": False}, {"mmap": True}])
def test_recorded_files(name, options):
    if "mmap" in options and name == "legacy.pt":
        pytest.skip("only zip files can be mapped")
    if MODULE == "torch" and name == "protocol4.pt":
        pytest.skip("PyTorch reads protocol 2 only")
    state = torch.load(RECORDED / name, **options)
    assert state._metadata == {"": {"version": 1}}
    base = torch.arange(12.0).reshape(3, 4)
    assert_same(state["base"], base)
    assert_same(state["row"], base[1])
    assert_same(state["transposed"], base.t()[1:, ::2])
    assert shares(state["base"], state["row"]) and shares(state["base"], state["transposed"])
    assert state["storage"].tolist() == list(range(12))
    assert_same(state["parameter"], torch.nn.Parameter(torch.tensor([1.5, -2.5])))
    assert_same(state["leaf"], torch.ones(2, requires_grad=True))
    values = {
        "half": [0.5, 65504.0], "bfloat": [1.0, 3.140625], "double": 1 / 3, "long": [-(2**40), 7],
        "bool": [[True], [False]], "byte": [0, 255], "empty": [], "marked": [1, 1],
    }  # fmt: skip
    for key, value in values.items():
        assert state[key].tolist() == value
    assert state["marked"].note == "kept" and state["empty"].shape == (0, 3)
    assert state["half"].dtype == torch.float16 and state["bfloat"].dtype == torch.bfloat16
    assert state["dtype"] is torch.int16 and state["size"] == torch.Size([3, 4])
    assert state["device"] == torch.device("cuda", 1) and state["layout"] is torch.strided
    plain = [1, -2.5, "text", b"\x00\xff", None, True, (3, 4), {5}, 2**70, {"key": bytearray(b"z")}, 1j]
    assert state["plain"] == plain


def build_recorded_model():
    nn = torch.nn
    layers = collections.OrderedDict(first=nn.Linear(3, 4), act=nn.ReLU(), norm=nn.BatchNorm1d(4))
    return nn.Sequential(layers).eval()


def test_recorded_training_state():
    saved = torch.load(RECORDED / "training.pt")
    model = build_recorded_model()
    model.load_state_dict(saved["model"])
    inputs = torch.linspace(-1, 1, 15).reshape(5, 3)
    assert torch.allclose(model(inputs), saved["output"], atol=1e-6)
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
    optimizer.load_state_dict(saved["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 0.125
    assert float(optimizer.state[model.first.weight]["step"]) == 1


def test_recorded_whole_module():
    with pytest.raises(pickle.UnpicklingError, match="torch.nn.modules.container.Sequential"):
        torch.load(RECORDED / "module.pt")
    model = torch.load(RECORDED / "module.pt", weights_only=False)
    saved = torch.load(RECORDED / "training.pt")
    assert torch.allclose(model(torch.linspace(-1, 1, 15).reshape(5, 3)), saved["output"], atol=1e-6)
    assert repr(model) == repr(build_recorded_model())


def test_recorded_generator_state():
    torch.manual_seed(0)
    assert torch.load(RECORDED / "generator.pt").numel() == torch.get_rng_state().numel()


# ---------------------------------------------------------------- places

PLACED = ["cuda.pt", "cuda_legacy.pt", "mps.pt", "mps_legacy.pt"]


@pytest.mark.parametrize("name", PLACED)
def test_files_of_other_devices_need_map_location(name):
    place = "cuda:0" if "cuda" in name else "mps"
    path = RECORDED / name
    seen = []

    def keep(storage, location):
        seen.append((type(storage).__name__, location))
        return storage

    for where in ("cpu", torch.device("cpu"), {place: "cpu"}, keep):
        result = torch.load(path, map_location=where)["x"]
        assert result.device == torch.device("cpu") and result.tolist() == [1, 2]
    assert seen == [("UntypedStorage", place)]


@pytest.mark.parametrize("name", PLACED)
@pytest.mark.parametrize("where", [None, {"cpu": "cpu"}, lambda storage, location: None])
def test_absent_devices_are_an_error(name, where):
    if "cuda" in name and torch.cuda.is_available():
        assert torch.load(RECORDED / name, map_location=where)["x"].tolist() == [1, 2]
        return
    if MODULE == "torch" and "mps" in name:
        pytest.skip("PyTorch's error does not name map_location")
    with pytest.raises(RuntimeError, match="map_location=torch.device\\('cpu'\\)"):
        torch.load(RECORDED / name, map_location=where)


def test_bad_places():
    with pytest.raises(RuntimeError, match="nowhere"):
        torch.load(RECORDED / "cuda.pt", map_location="nowhere")
    with pytest.raises(TypeError):
        torch.load(RECORDED / "cuda.pt", map_location=3)


@ours
def test_registered_places():
    from tinytensor._files import locations

    before = list(locations._packages)
    torch.serialization.register_package(
        1, lambda storage: "attic", lambda storage, place: storage.fill_(9) if place == "attic" else None
    )
    try:
        assert torch.serialization.location_tag(torch.ones(1).storage()) == "attic"
        assert round_trip(torch.zeros(2, dtype=torch.uint8)).tolist() == [9, 9]
    finally:
        locations._packages[:] = before


# ---------------------------------------------------------------- mapping, byte order


def test_mapped_tensors_are_private(tmp_path):
    path = tmp_path / "a.pt"
    x = torch.arange(1000.0)
    torch.save({"x": x, "view": x[10:20], "empty": torch.empty(0)}, path)
    before = path.read_bytes()
    mapped = torch.load(path, mmap=True)
    assert torch.equal(mapped["x"], x) and shares(mapped["x"], mapped["view"])
    mapped["x"].fill_(3)
    assert mapped["view"].tolist() == [3] * 10
    assert path.read_bytes() == before


@ours
def test_a_mapped_file_is_really_mapped(tmp_path):
    path = tmp_path / "a.pt"
    torch.save(torch.ones(1 << 20), path)
    x = torch.load(path, mmap=True)
    assert str(path) in pathlib.Path("/proc/self/maps").read_text()
    assert x.sum().item() == 1 << 20


def test_mapping_needs_a_path_to_a_zip_file(tmp_path):
    with pytest.raises(ValueError, match="file path"):
        round_trip(torch.ones(2), {"mmap": True})
    torch.save(torch.ones(2), tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used"):
        torch.load(tmp_path / "a.pt", mmap=True)


def with_records(buffer, **changes):
    """The same archive with other contents of some records; None leaves one out."""
    result = io.BytesIO()
    with zipfile.ZipFile(buffer_at_start(buffer)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            data = changes.get(name.partition("/")[2].replace("/", "_").replace(".", "_"), old.read(name))
            if data is not None:
                new.writestr(name, data)
    return buffer_at_start(result)


@ours
@pytest.mark.parametrize("map_file", [False, True])
def test_byte_order(tmp_path, map_file):
    buffer = io.BytesIO()
    torch.save(torch.tensor([1.5, -2.0]), buffer)
    swapped = np.array([1.5, -2.0], ">f4").tobytes()
    (tmp_path / "big.pt").write_bytes(with_records(buffer, byteorder=b"big", data_0=swapped).getvalue())
    assert torch.load(tmp_path / "big.pt", mmap=map_file).tolist() == [1.5, -2.0]
    silent = with_records(buffer, byteorder=None, data_0=swapped)
    torch.serialization.set_default_load_endianness(torch.serialization.LoadEndianness.BIG)
    try:
        assert torch.load(silent).tolist() == [1.5, -2.0]
    finally:
        torch.serialization.set_default_load_endianness(None)
    assert torch.load(with_records(buffer, byteorder=None)).tolist() == [1.5, -2.0]
    with pytest.raises(ValueError, match="endianness"):
        torch.load(with_records(buffer, byteorder=b"odd"))


# ---------------------------------------------------------------- atomic writing


class Unpicklable:
    def __reduce__(self):
        raise ValueError("not this one")


@ours
def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    torch.save(torch.ones(2), path)
    with pytest.raises(ValueError, match="not this one"):
        torch.save([torch.zeros(2), Unpicklable()], path)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tinytensor._files.zip_format.ZipWriter.close", full)
    with pytest.raises(OSError, match="No space"):
        torch.save(torch.zeros(2), path)
    assert torch.load(path).tolist() == [1, 1]
    assert os.listdir(tmp_path) == ["a.pt"]


@ours
def test_permissions_and_links_stay(tmp_path):
    path, link = tmp_path / "a.pt", tmp_path / "link.pt"
    torch.save(1, path)
    path.chmod(0o640)
    link.symlink_to(path)
    torch.save(2, link)
    assert link.is_symlink() and torch.load(path) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    torch.save(1, os.devnull)
    assert not os.path.isfile(os.devnull)


# ---------------------------------------------------------------- the allow-list


def test_other_names_are_refused_until_they_are_allowed():
    buffer = io.BytesIO()
    torch.save({"plain": Plain(torch.ones(2))}, buffer)
    name = f"{Plain.__module__}.Plain"
    assert torch.serialization.get_unsafe_globals_in_checkpoint(buffer_at_start(buffer)) == [name]
    with pytest.raises(pickle.UnpicklingError, match="add_safe_globals") as error:
        torch.load(buffer_at_start(buffer))
    assert "weights_only" in str(error.value) and name in str(error.value)
    before = torch.serialization.get_safe_globals()
    with torch.serialization.safe_globals([Plain]):
        assert torch.load(buffer_at_start(buffer))["plain"].value.tolist() == [1, 1]
        assert torch.serialization.get_unsafe_globals_in_checkpoint(buffer_at_start(buffer)) == []
    assert torch.serialization.get_safe_globals() == before
    assert torch.load(buffer_at_start(buffer), weights_only=False)["plain"].value.tolist() == [1, 1]


@ours
def test_adding_and_clearing():
    serialization = torch.serialization
    serialization.add_safe_globals([Plain, (Plain, "elsewhere.Old")])
    try:
        assert serialization.get_safe_globals() == [Plain, (Plain, "elsewhere.Old")]
        assert round_trip(Plain(3)).value == 3
        data = b"\x80\x02celsewhere\nOld\n)\x81}X\x05\x00\x00\x00valueK\x04sb."
        buffer = io.BytesIO()
        torch.save(1, buffer)
        assert torch.load(with_records(buffer, data_pkl=data)).value == 4
    finally:
        serialization.clear_safe_globals()
    assert serialization.get_safe_globals() == []
    with pytest.raises(pickle.UnpicklingError):
        round_trip(Plain(3))
    with pytest.raises(TypeError):
        serialization.add_safe_globals([5])


def test_numpy_values():
    values = {"scalar": np.float64(1.5), "array": np.arange(3)}
    with pytest.raises(pickle.UnpicklingError, match="multiarray"):
        round_trip(values)
    core = getattr(np, "_core", None) or np.core
    allowed = [
        core.multiarray.scalar, core.multiarray._reconstruct, np.dtype, np.ndarray,
        type(np.dtype("float64")), type(np.dtype("int64")),
    ]  # fmt: skip
    with torch.serialization.safe_globals(allowed):
        result = round_trip(values)
    assert result["scalar"] == 1.5 and result["array"].tolist() == [0, 1, 2]


def test_arguments():
    buffer = io.BytesIO()
    torch.save({"a": 1}, buffer, pickle_module=pickle)
    assert torch.load(buffer_at_start(buffer), None, pickle) == {"a": 1}
    assert torch.load(buffer_at_start(buffer), encoding="latin1") == {"a": 1}
    with pytest.raises(RuntimeError, match="pickle_module"):
        torch.load(buffer_at_start(buffer), pickle_module=pickle, weights_only=True)
    with pytest.raises(TypeError, match="unexpected keyword"):
        torch.load(buffer_at_start(buffer), unknown=1)


# ---------------------------------------------------------------- wrong files


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "absent.pt")
    with pytest.raises(IsADirectoryError):
        torch.load(tmp_path)
    with pytest.raises(AttributeError, match="seekable"):
        torch.load(5)
    with pytest.raises(RuntimeError, match="does not exist"):
        torch.save(1, tmp_path / "absent" / "a.pt")
    with pytest.raises(RuntimeError):
        torch.save(1, tmp_path)
    with pytest.raises(AttributeError, match="write"):
        torch.save(1, 5)


@pytest.mark.parametrize(
    "data, error, text",
    [
        (b"", EOFError, ""),
        (b"<!DOCTYPE html><html><body>404</body></html>", pickle.UnpicklingError, ""),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", pickle.UnpicklingError, ""),
        (b"PK\3\4" + b"\0" * 100, (RuntimeError, OSError), ""),
        (pickle.dumps({"a": 1}, 2), RuntimeError, "Invalid magic number"),
        (b"\x93NUMPY\x01\x00v\x00", pickle.UnpicklingError, ""),
        (b"\0" * 600, pickle.UnpicklingError, ""),
    ],
)
def test_files_that_are_no_checkpoints(data, error, text):
    with pytest.raises(error, match=text or None):
        torch.load(io.BytesIO(data))


@ours
def test_files_of_other_formats_are_named(tmp_path):
    from tinytensor import safetensors

    for data, text in ((b"  <html>", "HTML"), (b"version https://git-lfs.github.com", "LFS")):
        with pytest.raises(pickle.UnpicklingError, match=text):
            torch.load(io.BytesIO(data), weights_only=False)
    with pytest.raises(pickle.UnpicklingError, match="safetensors"):
        torch.load(io.BytesIO(safetensors.save({"a": torch.ones(2)})))
    tar = bytearray(600)
    tar[257:262] = b"ustar"
    with pytest.raises(RuntimeError, match="tar"):
        torch.load(io.BytesIO(bytes(tar)))
    buffer = io.BytesIO()
    torch.save(1, buffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("archive/constants.pkl", b"")
    with pytest.raises(RuntimeError, match="TorchScript"):
        torch.load(buffer_at_start(buffer))


def test_the_environment_may_decide_what_is_read(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    torch.save(Model(), path)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.warns(UserWarning, match="TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"):
        assert isinstance(torch.load(path), Model)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "yes")
    with pytest.raises(RuntimeError, match="Only one of"):
        torch.load(path)
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=False)
