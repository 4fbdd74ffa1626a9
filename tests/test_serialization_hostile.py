"""Damaged and hostile checkpoints: a clear error, no code run, memory bounded by the file's size."""

import io
import os
import pickle
import random
import struct
import subprocess
import sys
import zipfile

import pytest
from util import MODULE, torch

pytestmark = pytest.mark.skipif(MODULE != "tinytensor", reason="stricter than PyTorch")

if MODULE == "tinytensor":
    from tinytensor._files.zip_format import ZipWriter

ERRORS = (RuntimeError, pickle.UnpicklingError, EOFError)
START = b"\x80\x02"


def archive(data, **records):
    """A checkpoint with the given pickle."""
    buffer = io.BytesIO()
    writer = ZipWriter(buffer, "archive")
    writer.write("data.pkl", data)
    for name, record in records.items():
        writer.write(name.replace("__", "/"), record)
    writer.close()
    buffer.seek(0)
    return buffer


def load_pickle(data):
    return torch.load(archive(data, data__0=b"\0\0\0\0"))


def name(module, attribute):
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    data = value.to_bytes(16, "little", signed=True)
    return b"\x8a\x10" + data


def storage(count=b"K\x01", location="cpu", kind="FloatStorage", key="0"):
    return b"(" + text("storage") + name("torch", kind) + text(key) + text(location) + count + b"tQ"


def tensor(offset=b"K\x00", size=b"K\x01\x85", stride=b"K\x01\x85", hooks=None):
    hooks = hooks or name("collections", "OrderedDict") + b")R"
    return (
        name("torch._utils", "_rebuild_tensor_v2")
        + b"("
        + storage()
        + offset
        + size
        + stride
        + b"\x89"
        + hooks
        + b"tR"
    )


HUGE = number(10**15)

REFUSED = {
    "os.system": name("os", "system") + text("true") + b"\x85R",
    "os.system of protocol 4": text("os") + text("system") + b"\x93" + text("true") + b"\x85R",
    "eval": name("builtins", "eval") + text("1") + b"\x85R",
    "getattr": name("__builtin__", "getattr") + b"K\x01" + text("real") + b"\x86R",
    "a dotted name": text("torch") + text("os.system") + b"\x93",
    "a module of the package": name("torch.serialization", "os") + b".",
    "instances": b"(ios\nsystem\n",
    "objects": b"(" + name("os", "system") + text("true") + b"o",
    "extensions": b"\x82\x01",
    "textual storages": b"Psomething\n",
    "a huge bytearray": name("__builtin__", "bytearray") + HUGE + b"\x85R",
    "a huge storage": name("torch", "FloatStorage") + HUGE + b"\x85R",
    "a huge new storage": name("torch.storage", "UntypedStorage") + HUGE + b"\x85\x81",
    "a huge tensor": name("torch", "Tensor") + HUGE + b"\x85R",
    "a huge parameter": name("torch.nn.parameter", "Parameter") + HUGE + b"\x85R",
    "a decompressor": name("_codecs", "encode") + text("a") + text("bz2") + b"\x86R",
    "an argument to a set": name("__builtin__", "set") + number(5) + b"\x85R",
    "state of a function": name("torch._utils", "_rebuild_tensor_v2")
    + b"N}"
    + text("__defaults__")
    + b")s\x86b",
    "state of a class": name("torch", "Tensor") + b"N}" + text("x") + b"K\x01s\x86b",
    "state of a list": b"]}" + text("x") + b"K\x01sb",
    "special attributes": name("collections", "OrderedDict") + b")R}" + text("__class__") + b"K\x01sb",
    "a call of a string": text("print") + b")R",
    "a rebuild of a rebuild": name("torch._tensor", "_rebuild_from_type_v2")
    + b"("
    + name("torch._tensor", "_rebuild_from_type_v2")
    + name("torch", "Tensor")
    + b")NtR",
    "text beyond the end": b"\x8d" + struct.pack("<Q", 1 << 50),
    "bytes beyond the end": b"B\xff\xff\xff\xff",
    "a number beyond the end": b"\x8b\xff\xff\xff\x7f",
    "a negative length": b"\x8b\xff\xff\xff\xff",
    "too many digits": b"L" + b"9" * 60000 + b"L\n",
    "a memo that was not written": b"j\xff\xff\xff\x7f",
    "an unhashable key": b"}]K\x01s",
    "a deep key": b"})" + b"\x85" * 50000 + b"K\x01s",
    "an exponential key": b"})" + b"q\x00h\x00\x86" * 60 + b"K\x01s",
    "an exponential set": b"\x8f()" + b"q\x00h\x00\x86" * 60 + b"\x90",
    "groups that do not fit": b"(K\x01u",
    "an empty stack": b"",
    "a bare mark": b"(",
    "no end": b"K\x01K\x02" * 10,
    "a storage larger than its record": storage(HUGE),
    "a storage of negative length": storage(number(-1)),
    "a storage of no type": storage(kind="Size"),
    "a storage without record": storage(key="7"),
    "an offset beyond the end": tensor(offset=b"K\x01"),
    "a size beyond the end": tensor(size=b"K\x02\x85"),
    "sizes that overflow": tensor(
        size=number(2**62) + number(2**62) + b"\x86", stride=number(2**62) + b"K\x04\x86"
    ),
    "more elements than can be": tensor(size=number(2**62) + b"K\x04\x86", stride=b"K\x00K\x00\x86"),
    "a negative stride": tensor(size=b"K\x02\x85", stride=number(-1) + b"\x85"),
    "a negative size": tensor(size=number(-1) + b"\x85"),
    "strides of another length": tensor(stride=b")"),
    "hooks": tensor(hooks=b"}K\x01K\x02s"),
}


