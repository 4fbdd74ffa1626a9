"""The safetensors format: a header of names, types, shapes and places, then the bytes of the tensors.

    from tinytensor.safetensors import load_file, safe_open, save_file

Nothing in such a file is code, and every number in its header is checked before it is used.
"""

from __future__ import annotations

import json
import mmap
import os
from typing import Any, NamedTuple

from . import _C
from ._C import Tensor
from ._files.atomic_file import replacing

__all__ = [
    "SafetensorError",
    "load",
    "load_file",
    "load_model",
    "safe_open",
    "save",
    "save_file",
    "save_model",
]

_LONGEST_HEADER = 100_000_000

# In the order in which tensors are written, wide elements first, so that all are aligned.
_DTYPES = {
    "I64": _C.int64,
    "F64": _C.float64,
    "F32": _C.float32,
    "I32": _C.int32,
    "BF16": _C.bfloat16,
    "F16": _C.float16,
    "I16": _C.int16,
    "I8": _C.int8,
    "U8": _C.uint8,
    "BOOL": _C.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_ORDER = {name: rank for rank, name in enumerate(_DTYPES)}


class SafetensorError(Exception):
    """A file is not a valid safetensors file, or does not have what was asked for."""


class _Entry(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


# ---------------------------------------------------------------- writing


def _checked(tensors: Any) -> dict[str, Tensor]:
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors).__name__}")
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise ValueError(f"save: names must be strings, got {name!r}")
        if not isinstance(tensor, Tensor):
            raise ValueError(
                f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor).__name__}"
            )
    shared = _sharing(tensors)
    if shared:
        raise RuntimeError(
            f"Some tensors share memory, and would be written twice and loaded as different ones: {shared}. "
            "Save one of each group only, or use save_model for a module."
        )
    for name, tensor in tensors.items():
        if not tensor.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed; "
                "call .contiguous() on it, or save the whole tensor that it looks into."
            )
    return tensors


def _sharing(tensors: dict[str, Tensor]) -> list[set[str]]:
    """The groups of names whose tensors overlap in memory."""
    spans: dict[int, list[tuple[int, int, str]]] = {}
    for name, tensor in tensors.items():
        if tensor.numel():
            spans.setdefault(tensor.untyped_storage()._cdata, []).append((*_span(tensor), name))
    groups = []
    for parts in spans.values():
        group: set[str] = set()
        reach = 0
        for start, end, name in sorted(parts):
            if start >= reach and group:
                groups.append(group)
                group = set()
            group.add(name)
            reach = max(reach, end)
        groups.append(group)
    return [group for group in groups if len(group) > 1]


def _span(tensor: Tensor) -> tuple[int, int]:
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride()))
    start = tensor.storage_offset() * tensor.itemsize
    return start, start + (last + 1) * tensor.itemsize


def _header(tensors: dict[str, Tensor], metadata: dict[str, str] | None) -> tuple[bytes, list[Tensor]]:
    names = sorted(tensors, key=lambda name: (_ORDER[_NAMES[tensors[name].dtype]], name))
    header: dict[str, Any] = {}
    if metadata is not None:
        if not all(isinstance(text, str) for pair in metadata.items() for text in pair):
            raise TypeError("save: metadata must be a dict from strings to strings")
        header["__metadata__"] = dict(metadata)
    place = 0
    for name in names:
        tensor = tensors[name]
        if name == "__metadata__":
            raise ValueError("save: no tensor can have the name '__metadata__'")
        shape, end = list(tensor.shape), place + tensor.nbytes
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": shape, "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _LONGEST_HEADER:
        raise SafetensorError(
            f"Error while serializing: the header has {len(text)} bytes, at most {_LONGEST_HEADER} can be"
        )
    return len(text).to_bytes(8, "little") + text, [tensors[name] for name in names]


