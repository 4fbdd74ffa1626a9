"""Files travel between this package and PyTorch, where that is installed, both ways."""

import collections
import importlib
import io
import zipfile

import pytest
from util import MODULE, torch

theirs = pytest.importorskip("torch")
if MODULE != "tinytensor":
    pytest.skip("PyTorch is the module under test", allow_module_level=True)


def contents(module):
    base = module.arange(12.0).reshape(3, 4)
    parameter = module.nn.Parameter(module.ones(2, dtype=module.float64))
    parameter.note = "text"
    marked = module.zeros(3, dtype=module.bfloat16)
    marked.note = [1]
    state = collections.OrderedDict(
        base=base, row=base[1], turned=base.t()[1:, ::2], empty=base[3:3], scalar=module.tensor(True),
        parameter=parameter, frozen=module.nn.Parameter(module.ones(1), requires_grad=False), marked=marked,
        leaf=module.ones(2, requires_grad=True),
        storage=base.storage(), half=module.ones(2, dtype=module.float16),
        ints=[module.tensor([1, -2], dtype=getattr(module, f"int{bits}")) for bits in (8, 16, 32, 64)],
        byte=module.tensor([200], dtype=module.uint8), size=base.shape, dtype=module.int8,
        device=module.device("cpu"), layout=module.strided, expanded=module.tensor([5]).expand(3, 1),
        plain={"a": [1, -2.5, b"\xff", None, (3,), {4}, 2**70, 1j, bytearray(b"z"), True], 7: "ü"},
    )  # fmt: skip
    state._metadata = {"": {"version": 1}}
    return state


def described(value, module):
    """The value with all tensors told as plain data."""
    if isinstance(value, module.Tensor):
        kind = type(value).__name__
        geometry = tuple(value.shape), value.stride(), value.storage_offset(), value.requires_grad
        return kind, str(value.dtype), geometry, value.tolist(), getattr(value, "note", None)
    if isinstance(value, dict):
        return [(key, described(inner, module)) for key, inner in value.items()]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(described(inner, module) for inner in value)]
    if module.is_storage(value):
        return "storage", value.tolist()
    known = (module.dtype, module.device, module.layout)
    return str(value) if isinstance(value, known) else value


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_both_ways(options):
    expected = described(contents(torch), torch)
    assert described(contents(theirs), theirs) == expected
    for writer, reader in ((torch, theirs), (theirs, torch)):
        buffer = io.BytesIO()
        writer.save(contents(writer), buffer, **options)
        buffer.seek(0)
        state = reader.load(buffer, weights_only=True)
        assert described(state, reader) == expected
        assert state._metadata == {"": {"version": 1}}
        address = state["base"].untyped_storage().data_ptr()
        assert {state[name].untyped_storage().data_ptr() for name in ("row", "turned")} == {address}
        assert state["storage"].data_ptr() == address


@pytest.mark.parametrize("package", ["nn", "optim", "optim.lr_scheduler"])
def test_classes_have_the_names_that_their_files_need(package):
    from tinytensor._files.pickle_names import find, written_name

    ours, others = (importlib.import_module(f"{module.__name__}.{package}") for module in (torch, theirs))
    checked = 0
    for name, value in vars(ours).items():
        other = getattr(others, name, None)
        if isinstance(value, type) and isinstance(other, type) and value.__module__.startswith("tinytensor"):
            assert written_name(value.__module__, name) == (other.__module__, name)
            assert find(other.__module__, name) is value
            checked += 1
    assert checked > 10


def test_mapped_by_both(tmp_path):
    for writer, reader in ((torch, theirs), (theirs, torch)):
        path = tmp_path / f"{writer.__name__}.pt"
        writer.save(contents(writer), path)
        assert described(reader.load(path, mmap=True), reader) == described(contents(writer), writer)


def test_the_same_pickle_and_records():
    records = []
    for module in (torch, theirs):
        buffer = io.BytesIO()
        module.save(contents(module), buffer)
        with zipfile.ZipFile(buffer) as archive:
            records.append({name: archive.read(name) for name in archive.namelist()})
    ours, expected = records
    assert list(ours) == list(expected)
    del ours["archive/.data/serialization_id"], expected["archive/.data/serialization_id"]
    assert ours == expected


def network(module):
    nn = module.nn
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64, 3),
    )


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_training_state_travels(optimizer):
    x = [[[[(i * 7 + j * 3) % 5 / 5 for j in range(4)] for i in range(4)]]] * 2
    for writer, reader in ((torch, theirs), (theirs, torch)):
        writer.manual_seed(1)
        model = network(writer)
        options = {"momentum": 0.9} if optimizer == "SGD" else {}
        steps = getattr(writer.optim, optimizer)(model.parameters(), lr=0.01, **options)
        model(writer.tensor(x)).square().sum().backward()
        steps.step()
        buffer = io.BytesIO()
        writer.save({"model": model.state_dict(), "optimizer": steps.state_dict()}, buffer)
        buffer.seek(0)
        saved = reader.load(buffer)
        other = network(reader)
        other.load_state_dict(saved["model"])
        others = getattr(reader.optim, optimizer)(other.parameters(), lr=1.0)
        others.load_state_dict(saved["optimizer"])
        assert others.param_groups[0]["lr"] == 0.01
        model.eval()
        other.eval()
        expected = model(writer.tensor(x)).tolist()
        for row, expected_row in zip(other(reader.tensor(x)).tolist(), expected):
            assert row == pytest.approx(expected_row, rel=1e-4, abs=1e-5)
        for module, step in ((model, steps), (other, others)):
            step.zero_grad()
            module(module[0].weight.new_tensor(x)).square().sum().backward()
            step.step()
        for ours, expected in zip(other.parameters(), model.parameters()):
            assert ours.reshape(-1).tolist() == pytest.approx(
                expected.reshape(-1).tolist(), rel=1e-3, abs=1e-4
            )


def test_whole_modules_travel():
    x = [[[[(i + j) % 5 / 5 for j in range(4)] for i in range(4)]]] * 2
    for writer, reader in ((torch, theirs), (theirs, torch)):
        writer.manual_seed(1)
        model = network(writer).eval()
        buffer = io.BytesIO()
        writer.save(model, buffer)
        buffer.seek(0)
        other = reader.load(buffer, weights_only=False)
        assert repr(other) == repr(model)
        result, expected = other(reader.tensor(x)).tolist(), model(writer.tensor(x)).tolist()
        for row, expected_row in zip(result, expected):
            assert row == pytest.approx(expected_row, rel=1e-4, abs=1e-5)
