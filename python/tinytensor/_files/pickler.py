"""How `save` pickles: storages are only named, and what belongs to this package has PyTorch's names."""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Callable
from types import FunctionType
from typing import Any

from .. import _C, _utils
from ..storage import NAMED_STORAGES, TypedStorage, UntypedStorage, storage_name
from . import pickle_names
from .locations import location_tag


class Collector:
    """The storages that a pickle meets, in order, each once, with the widths of their elements."""

    def __init__(self, zipped: bool) -> None:
        self.storages: dict[str, tuple[UntypedStorage, int]] = {}
        self._zipped = zipped
        self._keys: dict[int, str] = {}
        self._dtypes: dict[int, Any] = {}

    def describe(self, thing: TypedStorage | UntypedStorage) -> tuple:
        """What the pickle holds instead of a storage."""
        storage = thing.untyped()
        identity = storage._cdata
        if self._dtypes.setdefault(identity, thing.dtype) is not thing.dtype and storage.nbytes():
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different types"
            )
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
        written = pickle_names.written_name(module, found) if found else None
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


def pickled(obj: Any, protocol: int, pickle_module: Any, collector: Collector) -> bytes:
    base = pickle._Pickler if pickle_module is pickle else pickle_module.Pickler
    kinds, describe = (TypedStorage, UntypedStorage), collector.describe

    def persistent_id(self: Any, thing: Any) -> tuple | None:
        return describe(thing) if isinstance(thing, kinds) else None

    bases: tuple[type, ...] = (base,)
    methods: dict[str, Any] = {"persistent_id": persistent_id}
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
        _C.layout: lambda layout: (_utils._get_layout, (repr(layout),)),
        _C.device: lambda place: (
            _C.device,
            (place.type,) if place.index is None else (place.type, place.index),
        ),
    }