def _bytes(tensor: Tensor) -> Any:
    flat = tensor.detach().cpu().reshape(-1)
    return memoryview(_C._to_numpy(flat.view(_C.uint8))) if flat.numel() else b""


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of a file with these tensors."""
    header, ordered = _header(_checked(tensors), metadata)
    return b"".join([header, *map(_bytes, ordered)])


def save_file(tensors: dict[str, Tensor], filename: Any, metadata: dict[str, str] | None = None) -> None:
    """Write tensors to a file, which appears when all is written."""
    header, ordered = _header(_checked(tensors), metadata)
    with replacing(filename) as file:
        file.write(header)
        for tensor in ordered:
            file.write(_bytes(tensor))


def save_model(
    model: Any, filename: str, metadata: dict[str, str] | None = None, force_contiguous: bool = True
) -> None:
    """Write the state of a module; of tensors that are the same one, the first by name is written."""
    state = model.state_dict()
    metadata = dict(metadata or {})
    for group in _sharing(state):
        kept = min(group)
        for name in sorted(group - {kept}):
            if _span(state[name]) != _span(state[kept]) or state[name].shape != state[kept].shape:
                raise RuntimeError(
                    f"save_model: '{name}' and '{kept}' share memory, but are not the same tensor"
                )
            del state[name]
            metadata[name] = kept
    if force_contiguous:
        state = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(dict(state), filename, metadata)


# ---------------------------------------------------------------- reading


def _invalid(what: str) -> SafetensorError:
    return SafetensorError(f"Error while deserializing header: {what}")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _invalid("a name occurs twice")
    return found


def _parsed(
    start: bytes, file_length: int, read: Any
) -> tuple[dict[str, _Entry], dict[str, str] | None, int]:
    """The entries of a header, its metadata, and where the data begin. `read(count)` gives the bytes after
    `start`.
    """
    if len(start) < 8:
        raise _invalid(f"header too small, the file has {file_length} bytes")
    length = int.from_bytes(start, "little")
    if length > _LONGEST_HEADER:
        raise _invalid(f"header too large, it declares {length} bytes")
    if 8 + length > file_length:
        raise _invalid(f"invalid header length, it declares {length} bytes, the file has {file_length}")
    text = read(length)
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"invalid header: {type(error).__name__}") from None
    if not isinstance(header, dict) or text[:1] != b"{":
        raise _invalid("invalid header start")
    metadata = header.pop("__metadata__", None)
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values())
    ):
        raise _invalid("the metadata are not a map from strings to strings")
    entries = {name: _entry(name, description) for name, description in header.items()}
    _check_places(entries, file_length - 8 - length)
    return entries, metadata, 8 + length


def _entry(name: str, description: Any) -> _Entry:
    if not isinstance(description, dict) or description.keys() != {"dtype", "shape", "data_offsets"}:
        raise _invalid(f"tensor `{name[:80]}` has no valid description")
    dtype, shape, places = description["dtype"], description["shape"], description["data_offsets"]
    numbers = [*shape, *places] if isinstance(shape, list) and isinstance(places, list) else [None]
    if (
        not isinstance(dtype, str)
        or len(places) != 2
        or not all(type(n) is int and 0 <= n < 1 << 63 for n in numbers)
    ):
        raise _invalid(f"tensor `{name[:80]}` has no valid description")
    return _Entry(dtype, tuple(shape), *places)


def _check_places(entries: dict[str, _Entry], available: int) -> None:
    """The tensors must fill the data from first to last byte, without holes and without overlaps."""
    place = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.start != place or entry.end < entry.start:
            raise _invalid(f"invalid offset for tensor `{name[:80]}`")
        place = entry.end
        count = 1
        for size in entry.shape:
            count *= size
        known = _DTYPES.get(entry.dtype)
        if known is not None and count * known.itemsize != entry.end - entry.start:
            raise _invalid(f"invalid shape, data type, or offset for tensor `{name[:80]}`")
    if place != available:
        raise _invalid(
            f"incomplete metadata, file not fully covered: tensors have {place} bytes, the file {available}"
        )


def _dtype(name: str, entry: _Entry) -> Any:
    found = _DTYPES.get(entry.dtype)
    if found is None:
        raise SafetensorError(
            f"tensor `{name}` has elements of type {entry.dtype[:20]}, which is not supported"
        )
    return found


def _tensor_at(buffer: Any, begin: int, name: str, entry: _Entry) -> Tensor:
    dtype = _dtype(name, entry)
    if entry.start == entry.end:
        return _C.empty(entry.shape, dtype=dtype)
    raw = _C.frombuffer(buffer, dtype=_C.uint8, count=entry.end - entry.start, offset=begin + entry.start)
    if raw.data_ptr() % dtype.itemsize:
        raw = raw.clone()
    return raw.view(dtype).reshape(entry.shape)


class _Slice:
    """A tensor of a file of which parts can be read: `safe_open(...).get_slice(name)[1:3]`."""

    def __init__(self, tensor: Tensor, entry: _Entry, device: Any) -> None:
        self._tensor, self._entry, self._device = tensor, entry, device

    def get_shape(self) -> list[int]:
        return list(self._entry.shape)

    def get_dtype(self) -> str:
        return self._entry.dtype

    def __getitem__(self, index: Any) -> Tensor:
        return self._tensor[index].to(self._device)


class safe_open:  # noqa: N801
    """A safetensors file, of which tensors are read when asked for.

    with safe_open("model.safetensors", framework="pt") as file:
        weight = file.get_tensor("weight")
    """

    def __init__(self, filename: Any, framework: str = "pt", device: Any = "cpu") -> None:
        if framework not in ("pt", "torch", "pytorch"):
            raise SafetensorError(f"framework {framework} is invalid: only 'pt' is supported")
        self._device = _C.device(device)
        with open(filename, "rb") as file:
            length = os.fstat(file.fileno()).st_size
            self._entries, self._metadata, self._begin = _parsed(file.read(8), length, file.read)
            self._buffer: mmap.mmap | None = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._buffer = None  # the mapping itself lives as long as a tensor looks into it

    def keys(self) -> list[str]:
        """The names of the tensors, sorted."""
        return sorted(self._entries)

    def offset_keys(self) -> list[str]:
        """The names of the tensors, as they follow each other in the file."""
        return sorted(self._entries, key=lambda name: self._entries[name][2:])

    def metadata(self) -> dict[str, str] | None:
        return self._metadata

    def _find(self, name: str) -> tuple[Tensor, _Entry]:
        if self._buffer is None:
            raise SafetensorError("the file is closed")
        if name not in self._entries:
            raise SafetensorError(f"File does not contain tensor {name}")
        entry = self._entries[name]
        return _tensor_at(self._buffer, self._begin, name, entry), entry

    def get_tensor(self, name: str) -> Tensor:
        return self._find(name)[0].to(self._device)

    def get_slice(self, name: str) -> _Slice:
        return _Slice(*self._find(name), self._device)


def load_file(filename: Any, device: Any = "cpu") -> dict[str, Tensor]:
    """All tensors of a file. Their memory is mapped from the file; changes stay private."""
    with safe_open(filename, device=device) as file:
        return {name: file.get_tensor(name) for name in file.offset_keys()}


def load(data: bytes) -> dict[str, Tensor]:
    """All tensors of a file whose bytes are given."""
    view = memoryview(data)
    entries, _, begin = _parsed(bytes(view[:8]), len(view), lambda count: bytes(view[8 : 8 + count]))
    values = bytearray(view[begin:])
    names = sorted(entries, key=lambda name: entries[name][2:])
    return {name: _tensor_at(values, 0, name, entries[name]) for name in names}


def load_model(
    model: Any, filename: Any, strict: bool = True, device: Any = "cpu"
) -> tuple[list[str], list[str]]:
    """Load what `save_model` wrote into a module; returns the names that are missing and those that are too
    many.
    """
    state = load_file(filename, device=device)
    missing, unexpected = model.load_state_dict(state, strict=False)
    present = model.state_dict()
    groups = [group for group in _sharing(present) if group & state.keys()]
    missing = [name for name in missing if not any(name in group for group in groups)]
    if strict and (missing or unexpected):
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(model).__name__}: missing keys {missing}, "
            f"unexpected keys {unexpected}"
        )
    return missing, unexpected
