"""`save` and `load`: checkpoints in PyTorch's file formats.

Files are zip archives: a pickle of the object in which storages are only named, and one record for each storage.
`load` also reads the format from before. By default (`weights_only=True`) reading a file runs no code that the file
names; see `_unpickler`.
"""

from __future__ import annotations

import contextlib
import copyreg
import enum
import io
import mmap as _mmap
import os
import pickle
import pickletools
import sys
from collections.abc import Callable
from types import FunctionType
from typing import IO, Any

from . import _C, _legacy_format, _pickle_names
from ._atomic_file import replacing
from ._legacy_format import LegacyReader, as_text, element_type
from ._locations import default_restore_location, location_tag, register_package, restorer
from ._unpickler import Allowed, SafeUnpickler, Source, Unsupported, modern_name
from ._zip_format import ALIGNMENT, ZipReader, ZipWriter, is_zip
from .storage import NAMED_STORAGES, TypedStorage, UntypedStorage, storage_name, untyped_storage_of

__all__ = [
    "LoadEndianness",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "location_tag",
    "normalize_storage_type",
    "register_package",
    "safe_globals",
    "save",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
]

DEFAULT_PROTOCOL = 2
MAGIC_NUMBER = _legacy_format.MAGIC_NUMBER
PROTOCOL_VERSION = _legacy_format.PROTOCOL_VERSION

MAP_SHARED = getattr(_mmap, "MAP_SHARED", None)
MAP_PRIVATE = getattr(_mmap, "MAP_PRIVATE", None)


# ---------------------------------------------------------------- options


class LoadEndianness(enum.Enum):
    """The byte order of files that do not say theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


_endianness: LoadEndianness | None = None
_checksums = True
_safe_globals: list[Any] = []


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Set the byte order of files that do not say theirs."""
    global _endianness
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _endianness = endianness


def get_default_load_endianness() -> LoadEndianness | None:
    return _endianness


def set_crc32_options(compute_crc32: bool) -> None:
    """Whether `save` computes the checksums of records; without them it is faster, and damage is not noticed."""
    global _checksums
    _checksums = bool(compute_crc32)


def get_crc32_options() -> bool:
    return _checksums


def get_default_mmap_options() -> int | None:
    """How `load(mmap=True)` maps files: privately, so that changes of the tensors never reach the file."""
    return MAP_PRIVATE


class set_default_mmap_options:  # noqa: N801
    """Only private mappings exist here: accepts `MAP_PRIVATE`, also as a context manager."""

    def __init__(self, flags: int) -> None:
        if flags != MAP_PRIVATE:
            raise ValueError(f"set_default_mmap_options: only mmap.MAP_PRIVATE is supported, got {flags}")

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc_info: Any) -> None:
        pass


# ---------------------------------------------------------------- the allow-list


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let files that are loaded with `weights_only=True` use these functions and classes.

    An entry may also be a pair of the thing and the full name that the file has for it.
    """
    entries = list(safe_globals)
    for entry in entries:
        thing, name = entry if isinstance(entry, tuple) and len(entry) == 2 else (entry, "")
        if not callable(thing) or not isinstance(name, str):
            raise TypeError(
                f"add_safe_globals: expected functions, classes, or pairs of these with a name, got {type(entry).__name__}"
            )
    _safe_globals.extend(entries)


def get_safe_globals() -> list[Any]:
    """The functions and classes that were added."""
    return list(_safe_globals)


def clear_safe_globals() -> None:
    """Forget what was added."""
    _safe_globals.clear()


class safe_globals:  # noqa: N801
    """Context manager: `add_safe_globals` for a while."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self._added = safe_globals

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self._added)

    def __exit__(self, *exc_info: Any) -> None:
        _safe_globals[:] = self._before


# ---------------------------------------------------------------- names that stand in files


def _get_layout(name: str) -> Any:
    """A layout by its text."""
    if name != "torch.strided":
        raise NotImplementedError(f"load: only strided tensors are supported, the file has {name}")
    return _C.strided


def normalize_storage_type(storage_type: Any) -> Any:
    """The class of the package that stands for a type of storage."""
    return NAMED_STORAGES.get(storage_type.__name__, storage_type)


# ---------------------------------------------------------------- saving