@pytest.mark.parametrize("attack", REFUSED)
def test_refused_pickles(attack):
    ending = b"" if attack == "no end" else b"."
    with pytest.raises(ERRORS) as error:
        load_pickle(START + REFUSED[attack] + ending)
    assert 10 < len(str(error.value)) < 1000


@pytest.mark.parametrize(
    "data, kind",
    [
        (b")" + b"\x85" * 200_000, tuple),
        (b"]" * 200_000 + b"a" * 199_999, list),
        (b"K\x01r\xff\xff\xff\xff", int),
    ],
)
def test_odd_pickles_that_are_fine(data, kind):
    assert type(load_pickle(START + data + b".")) is kind
    assert load_pickle(START + tensor() + b".").tolist() == [0.0]


def checkpoint(**options):
    buffer = io.BytesIO()
    marked = torch.ones(2)
    marked.note = {"a": (1,)}
    values = {
        "x": torch.arange(6.0).reshape(2, 3), "p": torch.nn.Parameter(torch.ones(3)), "marked": marked,
        "plain": [1, 2.5, "x", None, True, (1, 2), {3}, b"ab", 2**80, -5, bytearray(b"q"), 1j],
        "types": [torch.float32, torch.Size([1, 2]), torch.device("cpu")],
    }  # fmt: skip
    torch.save(values, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_files(legacy):
    data = checkpoint(_use_new_zipfile_serialization=not legacy)
    for length in range(len(data)):
        with pytest.raises(ERRORS):
            torch.load(io.BytesIO(data[:length]))


def test_every_flipped_bit_in_data_is_found():
    data = checkpoint()
    records = {}
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for record in file.infolist():
            name_length, extra_length = struct.unpack_from("<2H", data, record.header_offset + 26)
            start = record.header_offset + 30 + name_length + extra_length
            records[record.filename] = start, start + record.file_size
    for record in ("archive/data.pkl", "archive/data/0"):
        for place in range(*records[record]):
            damaged = bytearray(data)
            damaged[place] ^= 1 << place % 8
            with pytest.raises(RuntimeError, match="checksum"):
                torch.load(io.BytesIO(bytes(damaged)))


def mutated(data, generator):
    data = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 4, 16))):
        place = generator.randrange(len(data))
        kind = generator.randrange(5)
        if kind == 0:
            data[place] = generator.randrange(256)
        elif kind == 1:
            data[place] ^= 1 << generator.randrange(8)
        elif kind == 2:
            del data[place : place + generator.randrange(1, 20)]
        elif kind == 3:
            other = generator.randrange(len(data))
            data[place:place] = data[other : other + generator.randrange(1, 60)]
        else:
            data[place : place + 4] = generator.choice((b"\xff" * 4, b"\0\0\0\x7f", b"\0\0\0\x80", b"\0" * 4))
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_random_damage(seed):
    generator = random.Random(seed)
    whole = [checkpoint(), checkpoint(pickle_protocol=4), checkpoint(_use_new_zipfile_serialization=False)]
    with zipfile.ZipFile(io.BytesIO(whole[0])) as file:
        records = {record.partition("/")[2]: file.read(record) for record in file.namelist()}
    for _ in range(400):
        if generator.randrange(2):
            data = mutated(generator.choice(whole), generator)
        else:
            others = {key.replace("/", "__"): value for key, value in records.items() if key != "data.pkl"}
            data = archive(mutated(records["data.pkl"], generator), **others).getvalue()
        try:
            torch.load(io.BytesIO(data))
        except ERRORS:
            continue


