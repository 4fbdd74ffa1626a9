"""Storages: the memory that tensors look into, as bytes (`UntypedStorage`) or as numbers of one dtype
(`TypedStorage`).

A storage is one Python object for as long as anybody holds it, so that `x.untyped_storage() is
y.untyped_storage()` tells whether two tensors share memory, and a pickle or a deepcopy meets a shared
storage once.
"""

from __future__ import annotations

import io
import mmap
import os
import sys
import weakref
from typing import Any

from . import _C
from ._C import Tensor

__all__ = ["TypedStorage", "UntypedStorage"]

_living: weakref.WeakValueDictionary[int, UntypedStorage] = weakref.WeakValueDictionary()


def untyped_storage_of(tensor: Tensor) -> UntypedStorage:
    """The storage of a tensor."""
    address = _C._storage_id(tensor)
    found = _living.get(address)
    if found is None:
        found = object.__new__(UntypedStorage)
        found._tensor = _C._storage_bytes(tensor)
        _living[address] = found
    return found


def _show(storage: Any) -> str:
    kind = f"dtype={storage.dtype}, " if isinstance(storage, TypedStorage) else ""
    if len(storage) > 1000:
        shown = [*storage[:10].tolist(), "...", *storage[-10:].tolist()]
    else:
        shown = storage.tolist()
    closing = (
        f"[torch.storage.{type(storage).__name__}({kind}device={storage.device}) of size {len(storage)}]"
    )
    return "\n".join([*(f" {value}" for value in shown), closing])


class _Storage:
    """What the two kinds of storage have in common; `_flat()` is the storage as a tensor of one dimension."""

    is_sparse = False
    is_sparse_csr = False

    def _flat(self) -> Tensor:
        raise NotImplementedError

    def untyped(self) -> UntypedStorage:
        raise NotImplementedError

    def _over(self, flat: Tensor) -> Any:
        """A storage of this kind over the memory of a flat tensor."""
        raise NotImplementedError

    @property
    def device(self) -> Any:
        return self._flat().device

    @property
    def is_cuda(self) -> bool:
        return self._flat().is_cuda

    @property
    def is_hpu(self) -> bool:
        return False

    def get_device(self) -> int:
        return self._flat().get_device()

    def __len__(self) -> int:
        return self._flat().numel()

    def size(self) -> int:
        return len(self)

    def element_size(self) -> int:
        return self._flat().element_size()

    def nbytes(self) -> int:
        return _C._storage_nbytes(self.untyped()._tensor)

    def data_ptr(self) -> int:
        return _C._storage_data_ptr(self._flat()) if self.nbytes() else 0

    @property
    def _cdata(self) -> int:
        return _C._storage_id(self.untyped()._tensor)

    def _place(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return index % len(self)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            if index.step not in (None, 1):
                raise RuntimeError(
                    f"Trying to slice with a step of {index.step}, but only a step of 1 is supported"
                )
            return self._over(self._flat()[index].clone())
        if not hasattr(index, "__index__"):
            raise RuntimeError(f"can't index a {type(self).__name__} with {type(index).__name__}")
        return self._flat()[self._place(index.__index__())].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, slice) and not hasattr(index, "__index__"):
            raise RuntimeError(f"can't index a {type(self).__name__} with {type(index).__name__}")
        place = index if isinstance(index, slice) else self._place(index.__index__())
        self._flat()[place] = value._flat() if isinstance(value, _Storage) else value

    def __iter__(self) -> Any:
        return iter(self.tolist())

    def tolist(self) -> list:
        """The elements as Python numbers."""
        return self._flat().tolist()

    def copy_(self, source: Any, non_blocking: bool | None = None) -> Any:
        """Copy the elements of another storage of the same length."""
        if len(source) != len(self):
            raise RuntimeError(f"copy_: sizes differ, {len(self)} elements from {len(source)}")
        self._flat().copy_(source._flat())
        return self

    def fill_(self, value: Any) -> Any:
        self._flat().fill_(value)
        return self

    def resize_(self, size: int) -> Any:
        """Make room for `size` elements; a storage does not shrink, because tensors may look into it."""
        _C._storage_resize(self._flat(), size * self.element_size())
        return self

    def clone(self) -> Any:
        return self._over(self._flat().clone())

    def to(self, *, device: Any, non_blocking: bool = False) -> Any:
        moved = self._flat().to(device)
        return self if moved.device == self.device else self._over(moved)

    def cpu(self) -> Any:
        return self.to(device="cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Any:
        return self.to(device=_C.device("cuda" if device is None else device))

    def share_memory_(self) -> Any:
        self._flat().share_memory_()
        return self

    def is_shared(self) -> bool:
        return self._flat().is_shared()

    def pin_memory(self, device: Any = "cuda") -> Any:
        return self._over(self._flat().pin_memory(device))

    def is_pinned(self, device: Any = "cuda") -> bool:
        return self._flat().is_pinned(device)

    def _converted(self, dtype: Any) -> TypedStorage:
        return TypedStorage(wrap_storage=untyped_storage_of(self._flat().to(dtype, copy=True)), dtype=dtype)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Storage) and self._cdata == other._cdata and len(self) == len(other)

    __hash__ = object.__hash__

    def __copy__(self) -> Any:
        return self.clone()

    __repr__ = _show
    __str__ = _show