class _Collector:
    """The storages that a pickle meets, in order, each once, with the widths of their elements."""

    def __init__(self, zipped: bool) -> None:
        self.storages: dict[str, tuple[UntypedStorage, int]] = {}
        self._zipped = zipped
        self._keys: dict[int, str] = {}
        self._dtypes: dict[int, Any] = {}

    def describe(self, thing: Any) -> tuple | None:
        """What the pickle holds instead of a storage; None for anything else."""
        if not isinstance(thing, (TypedStorage, UntypedStorage)):
            return None
        storage = thing.untyped()
        identity = storage._cdata
        if self._dtypes.setdefault(identity, thing.dtype) is not thing.dtype and storage.nbytes():
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        if identity not in self._keys:
            self._keys[identity] = str(len(self._keys) if self._zipped else identity)
            self.storages[self._keys[identity]] = storage, thing.dtype.itemsize
        untyped = thing is storage and self._zipped
        kind = UntypedStorage if untyped else NAMED_STORAGES[storage_name(thing.dtype)]
        description = ("storage", kind, self._keys[identity], location_tag(storage), len(thing))
        return description if self._zipped else (*description, None)


class _PickleNames:
    """Mixed into a pickler written in Python: names of this package are written as PyTorch's."""

    def save_global(self, obj: Any, name: str | None = None) -> None:
        found = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) if name is None else name
        module = _C.__name__ if isinstance(obj, _C.dtype) else pickle.whichmodule(obj, found)
        written = _pickle_names.written_name(module, found) if found else None
        if written is None or "." in written[1]:
            super().save_global(obj, name)
            return
        if self.proto >= 4:
            self.save(written[0])
            self.save(written[1])
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + "{}\n{}\n".format(*written).encode())
        self.memoize(obj)


def _pickled(obj: Any, protocol: int, pickle_module: Any, collector: _Collector) -> bytes:
    base = pickle._Pickler if pickle_module is pickle else pickle_module.Pickler
    bases, methods = (base,), {"persistent_id": lambda self, thing: collector.describe(thing)}
    if issubclass(base, pickle._Pickler):
        bases = (_PickleNames, base)
        methods["dispatch"] = {**base.dispatch, FunctionType: _PickleNames.save_global}
    kind = type("_Pickler", bases, methods)
    buffer = io.BytesIO()
    pickler = kind(buffer, protocol)
    if pickle_module is pickle:
        pickler.dispatch_table = {**copyreg.dispatch_table, **_reductions()}
    pickler.dump(obj)
    return buffer.getvalue()


def _reductions() -> dict[type, Callable]:
    """How small types are taken apart in PyTorch's files."""
    return {
        _C.Size: lambda size: (_C.Size, (tuple(size),)),
        _C.layout: lambda layout: (_get_layout, (repr(layout),)),
        _C.device: lambda place: (_C.device, (place.type,) if place.index is None else (place.type, place.index)),
    }


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write an object and the tensors in it to a file, given as a path or as an object with `write`.

    Tensors that share memory share it again after `load`. A path is replaced only when all is written: the data go to
    a temporary file beside it first.
    """
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    collector = _Collector(_use_new_zipfile_serialization)
    data = _pickled(obj, pickle_protocol, pickle_module, collector)
    folder = "archive"
    if isinstance(f, (str, os.PathLike)):
        folder = os.path.splitext(os.path.basename(os.fspath(f)))[0] or folder
    with _opened_for_writing(f) as file:
        if not _use_new_zipfile_serialization:
            _legacy_format.write(file, pickle_protocol, data, collector.storages)
            return
        _write_zip(file, folder, data, collector.storages, byte_order=not _disable_byteorder_record)


def _opened_for_writing(f: Any) -> Any:
    if not isinstance(f, (str, os.PathLike)):
        return contextlib.nullcontext(f)
    folder = os.path.dirname(os.path.abspath(f))
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(os.fspath(f))} does not exist.")
    if os.path.isdir(f):
        raise RuntimeError(f"save: cannot write a file, {os.fspath(f)} is a directory")
    return replacing(f)


def _write_zip(
    file: IO[bytes], folder: str, data: bytes, storages: dict[str, tuple[UntypedStorage, int]], byte_order: bool
) -> None:
    archive = ZipWriter(file, folder, _checksums)
    archive.write("data.pkl", data)
    archive.write(".format_version", b"1")
    archive.write(".storage_alignment", str(ALIGNMENT).encode())
    if byte_order:
        archive.write("byteorder", sys.byteorder.encode())
    for key, (storage, _) in storages.items():
        archive.write(f"data/{key}", storage.cpu().memory())
    archive.write("version", b"3\n")
    archive.write(".data/serialization_id", archive.identity().encode())
    archive.close()


# ---------------------------------------------------------------- loading


class _Unpickling:
    """How pickles are read: with the allow-list, or with a pickle module, which runs what the file says."""

    def __init__(self, pickle_module: Any, arguments: dict[str, Any]) -> None:
        self._module = pickle_module
        self._arguments = {"encoding": "utf-8", **arguments}
        if pickle_module is None:
            unknown = self._arguments.keys() - {"encoding", "fix_imports", "errors", "buffers"}
            if unknown:
                raise TypeError(f"load: got an unexpected keyword argument '{min(unknown)}'")
            self._allowed = Allowed(_safe_globals)

    def load(self, file: IO[bytes], length: int, persistent_load: Callable[[Any], Any]) -> Any:
        """The object of the pickle that begins at the file's position and is at most so long."""
        if self._module is None:
            source = Source(file, length)
            return SafeUnpickler(source, self._allowed, persistent_load, self._arguments["encoding"]).load()
        methods = {
            "find_class": lambda _, module, name: _find_class(module, name, super(kind, _).find_class),
            "persistent_load": lambda _, description: persistent_load(description),
        }
        kind = type("_Unpickler", (self._module.Unpickler,), methods)
        return kind(file, **self._arguments).load()