# ---------------------------------------------------------------- zip archives that lie


def entry(place, size, header_name=b"archive/data.pkl", directory_name=None, flags=0, method=0, packed=None):
    """The bytes of a directory entry."""
    shown = directory_name or header_name
    packed = size if packed is None else packed
    return (
        struct.pack(
            "<4s6H3I5H2I",
            b"PK\1\2",
            20,
            20,
            flags,
            method,
            0,
            0,
            0,
            packed,
            size,
            len(shown),
            0,
            0,
            0,
            0,
            0,
            place,
        )
        + shown
    )


def lying(entries, count=None, size=None, start=None, body=b""):
    head = (
        struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 4, 4, 16, 0)
        + b"archive/data.pkl"
        + b"\x80\x02K\x01."
        + body
    )
    directory = b"".join(entries)
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, 0, len(entries) if count is None else count,
        len(directory) if size is None else size, len(head) if start is None else start, 0,
    )  # fmt: skip
    return io.BytesIO(head + directory + end)


def test_archives_that_lie():
    assert torch.load(lying([entry(0, 5)])) == 1
    lies = [
        lying([entry(0, 500)]),
        lying([entry(10**6, 5)]),
        lying([entry(20, 5)]),
        lying([entry(0, 5)], count=65535),
        lying([entry(0, 5)], size=10**6),
        lying([entry(0, 5)], start=10**9),
        lying([]),
        lying([entry(0, 5, b"other/name")]),
        lying([entry(0, 5), entry(0, 5)]),
        lying([entry(0, 5, flags=1)]),
        lying([entry(0, 5, method=8)]),
        lying([entry(0, 5, packed=4)]),
        lying([entry(0, 0xFFFFFFFF)]),
    ]
    for lie in lies:
        with pytest.raises(RuntimeError, match="archive|compressed"):
            torch.load(lie)


def test_overlapping_records_cannot_multiply_the_file():
    """A small file in which thousands of records are the same bytes declares more than it has."""
    entries = [entry(0, 60_000, b"archive/data/%d" % i) for i in range(200)]
    with pytest.raises(RuntimeError, match="declare"):
        torch.load(lying(entries, body=b"\0" * 60_000))


def test_huge_legacy_storages_need_huge_files():
    buffer = io.BytesIO()
    torch.save(torch.ones(3), buffer, _use_new_zipfile_serialization=False)
    data = buffer.getvalue()
    place = data.index(b"cpu") + 3
    assert data[place : place + 4] == b"q\x04K\x03"
    data = data[: place + 2] + number(10**12) + data[place + 4 :]
    with pytest.raises(RuntimeError, match="too short"):
        torch.load(io.BytesIO(data))


# ---------------------------------------------------------------- memory and code

LIMITED = """
import io, resource, sys
import numpy, tinytensor as torch, tinytensor.serialization
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        torch.load(path)
    except Exception as error:
        print(type(error).__name__)
    else:
        print("read")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def test_memory_stays_near_the_size_of_the_file(tmp_path):
    attacks = [
        "a huge bytearray",
        "a huge storage",
        "text beyond the end",
        "a storage larger than its record",
        "too many digits",
    ]
    paths = []
    for index, attack in enumerate(attacks):
        path = tmp_path / f"{index}.pt"
        path.write_bytes(archive(START + REFUSED[attack] + b".", data__0=b"\0\0\0\0").getvalue())
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *paths], capture_output=True, text=True, timeout=60, check=True
    )
    *outcomes, megabytes = done.stdout.split()
    assert outcomes == ["UnpicklingError", "UnpicklingError", "EOFError", "RuntimeError", "UnpicklingError"]
    assert int(megabytes) < 64


class Dangerous:
    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("legacy", [False, True])
def test_no_code_runs(tmp_path, legacy):
    dangerous, path = Dangerous(), tmp_path / "made"
    dangerous.path = str(path)
    buffer = io.BytesIO()
    torch.save({"x": torch.ones(2), "bad": dangerous}, buffer, _use_new_zipfile_serialization=not legacy)
    buffer.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="posix.mkdir|nt.mkdir"):
        torch.load(buffer)
    assert not path.exists()
    buffer.seek(0)
    torch.load(buffer, weights_only=False)
    assert path.exists()