def _add_conversions() -> None:
    names = {
        "double": "float64", "float": "float32", "half": "float16", "long": "int64", "int": "int32",
        "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool", "bfloat16": "bfloat16",
    }  # fmt: skip
    for name, dtype in names.items():
        setattr(_Storage, name, lambda self, dtype=getattr(_C, dtype): self._converted(dtype))


_add_conversions()


def _values(args: tuple, dtype: Any, device: Any) -> Tensor:
    """The flat tensor that a storage is constructed over, from nothing, a length, or numbers."""
    if len(args) > 1:
        raise TypeError(
            f"a storage is made of a length or of a sequence of numbers, got {len(args)} arguments"
        )
    if not args:
        return _C.empty(0, dtype=dtype, device=device)
    if hasattr(args[0], "__index__"):
        return _C.empty(args[0], dtype=dtype, device=device)
    if not hasattr(args[0], "__getitem__") or isinstance(args[0], str):
        raise TypeError(
            f"a storage is made of a length or of a sequence of numbers, got {type(args[0]).__name__}"
        )
    numbers = list(args[0])
    if dtype is _C.uint8:
        numbers = [number & 255 for number in numbers]
    return _C.tensor(numbers, dtype=dtype, device=device)


class UntypedStorage(_Storage):
    """Memory as bytes: `UntypedStorage(length)` or `UntypedStorage(sequence of bytes)`."""

    _tensor: Tensor

    def __new__(cls, *args: Any, device: Any = None) -> UntypedStorage:
        return untyped_storage_of(_values(args, _C.uint8, device))

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first bytes of a file, mapped into memory. Changes go to the file, which is made as long as it has to
        be, where it is shared; otherwise they stay here.
        """
        if not nbytes:
            return cls()
        name = os.fspath(filename)
        try:
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT if shared else os.O_RDONLY, 0o600)
        except OSError as error:
            raise RuntimeError(f"from_file: unable to open file <{name}>: {error.strerror}") from None
        with open(descriptor, "r+b" if shared else "rb") as file:
            held = os.fstat(descriptor).st_size
            if held < nbytes and not shared:
                raise RuntimeError(
                    f"from_file: file <{name}> has {held} bytes, fewer than the {nbytes} to map"
                )
            if held < nbytes:
                os.ftruncate(descriptor, nbytes)
            access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
            mapped = mmap.mmap(file.fileno(), nbytes, access=access)
        return untyped_storage_of(_C.frombuffer(mapped, dtype=_C.uint8))

    @classmethod
    def from_buffer(cls, buffer: Any, *args: Any, **kwargs: Any) -> UntypedStorage:
        """A copy of the bytes of a buffer."""
        return cls._copied(buffer)

    @classmethod
    def _copied(cls, buffer: Any) -> UntypedStorage:
        made = cls(len(memoryview(buffer).cast("B")))
        if len(made):
            made.memory()[:] = memoryview(buffer).cast("B")
        return made

    @property
    def dtype(self) -> Any:
        return _C.uint8

    def _flat(self) -> Tensor:
        if _C._storage_nbytes(self._tensor) != self._tensor.numel():
            self._tensor = _C._storage_bytes(self._tensor)
        return self._tensor

    def _over(self, flat: Tensor) -> UntypedStorage:
        return untyped_storage_of(flat)

    def memory(self) -> memoryview:
        """The bytes as a writable memoryview; only for memory of the host."""
        return memoryview(_C._to_numpy(self._flat()))

    def untyped(self) -> UntypedStorage:
        return self

    def new(self) -> UntypedStorage:
        return UntypedStorage(device=self.device)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        if dtype is None:
            return "torch.storage.UntypedStorage"
        raise NotImplementedError(
            "type: an untyped storage cannot be converted to a type; use a TypedStorage"
        )

    def byteswap(self, dtype: Any) -> None:
        """Reverse the order of the bytes in every element of the dtype."""
        self._reverse_bytes(dtype.itemsize)

    def _reverse_bytes(self, width: int) -> None:
        bytes_ = self._flat()
        elements = bytes_[: bytes_.numel() // width * width].reshape(-1, width)
        elements.copy_(elements.flip(1))

    def __reduce__(self) -> tuple:
        return _rebuild_storage, (self.cpu().memory().tobytes(), str(self.device))

    def __deepcopy__(self, memo: dict) -> UntypedStorage:
        key = ("storage", self._cdata)
        if key not in memo:
            memo[key] = self.clone()
        return memo[key]

    def __sizeof__(self) -> int:
        return super().__sizeof__() + self.nbytes()


def _rebuild_storage(values: bytes, device: str) -> UntypedStorage:
    return UntypedStorage._copied(values).to(device=device)


def _load_from_bytes(values: bytes) -> Any:
    """What pickles of PyTorch's storages call; the bytes are what `save` wrote."""
    from .serialization import load

    return load(io.BytesIO(values), weights_only=False)


