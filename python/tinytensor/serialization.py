"""`save` and `load`: checkpoints in PyTorch's file formats.

Files are zip archives: a pickle of the object in which storages are only named, and one record for each
storage. `load` also reads the format from before. By default (`weights_only=True`) reading a file runs no
code that the file names; see `_unpickler`.
"""

from __future__ import annotations

import contextlib
import enum
import mmap as _mmap
import os
import pickle
import pickletools
import sys
import warnings
from collections.abc import Callable
from typing import IO, Any

from ._files import legacy_format
from ._files.atomic_file import replacing
from ._files.legacy_format import LegacyReader
from ._files.loaders import Allowed, Unpickling, ZipLoader, not_allowed, refuse_other_formats
from ._files.locations import default_restore_location, location_tag, register_package, restorer
from ._files.pickler import Collector, pickled
from ._files.unpickler import Unsupported, modern_name
from ._files.zip_format import ALIGNMENT, ZipReader, ZipWriter, is_zip
from ._utils import _get_layout  # noqa: F401  (files look it up here)
from .storage import NAMED_STORAGES, UntypedStorage

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
MAGIC_NUMBER = legacy_format.MAGIC_NUMBER
PROTOCOL_VERSION = legacy_format.PROTOCOL_VERSION

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


def _default_byte_order() -> str:
    chosen = {LoadEndianness.BIG: "big", LoadEndianness.NATIVE: sys.byteorder}
    return chosen.get(_endianness, "little") if _endianness else "little"


def set_crc32_options(compute_crc32: bool) -> None:
    """Whether `save` computes the checksums of records; without them it is faster, and damage is not
    noticed.
    """
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
                "add_safe_globals: expected functions, classes, or pairs of these with a name, got "
                f"{type(entry).__name__}"
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


def normalize_storage_type(storage_type: Any) -> Any:
    """The class of the package that stands for a type of storage."""
    return NAMED_STORAGES.get(storage_type.__name__, storage_type)


# ---------------------------------------------------------------- saving


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write an object and the tensors in it to a file, given as a path or as an object with `write`.

    Tensors that share memory share it again after `load`. A path is replaced only when all is written: the
    data go to a temporary file beside it first.
    """
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    collector = Collector(_use_new_zipfile_serialization)
    data = pickled(obj, pickle_protocol, pickle_module, collector)
    folder = "archive"
    if isinstance(f, (str, os.PathLike)):
        folder = os.path.splitext(os.path.basename(os.fsdecode(f)))[0] or folder
    with _opened_for_writing(f) as file:
        if not _use_new_zipfile_serialization:
            legacy_format.write(file, pickle_protocol, data, collector.storages)
            return
        _write_zip(file, folder, data, collector.storages, byte_order=not _disable_byteorder_record)


def _opened_for_writing(f: Any) -> Any:
    if not isinstance(f, (str, os.PathLike)):
        return contextlib.nullcontext(f)
    folder = os.path.dirname(os.path.abspath(f))
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(os.fsdecode(f))} does not exist.")
    if os.path.isdir(f):
        raise RuntimeError(f"save: cannot write a file, {os.fspath(f)} is a directory")
    return replacing(f)


def _write_zip(
    file: IO[bytes],
    folder: str,
    data: bytes,
    storages: dict[str, tuple[UntypedStorage, int]],
    byte_order: bool,
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


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read an object that `save`, here or in PyTorch, wrote to a path or to an open binary file.

    `map_location` says where tensors go: a device or its name for all of them, a dict from the places in the
    file to others, or a function of a storage and its place. With `mmap=True` storages are mapped from the
    file and read when they are used. `weights_only=False` reads any Python object, and runs whatever code
    the file asks for: only for files whose makers you trust. Where it is not given, the environment variable
    TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 stands for False; TORCH_FORCE_WEIGHTS_ONLY_LOAD=1 always stands for True.
    """
    weights_only = _weights_only(weights_only, pickle_module)
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    unpickling = Unpickling(
        None if weights_only else pickle_module or pickle, pickle_load_args, _safe_globals
    )
    restore = restorer(map_location)
    with _opened_for_reading(f) as file:
        try:
            return _load(file, unpickling, restore, bool(mmap))
        except Unsupported as error:
            raise not_allowed(error) from None


def _weights_only(given: bool | None, pickle_module: Any) -> bool:
    """What `load` was asked for, by its argument or by the environment."""
    always, never = (
        os.environ.get(name, "").lower() in ("1", "y", "yes", "true")
        for name in ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    )
    if always and never:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` should be set, but "
            "both were set."
        )
    if given is None and never:
        warnings.warn(
            "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD is set: load runs whatever code the file asks for", stacklevel=3
        )
        given = False
    given = True if always else given
    if pickle_module is not None and given:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    return pickle_module is None if given is None else given


def _opened_for_reading(f: Any) -> Any:
    if isinstance(f, (str, os.PathLike)):
        return open(f, "rb")
    for needed in ("seek", "tell", "read", "readline"):
        if not hasattr(f, needed):
            raise AttributeError(
                f"{type(f).__name__!r} object has no attribute {needed!r}. torch.load needs a file that is "
                "seekable: read the data into an io.BytesIO, and load from that"
            )
    return contextlib.nullcontext(f)


def _load(file: IO[bytes], unpickling: Unpickling, restore: Callable, mapped: bool) -> Any:
    start = file.tell()
    beginning = file.read(64)
    length = file.seek(0, 2) - start
    file.seek(start)
    if not beginning:
        raise EOFError("load: Ran out of input: the file is empty")
    if is_zip(beginning[:4]):
        return ZipLoader(ZipReader(file), restore, mapped, _default_byte_order()).load(unpickling)
    refuse_other_formats(file, beginning, mapped)
    reader = LegacyReader(
        file, lambda storages: unpickling.load(file, start + length - file.tell(), storages), restore
    )
    return reader.read()


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
    argument: Any
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