def _find_class(module: str, name: str, otherwise: Callable[[str, str], Any]) -> Any:
    if module.partition(".")[0] not in ("torch", "torchvision"):
        return otherwise(module, name)
    known = _pickle_names.storage_classes().get(f"{module} {name}")
    return _pickle_names.find(module, name) if known is None else known


class _ZipLoader:
    """Makes the storages that a zip file's pickle names."""

    def __init__(self, archive: ZipReader, restore: Callable, mapped: bool) -> None:
        self._archive = archive
        self._restore = restore
        self._mapped = mapped
        self._storages: dict[str, UntypedStorage] = {}
        order = _byte_order(archive)
        self._swapped = order != sys.byteorder

    def load(self, unpickling: _Unpickling) -> Any:
        if "constants.pkl" in self._archive:
            raise RuntimeError("load: the file is a TorchScript archive, a program; these are not supported")
        data = self._archive.read("data.pkl")
        return unpickling.load(io.BytesIO(data), len(data), self._storage)

    def _storage(self, description: Any) -> Any:
        if type(description) is not tuple or len(description) != 5 or as_text(description[0]) != "storage":
            raise pickle.UnpicklingError("load: the pickle is damaged: a storage has no valid description")
        dtype, width = element_type(description[1])
        key, location, count = as_text(description[2]), as_text(description[3]), description[4]
        if type(count) is not int or count < 0:
            raise pickle.UnpicklingError("load: the pickle is damaged: a storage has no valid length")
        if key not in self._storages:
            size = self._archive.size(f"data/{key}")
            if size != count * width:
                raise RuntimeError(
                    f"load: storage '{key[:40]}' has {size} bytes in the file, its description says "
                    f"{count} elements of {dtype}"
                )
            self._storages[key] = self._restored(self._read(f"data/{key}", width), location)
        storage = self._storages[key]
        return storage if description[1] is UntypedStorage else TypedStorage(wrap_storage=storage, dtype=dtype)

    def _restored(self, storage: UntypedStorage, location: str) -> UntypedStorage:
        return self._restore(storage, location).untyped()

    def _read(self, name: str, width: int) -> UntypedStorage:
        if self._mapped and not self._swapped and self._archive.size(name):
            mapping, start, size = self._archive.map(name)
            if start % width == 0:
                return untyped_storage_of(_C.frombuffer(mapping, dtype=_C.uint8, count=size, offset=start))
        storage = UntypedStorage(self._archive.size(name))
        self._archive.read_into(name, storage.memory())
        if self._swapped:
            storage._reverse_bytes(width)
        return storage


