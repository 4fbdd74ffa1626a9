"""The format before zip files: five pickles (magic number, version, system, object, storage keys), then raw
storages.
"""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

from .. import _C
from ..storage import TypedStorage, UntypedStorage, untyped_storage_of
from .zip_format import fill

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

_LENGTH = struct.Struct("<q")


def system_info() -> dict[str, Any]:
    return {
        "protocol_version": PROTOCOL_VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }


def write(
    file: IO[bytes], protocol: int, pickle_object: bytes, storages: dict[str, tuple[UntypedStorage, int]]
) -> None:
    """Write a pickled object and its storages, each with the width of its elements."""
    for header in (MAGIC_NUMBER, PROTOCOL_VERSION, system_info()):
        file.write(pickle.dumps(header, protocol))
    file.write(pickle_object)
    keys = sorted(storages)
    file.write(pickle.dumps(keys, protocol))
    for key in keys:
        storage, width = storages[key]
        file.write(_LENGTH.pack(storage.nbytes() // width))
        file.write(storage.cpu().memory())


class LegacyReader:
    """Reads a file of the old format. `unpickle(persistent_load)` reads the next pickle of the file."""

    def __init__(
        self,
        file: IO[bytes],
        unpickle: Callable[[Callable[[Any], Any]], Any],
        restore: Callable[[UntypedStorage, str], Any],
    ) -> None:
        self._file = file
        self._unpickle = unpickle
        self._restore = restore
        start = file.tell()
        self._room = file.seek(0, 2) - start
        file.seek(start)
        # key: what was read into, what the tensors hold, the width of an element
        self._storages: dict[str, tuple[UntypedStorage, UntypedStorage, int]] = {}
        self._views: dict[str, TypedStorage] = {}

    def read(self) -> Any:
        if self._unpickle(_no_storages) != MAGIC_NUMBER:
            raise RuntimeError(
                "Invalid magic number; corrupt file? (load: the file is a pickle, but not a checkpoint)"
            )
        version = self._unpickle(_no_storages)
        if version != PROTOCOL_VERSION:
            raise RuntimeError(f"Invalid protocol version: {str(version)[:40]}")
        system = self._unpickle(_no_storages)
        little = system.get("little_endian", True) if isinstance(system, dict) else True
        result = self._unpickle(self._storage)
        keys = self._unpickle(_no_storages)
        if not isinstance(keys, list) or not all(isinstance(key, (str, bytes)) for key in keys):
            raise RuntimeError("load: the list of storages is damaged")
        for key in keys:
            self._fill(as_text(key), swapped=little != (sys.byteorder == "little"))
        return result

    def _storage(self, description: Any) -> Any:
        """What stands in the object's pickle for a storage, or for a class with its source code."""
        if type(description) is not tuple or not description:
            raise pickle.UnpicklingError("load: the pickle is damaged: a storage has no description")
        kind = as_text(description[0])
        if kind == "module" and len(description) >= 2:
            return description[1]
        if kind != "storage" or len(description) not in (5, 6):
            raise pickle.UnpicklingError(f"load: unknown type of data in the pickle: {kind[:40]}")
        storage_type, key, location, count = (
            description[1],
            as_text(description[2]),
            as_text(description[3]),
            description[4],
        )
        dtype, width = element_type(storage_type)
        if key not in self._storages:
            self._allocate(key, location, count, dtype, width)
        whole = self._storages[key][1]
        view = description[5] if len(description) == 6 else None
        return (
            TypedStorage(wrap_storage=whole, dtype=dtype) if view is None else self._view(whole, view, dtype)
        )

    def _allocate(self, key: str, location: str, count: Any, dtype: Any, width: int) -> None:
        if type(count) is not int or count < 0 or count * width > self._room:
            raise RuntimeError(
                f"load: the file is too short for a storage of {str(count)[:40]} elements of {dtype}"
            )
        self._room -= count * width
        staging = UntypedStorage(count * width)
        self._storages[key] = staging, self._restore(staging, location), width

    def _view(self, whole: UntypedStorage, description: Any, dtype: Any) -> TypedStorage:
        """A storage that is a part of another one, as files of the first versions have them."""
        if type(description) not in (tuple, list) or len(description) != 3:
            raise pickle.UnpicklingError(
                "load: the pickle is damaged: a part of a storage has no description"
            )
        key, offset, count = as_text(description[0]), description[1], description[2]
        if key not in self._views:
            whole_bytes, width = whole._flat(), dtype.itemsize
            if type(offset) is not int or type(count) is not int or not 0 <= offset <= offset + count:
                raise RuntimeError("load: a part of a storage has no valid place")
            if (offset + count) * width > whole_bytes.numel():
                raise RuntimeError("load: a part of a storage reaches beyond its end")
            if whole.device.type != "cpu":
                raise RuntimeError(
                    "load: parts of storages can be loaded to the CPU only: use map_location='cpu'"
                )
            part = _C._to_numpy(whole_bytes[offset * width : (offset + count) * width])
            self._views[key] = TypedStorage(wrap_storage=untyped_storage_of(_C.from_numpy(part)), dtype=dtype)
        return self._views[key]

    def _fill(self, key: str, swapped: bool) -> None:
        if key not in self._storages:
            raise RuntimeError(f"load: the file has data of a storage {key[:40]} that nothing uses")
        staging, final, width = self._storages[key]
        count = _LENGTH.unpack(self._exactly(_LENGTH.size))[0]
        if count * width != staging.nbytes():
            raise RuntimeError(
                f"load: a storage of {staging.nbytes()} bytes has data of {count} elements of {width} bytes"
            )
        missing = fill(self._file, staging.memory())
        if missing:
            raise _ended_early(missing)
        if swapped:
            staging._reverse_bytes(width)
        if final is not staging:
            final.copy_(staging)

    def _exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) != count:
            raise _ended_early(count - len(data))
        return data


def element_type(storage_type: Any) -> tuple[Any, int]:
    """The dtype and the width of the elements of a class such as FloatStorage."""
    if storage_type is UntypedStorage:
        return _C.uint8, 1
    dtype = getattr(storage_type, "dtype", None)
    if not isinstance(dtype, _C.dtype):
        raise pickle.UnpicklingError("load: the pickle is damaged: a storage has no type")
    return dtype, dtype.itemsize


def as_text(value: Any) -> str:
    """Text, which files written by Python 2 have as bytes."""
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    if type(value) is not str:
        raise pickle.UnpicklingError("load: the pickle is damaged: the description of a storage has no text")
    return value


def _ended_early(missing: int) -> RuntimeError:
    return RuntimeError(f"unexpected EOF, expected {missing} more bytes. The file might be corrupted.")


def _no_storages(description: Any) -> Any:
    raise pickle.UnpicklingError("load: the pickle is damaged: a storage stands where there are none")
