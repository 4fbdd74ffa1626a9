"""Storages: sharing, reading, writing, growing, conversions, and tensors made over them."""

import pytest
from util import MODULE, torch

ours = pytest.mark.skipif(MODULE != "tinytensor", reason="differs from PyTorch")


def test_tensors_that_share_memory_share_a_storage():
    x = torch.arange(6.0).reshape(2, 3)
    storage = x.untyped_storage()
    for other in (x[1], x.t(), x.detach(), x.data, x.view(-1)):
        assert other.untyped_storage() is storage
    assert x.clone().untyped_storage() is not storage
    assert storage.data_ptr() == x.data_ptr() and x[1].storage().data_ptr() == x.data_ptr()
    assert storage.nbytes() == storage.size() == len(storage) == 24
    assert storage.element_size() == 1 and storage.device == x.device and not storage.is_cuda


def test_a_typed_storage_has_the_elements_of_the_whole_memory():
    x = torch.arange(6.0).reshape(2, 3)
    storage = x[1].storage()
    assert storage.tolist() == [0, 1, 2, 3, 4, 5] == list(storage)
    assert (storage.size(), len(storage), storage.nbytes(), storage.element_size()) == (6, 6, 24, 4)
    assert storage.dtype == torch.float32 and storage[-1] == 5
    storage[0] = 9
    storage[4] = storage[5] = 7
    assert x.tolist() == [[9, 1, 2], [3, 7, 7]]
    assert storage.fill_(2) is storage and x.sum().item() == 12
    storage.copy_(torch.FloatStorage([6, 5, 4, 3, 2, 1]))
    assert x.tolist() == [[6, 5, 4], [3, 2, 1]]
    for index in (6, -7):
        with pytest.raises(IndexError, match="out of range"):
            storage[index]
    with pytest.raises(RuntimeError, match="can't index"):
        storage["a"]
    with pytest.raises(RuntimeError):
        storage[::2]


@ours
def test_parts_of_storages():
    storage = torch.arange(6.0).storage()
    assert storage[1:3].tolist() == [1, 2] and storage.untyped()[:4].tolist() == [0, 0, 0, 0]
    storage[4:6] = 7
    assert storage.tolist() == [0, 1, 2, 3, 7, 7]


def test_copies_do_not_share():
    storage = torch.arange(3).storage()
    copied = storage.clone()
    copied[0] = 5
    assert storage.tolist() == [0, 1, 2] and copied.tolist() == [5, 1, 2]
    assert storage.untyped().clone().tolist() == storage.untyped().tolist()


@pytest.mark.parametrize(
    "name, dtype",
    [
        ("DoubleStorage", "float64"), ("FloatStorage", "float32"), ("HalfStorage", "float16"),
        ("LongStorage", "int64"),
        ("IntStorage", "int32"), ("ShortStorage", "int16"), ("CharStorage", "int8"), ("ByteStorage", "uint8"),
        ("BoolStorage", "bool"), ("BFloat16Storage", "bfloat16"),
    ],
)  # fmt: skip
def test_named_storages(name, dtype):
    kind = getattr(torch, name)
    storage = kind([0, 1, 1])
    assert storage.tolist() == [0, 1, 1] and storage.dtype == getattr(torch, dtype)
    assert isinstance(storage, kind) and isinstance(storage, torch.TypedStorage) and torch.is_storage(storage)
    assert kind.dtype == getattr(torch, dtype) and kind(4).size() == 4 and len(kind()) == 0
    assert not isinstance(storage, torch.FloatStorage) or name == "FloatStorage"
    assert storage.type() == f"torch.{name}"


def test_conversions():
    storage = torch.FloatStorage([1.5, -2.0])
    assert storage.double().tolist() == [1.5, -2.0] and storage.double().dtype == torch.float64
    assert storage.long().tolist() == [1, -2] and storage.half().dtype == torch.float16
    assert storage.bool().tolist() == [True, True] and storage.cpu().data_ptr() == storage.data_ptr()