def _byte_order(archive: ZipReader) -> str:
    if "byteorder" in archive:
        order = archive.read("byteorder").decode("ascii", "replace")
        if order not in ("little", "big"):
            raise ValueError(f"Unknown endianness type: {order[:20]}")
        return order
    chosen = {LoadEndianness.LITTLE: "little", LoadEndianness.BIG: "big", LoadEndianness.NATIVE: sys.byteorder}
    return "little" if _endianness is None else chosen[_endianness]


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read an object that `save`, here or in PyTorch, wrote to a file, given as a path or as an open binary file.

    `map_location` says where tensors go: a device or its name for all of them, a dict from the places in the file to
    others, or a function of a storage and its place. With `mmap=True` storages are mapped from the file and read
    when they are used. `weights_only=False` reads any Python object, and runs whatever code the file asks for: only
    for files whose makers you trust.
    """
    if pickle_module is not None and weights_only:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if weights_only is None:
        weights_only = pickle_module is None
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    unpickling = _Unpickling(None if weights_only else pickle_module or pickle, pickle_load_args)
    restore = restorer(map_location)
    with _opened_for_reading(f) as file:
        try:
            return _load(file, unpickling, restore, bool(mmap), bool(weights_only))
        except Unsupported as error:
            raise _not_allowed(error) from None


def _opened_for_reading(f: Any) -> Any:
    if isinstance(f, (str, os.PathLike)):
        return open(f, "rb")
    for needed in ("seek", "tell", "read", "readline"):
        if not hasattr(f, needed):
            raise AttributeError(
                f"{type(f).__name__!r} object has no attribute {needed!r}. You can only torch.load from a file that is "
                "seekable. Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
            )
    return contextlib.nullcontext(f)


def _load(file: IO[bytes], unpickling: _Unpickling, restore: Callable, mapped: bool, weights_only: bool) -> Any:
    start = file.tell()
    beginning = file.read(64)
    length = file.seek(0, 2) - start
    file.seek(start)
    if not beginning:
        raise EOFError("load: Ran out of input: the file is empty")
    if is_zip(beginning[:4]):
        return _ZipLoader(ZipReader(file), restore, mapped).load(unpickling)
    _refuse_other_formats(file, beginning, mapped)
    reader = LegacyReader(file, lambda storages: unpickling.load(file, start + length - file.tell(), storages), restore)
    return reader.read()


def _refuse_other_formats(file: IO[bytes], beginning: bytes, mapped: bool) -> None:
    """Errors that tell what a file is that cannot be a checkpoint."""
    if beginning.lstrip()[:1] == b"<":
        raise pickle.UnpicklingError(
            "load: invalid load key, '<': the file is an HTML or XML page, not a checkpoint; the download has "
            "probably failed"
        )
    if beginning.startswith(b"version https://git-lfs"):
        raise pickle.UnpicklingError("load: the file is a Git LFS pointer, not a checkpoint: fetch it with git lfs pull")
    if beginning[8:9] == b"{" and int.from_bytes(beginning[:8], "little") < 1 << 32:
        raise pickle.UnpicklingError("load: the file is in the safetensors format: use safetensors.load_file")
    if _is_tar(file):
        raise RuntimeError(
            "load: the file is in the tar format of PyTorch before 0.1.10, which is not supported; load it with "
            "PyTorch (weights_only=False) and save it again"
        )
    if mapped:
        raise RuntimeError(
            "mmap can only be used with files saved with `torch.save(_use_new_zipfile_serialization=True), please "
            "torch.save your checkpoint with this option in order to use mmap."
        )


def _is_tar(file: IO[bytes]) -> bool:
    start = file.tell()
    file.seek(start + 257)
    found = file.read(5) == b"ustar"
    file.seek(start)
    return found


def _not_allowed(error: Unsupported) -> pickle.UnpicklingError:
    name = f"{error.module}.{error.name}"[:200]
    return pickle.UnpicklingError(
        "Weights only load failed: the file may contain more than tensors and plain values.\n"
        f"Unsupported global: GLOBAL {name} was not an allowed global by default.\n"
        f"(1) If you trust {name}, allow it with torch.serialization.add_safe_globals([{error.name[:100]}]) or the "
        "torch.serialization.safe_globals context manager.\n"
        "(2) Only if you trust the source of the file: load it with weights_only=False. That runs whatever code the "
        "file contains."
    )


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names in a zip checkpoint that `weights_only=True` would refuse, without loading anything."""
    allowed = Allowed(_safe_globals).names
    with _opened_for_reading(f) as file:
        start = file.tell()
        if not is_zip(file.read(4)):
            raise ValueError("get_unsafe_globals_in_checkpoint: the file is not a zip checkpoint")
        file.seek(start)
        data = ZipReader(file).read("data.pkl")
    found, texts, protocol = [], [], 0
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name == "PROTO":
            protocol = argument
        elif "UNICODE" in opcode.name:
            texts.append(argument)
        elif opcode.name == "GLOBAL":
            found.append(tuple(argument.split(" ", 1)))
        elif opcode.name == "STACK_GLOBAL" and len(texts) >= 2:
            found.append((texts[-2], texts[-1]))
    names = [modern_name(module, name, protocol) for module, name in found]
    refused = [".".join(pair) for pair in names if " ".join(pair) not in allowed]
    return list(dict.fromkeys(refused))