class TypedStorage(_Storage):
    """Memory as numbers of one dtype; `FloatStorage` and its siblings construct it."""

    dtype: Any
    _untyped_storage: UntypedStorage

    def __new__(
        cls, *args: Any, wrap_storage: UntypedStorage | None = None, dtype: Any = None, device: Any = None,
        _internal: bool = False,
    ) -> TypedStorage:  # fmt: skip
        if wrap_storage is not None and (args or device is not None):
            raise RuntimeError("TypedStorage: wrap_storage goes with dtype only, not with values or a device")
        if wrap_storage is not None and not isinstance(wrap_storage, UntypedStorage):
            raise TypeError(
                f"TypedStorage: wrap_storage must be UntypedStorage, got {type(wrap_storage).__name__}"
            )
        if wrap_storage is not None and dtype is None:
            raise RuntimeError("TypedStorage: wrap_storage needs a dtype")
        self = object.__new__(cls)
        self.dtype = _C.get_default_dtype() if dtype is None else dtype
        self._untyped_storage = wrap_storage or untyped_storage_of(_values(args, self.dtype, device))
        return self

    @classmethod
    def from_buffer(cls, buffer: Any, byte_order: str = "native", dtype: Any = None) -> TypedStorage:
        """A copy of the bytes of a buffer, as numbers that it holds in the given byte order."""
        made = cls(wrap_storage=UntypedStorage._copied(buffer), dtype=dtype or _C.get_default_dtype())
        if byte_order not in ("native", sys.byteorder):
            made._untyped_storage.byteswap(made.dtype)
        return made

    def _flat(self) -> Tensor:
        bytes_ = self._untyped_storage._flat()
        return _C._tensor_over_storage(bytes_, self.dtype, 0, (bytes_.numel() // self.dtype.itemsize,), (1,))

    def _over(self, flat: Tensor) -> TypedStorage:
        return TypedStorage(wrap_storage=untyped_storage_of(flat), dtype=self.dtype)

    def __len__(self) -> int:
        return _C._storage_nbytes(self._untyped_storage._tensor) // self.dtype.itemsize

    def untyped(self) -> UntypedStorage:
        return self._untyped_storage

    def new(self) -> TypedStorage:
        return TypedStorage(dtype=self.dtype, device=self.device)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        if dtype is None:
            prefix = "torch.cuda." if self.is_cuda else "torch."
            return prefix + storage_name(self.dtype)
        return self._converted(dtype.dtype if isinstance(dtype, _NamedStorage) else dtype)

    def pickle_storage_type(self) -> str:
        return storage_name(self.dtype)

    def __reduce__(self) -> tuple:
        return _rebuild_typed_storage, (self._untyped_storage, self.dtype)

    def __deepcopy__(self, memo: dict) -> TypedStorage:
        copied = self._untyped_storage.__deepcopy__(memo)
        return TypedStorage(wrap_storage=copied, dtype=self.dtype)


def _rebuild_typed_storage(storage: UntypedStorage, dtype: Any) -> TypedStorage:
    return TypedStorage(wrap_storage=storage, dtype=dtype)


# ---------------------------------------------------------------- FloatStorage and its siblings

_NAMES = {
    "DoubleStorage": _C.float64,
    "FloatStorage": _C.float32,
    "HalfStorage": _C.float16,
    "LongStorage": _C.int64,
    "IntStorage": _C.int32,
    "ShortStorage": _C.int16,
    "CharStorage": _C.int8,
    "ByteStorage": _C.uint8,
    "BoolStorage": _C.bool,
    "BFloat16Storage": _C.bfloat16,
}


def storage_name(dtype: Any) -> str:
    """'FloatStorage' for float32, and so on."""
    return next(name for name, known in _NAMES.items() if known is dtype)


class _NamedStorage(type):
    """The type of `FloatStorage` and its siblings: called, they construct a TypedStorage of their dtype."""

    dtype: Any

    def __call__(cls, *args: Any, wrap_storage: Any = None, **kwargs: Any) -> TypedStorage:
        if kwargs.keys() - {"device"}:
            raise RuntimeError(f"{cls.__name__}: unexpected arguments {sorted(kwargs)}")
        return TypedStorage(*args, wrap_storage=wrap_storage, dtype=cls.dtype, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is cls.dtype

    def from_buffer(cls, buffer: Any, byte_order: str = "native") -> TypedStorage:
        return TypedStorage.from_buffer(buffer, byte_order, cls.dtype)


NAMED_STORAGES = {
    name: _NamedStorage(name, (), {"__module__": "tinytensor", "dtype": dtype})
    for name, dtype in _NAMES.items()
}


# ---------------------------------------------------------------- methods of Tensor


def storage(self: Tensor) -> TypedStorage:
    """The memory of the tensor as numbers of its dtype."""
    return TypedStorage(wrap_storage=untyped_storage_of(self), dtype=self.dtype)


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory of the tensor as bytes."""
    return untyped_storage_of(self)


_take_over = Tensor.set_


def set_(
    self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
) -> Tensor:
    """Look into the memory of another tensor or storage, at an offset and with sizes and strides as given."""
    if source is None:
        return _take_over(self, self.new_empty(0))
    if isinstance(source, Tensor) and size is None:
        return _take_over(self, source)
    holder = untyped_storage_of(source) if isinstance(source, Tensor) else source.untyped()
    if size is None:
        size = (holder.nbytes() // self.element_size() - storage_offset,)
    size = (size,) if isinstance(size, int) else tuple(size)
    if stride is None:
        stride = _contiguous(size)
    stride = (stride,) if isinstance(stride, int) else tuple(stride)
    _make_room(holder, storage_offset, size, stride, self.element_size())
    return _take_over(self, _C._tensor_over_storage(holder._flat(), self.dtype, storage_offset, size, stride))


def _make_room(holder: UntypedStorage, offset: int, size: tuple, stride: tuple, width: int) -> None:
    if min(offset, *size, *stride) < 0 or 0 in size:
        return
    needed = (offset + sum((length - 1) * step for length, step in zip(size, stride)) + 1) * width
    if needed > holder.nbytes():
        holder.resize_(needed)


def _contiguous(size: tuple) -> tuple:
    strides, step = [], 1
    for length in reversed(size):
        strides.append(step)
        step *= max(length, 1)
    return tuple(reversed(strides))


for _name, _function in {
    "storage": storage, "_typed_storage": storage, "untyped_storage": untyped_storage, "set_": set_,
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)