def test_untyped_storages():
    storage = torch.UntypedStorage([1, 2, 3])
    assert storage.tolist() == [1, 2, 3] and storage[1] == 2 and torch.is_storage(storage)
    assert torch.UntypedStorage(5).nbytes() == 5
    storage[0] = 255
    assert storage.tolist() == [255, 2, 3]
    wrapped = torch.TypedStorage(wrap_storage=torch.tensor([1.0, 2.0]).untyped_storage(), dtype=torch.float32)
    assert wrapped.tolist() == [1.0, 2.0]
    assert not torch.is_storage(torch.ones(1))


def test_byte_order():
    storage = torch.tensor([1, 256], dtype=torch.int32).untyped_storage()
    storage.byteswap(torch.int32)
    assert storage.tolist() == [0, 0, 0, 1, 0, 0, 1, 0]


def test_growing():
    x = torch.arange(3.0)
    storage = x.untyped_storage()
    storage.resize_(400)
    assert storage.nbytes() == 400 and x.tolist() == [0, 1, 2]
    x.set_(storage, 0, (10, 10))
    assert x.shape == (10, 10) and x[0, :3].tolist() == [0, 1, 2]


@ours
def test_storages_do_not_shrink_under_tensors():
    with pytest.raises(RuntimeError, match="shrink"):
        torch.arange(3.0).untyped_storage().resize_(4)


def test_set():
    x = torch.arange(6.0)
    y = torch.empty(0).set_(x.storage(), 1, (2, 2), (1, 2))
    assert y.tolist() == [[1, 3], [2, 4]] and y.data_ptr() == x[1:].data_ptr()
    assert torch.empty(0).set_(x.untyped_storage(), 2, (3,)).tolist() == [2, 3, 4]
    assert torch.empty(0).set_(x.storage()).tolist() == x.tolist()
    assert torch.empty(0).set_(x[2:4]).tolist() == [2, 3]
    assert torch.ones(3).set_().shape == (0,)
    grown = torch.empty(0).set_(x.storage(), 4, (2, 3), (5, 1))
    assert grown[0, :2].tolist() == [4, 5] and x.storage().size() == 12
    for arguments in ((x.storage(), -1, (1,)), (x.storage(), 0, (-1,)), (x.storage(), 0, (2,), (-1,))):
        with pytest.raises(RuntimeError):
            torch.empty(0).set_(*arguments)


def test_text():
    lines = str(torch.FloatStorage([1, 2])).split("\n")
    assert lines == [
        " 1.0",
        " 2.0",
        "[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 2]",
    ]
    assert str(torch.UntypedStorage([7])).endswith("UntypedStorage(device=cpu) of size 1]")


def test_a_storage_from_a_file(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(bytes(range(16)))
    private = torch.UntypedStorage.from_file(str(path), False, 16)
    assert private.tolist() == list(range(16))
    private[0] = 9
    assert path.read_bytes()[0] == 0
    shared = torch.UntypedStorage.from_file(str(path), True, nbytes=20)
    shared[1] = 7
    assert path.read_bytes() == bytes([0, 7, *range(2, 16), 0, 0, 0, 0])
    created = torch.UntypedStorage.from_file(str(tmp_path / "new"), shared=True, nbytes=4)
    assert created.tolist() == [0] * 4 and torch.UntypedStorage.from_file(str(path)).nbytes() == 0
    for name, count in ((path, 64), (tmp_path / "nothing", 4)):
        with pytest.raises(RuntimeError, match=r"from_file|file"):
            torch.UntypedStorage.from_file(str(name), False, count)


def test_asarray_looks_into_a_storage():
    storage = torch.UntypedStorage([1, 2, 3, 4, 0, 0, 0, 0])
    x = torch.asarray(storage, dtype=torch.uint8)
    assert x.tolist() == [1, 2, 3, 4, 0, 0, 0, 0] and x.untyped_storage().data_ptr() == storage.data_ptr()
    assert torch.asarray(storage, dtype=torch.int32).tolist() == [0x04030201, 0]
    assert x[4:].view(dtype=torch.int32).item() == 0
