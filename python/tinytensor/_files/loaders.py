"""How `load` reads: the pickle of an object, the storages of a zip file, and what is no checkpoint at all."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import IO, Any

from .. import _C
from ..storage import TypedStorage, UntypedStorage, untyped_storage_of
from . import pickle_names
from .allow_list import Allowed
from .legacy_format import as_text, element_type
from .unpickler import SafeUnpickler, Source, Unsupported
from .zip_format import ZipReader


class Unpickling:
    """How pickles are read: with the allow-list, or with a pickle module, which runs what the file says."""

    def __init__(self, pickle_module: Any, arguments: dict[str, Any], safe_globals: list[Any]) -> None:
        self._module = pickle_module
        self._arguments = {"encoding": "utf-8", **arguments}
        if pickle_module is None:
            unknown = self._arguments.keys() - {"encoding"}
            if unknown:
                raise TypeError(f"load: got an unexpected keyword argument '{min(unknown)}'")
            self._allowed = Allowed(safe_globals)

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
    known = pickle_names.storage_classes().get(f"{module} {name}")
    return pickle_names.find(module, name) if known is None else known


class ZipLoader:
    """Makes the storages that a zip file's pickle names."""

    def __init__(self, archive: ZipReader, restore: Callable, mapped: bool, default_order: str) -> None:
        self._archive = archive
        self._restore = restore
        self._mapped = mapped
        self._storages: dict[str, UntypedStorage] = {}
        self._swapped = self._byte_order(default_order) != sys.byteorder

    def load(self, unpickling: Unpickling) -> Any:
        if "constants.pkl" in self._archive:
            raise RuntimeError("load: the file is a TorchScript archive, a program; these are not supported")
        data = self._archive.read("data.pkl")
        return unpickling.load(io.BytesIO(data), len(data), self._storage)

    def _byte_order(self, default: str) -> str:
        if "byteorder" not in self._archive:
            return default
        order = self._archive.read("byteorder").decode("ascii", "replace")
        if order not in ("little", "big"):
            raise ValueError(f"Unknown endianness type: {order[:20]}")
        return order

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
        if description[1] is UntypedStorage:
            return storage
        return TypedStorage(wrap_storage=storage, dtype=dtype)

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


def refuse_other_formats(file: IO[bytes], beginning: bytes, mapped: bool) -> None:
    """Errors that tell what a file is that cannot be a checkpoint."""
    if beginning.lstrip()[:1] == b"<":
        raise pickle.UnpicklingError(
            "load: invalid load key, '<': the file is an HTML or XML page, not a checkpoint; "
            "the download has probably failed"
        )
    if beginning.startswith(b"version https://git-lfs"):
        raise pickle.UnpicklingError(
            "load: the file is a Git LFS pointer, not a checkpoint: fetch it with git lfs pull"
        )
    if beginning[8:9] == b"{" and int.from_bytes(beginning[:8], "little") < 1 << 32:
        raise pickle.UnpicklingError("load: the file is in the safetensors format: use safetensors.load_file")
    if _is_tar(file):
        raise RuntimeError(
            "load: the file is in the tar format of PyTorch before 0.1.10, which is not supported; "
            "load it with PyTorch (weights_only=False) and save it again"
        )
    if mapped:
        raise RuntimeError(
            "mmap can only be used with files saved with torch.save(_use_new_zipfile_serialization=True); "
            "save the checkpoint again in order to use mmap"
        )


def _is_tar(file: IO[bytes]) -> bool:
    start = file.tell()
    file.seek(start + 257)
    found = file.read(5) == b"ustar"
    file.seek(start)
    return found


def not_allowed(error: Unsupported) -> pickle.UnpicklingError:
    name = f"{error.module}.{error.name}"[:200]
    return pickle.UnpicklingError(
        "Weights only load failed: the file may contain more than tensors and plain values.\n"
        f"Unsupported global: GLOBAL {name} was not an allowed global by default.\n"
        f"(1) If you trust {name}, allow it with torch.serialization.add_safe_globals"
        f"([{error.name[:100]}]) or the torch.serialization.safe_globals context manager.\n"
        "(2) Only if you trust the source of the file: load it with weights_only=False. "
        "That runs whatever code the file contains."
    )
