"""The zip files that checkpoints live in: records stored without compression, their data aligned to 64 bytes.

Everything a file declares (sizes, counts, offsets) is checked against its real length before it is used, so
reading a damaged or hostile file takes no more memory than the file has bytes.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from typing import IO, Any, NamedTuple

ALIGNMENT = 64

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")

_UTF8_NAMES = 0x800
_ENCRYPTED = 0x1
_MAX_32 = 0xFFFFFFFF
_LONGEST_COMMENT = 65535


def is_zip(start: bytes) -> bool:
    return start == b"PK\x03\x04"


# ---------------------------------------------------------------- writing


class ZipWriter:
    """Writes records one after the other; needs nothing of the file but `write`."""

    def __init__(self, file: IO[bytes], folder: str, checksums: bool = True) -> None:
        self._file = file
        self._folder = folder
        self._checksums = checksums
        self._position = 0
        self._entries: list[bytes] = []
        self._identity = [0, 0]

    def write(self, name: str, data: Any) -> None:
        """Add a record; `data` is bytes or any buffer of bytes."""
        full_name = f"{self._folder}/{name}".encode()
        view = memoryview(data).cast("B")
        checksum = zlib.crc32(view) if self._checksums else 0
        start = self._position
        size, extra = view.nbytes, b""
        if size >= _MAX_32:
            extra = struct.pack("<2H2Q", 1, 16, size, size)
        extra = self._padded(extra, start + _LOCAL.size + len(full_name))
        shown = min(size, _MAX_32)
        version = 45 if size >= _MAX_32 else 20
        self._put(
            _LOCAL.pack(
                b"PK\3\4", version, _UTF8_NAMES, 0, 0, 0, checksum, shown, shown, len(full_name), len(extra)
            )
        )
        self._put(full_name + extra)
        self._put(view)
        self._entries.append(_central_entry(full_name, checksum, size, start))
        self._identity[0] = (self._identity[0] * 31 + zlib.crc32(full_name)) % 10**20
        self._identity[1] = (self._identity[1] * 31 + checksum) % 10**20

    def identity(self) -> str:
        """Forty digits made of the names and contents so far."""
        return f"{self._identity[0]:020d}{self._identity[1]:020d}"

    def close(self) -> None:
        start, count = self._position, len(self._entries)
        for entry in self._entries:
            self._put(entry)
        size, end = self._position - start, self._position
        if start >= _MAX_32 or count >= 0xFFFF:
            self._put(_END_64.pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start))
            self._put(_LOCATOR.pack(b"PK\6\7", 0, end, 1))
        shown = min(count, 0xFFFF)
        self._put(_END.pack(b"PK\5\6", 0, 0, shown, shown, min(size, _MAX_32), min(start, _MAX_32), 0))

    def _padded(self, extra: bytes, position: int) -> bytes:
        """An extra field after which data begin at a multiple of the alignment."""
        padding = -(position + len(extra) + 4) % ALIGNMENT
        return extra + struct.pack("<2sH", b"FB", padding) + b"Z" * padding

    def _put(self, data: Any) -> None:
        self._file.write(data)
        self._position += len(data)


def _central_entry(name: bytes, checksum: int, size: int, start: int) -> bytes:
    large = size >= _MAX_32 or start >= _MAX_32
    extra = struct.pack("<2H3Q", 1, 24, size, size, start) if large else b""
    size, start = (_MAX_32, _MAX_32) if large else (size, start)
    return (
        _CENTRAL.pack(
            b"PK\1\2", 45 if large else 20, 45 if large else 20, _UTF8_NAMES, 0, 0, 0, checksum, size, size,
            len(name), len(extra), 0, 0, 0, 0, start,
        )
        + name
        + extra
    )  # fmt: skip


# ---------------------------------------------------------------- reading


class _Record(NamedTuple):
    header: int  # where the local header is
    size: int
    checksum: int


def _damaged(what: str) -> RuntimeError:
    return RuntimeError(f"load: the zip archive is damaged or truncated: {what}")


class ZipReader:
    """Reads the records of a zip file that begins at the file's present position and ends at its end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._base = file.tell()
        self._length = file.seek(0, 2) - self._base
        self._mapping: mmap.mmap | None = None
        directory, count = self._find_directory()
        records = _read_directory(directory, count)
        total = sum(record.size for record in records.values())
        if total > self._length:
            raise _damaged(f"its records declare {total} bytes, the file has {self._length}")
        if not records:
            raise _damaged("it has no records")
        self.folder = next(iter(records)).partition("/")[0]
        self._records = records

    def names(self) -> list[str]:
        """The names of the records, without the folder that holds them all."""
        return [name[len(self.folder) + 1 :] for name in self._records if name.startswith(self.folder + "/")]

    def __contains__(self, name: str) -> bool:
        return f"{self.folder}/{name}" in self._records

    def size(self, name: str) -> int:
        return self._find(name).size

    def read(self, name: str) -> bytes:
        """The bytes of a record, compared with their checksum."""
        data = bytearray(self.size(name))
        self.read_into(name, memoryview(data))
        return bytes(data)

    def read_into(self, name: str, target: memoryview) -> None:
        """Read a record into memory of its size, and compare with its checksum."""
        record = self._find(name)
        self._file.seek(self._base + self._data_start(name, record))
        if fill(self._file, target):
            raise _damaged(f"the file ended in '{name}'")
        # Zero stands for a checksum that was not computed.
        if record.checksum and zlib.crc32(target) != record.checksum:
            raise _damaged(f"the checksum of '{name}' does not fit its data")

    def map(self, name: str) -> tuple[mmap.mmap, int, int]:
        """A mapping of the whole file in which changes stay private, and where in it the record is."""
        record = self._find(name)
        if self._mapping is None:
            self._mapping = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY)
        return self._mapping, self._base + self._data_start(name, record), record.size

    def _find(self, name: str) -> _Record:
        record = self._records.get(f"{self.folder}/{name}")
        if record is None:
            raise _damaged(f"it has no record '{name}'")
        return record

    def _at(self, position: int, size: int, what: str) -> bytes:
        if position < 0 or position + size > self._length:
            raise _damaged(f"{what} would lie outside of the file")
        self._file.seek(self._base + position)
        data = self._file.read(size)
        if len(data) != size:
            raise _damaged(f"the file ended in {what}")
        return data

    def _data_start(self, name: str, record: _Record) -> int:
        header = _LOCAL.unpack(self._at(record.header, _LOCAL.size, f"the header of '{name}'"))
        if header[0] != b"PK\3\4":
            raise _damaged(f"'{name}' does not begin where the directory says")
        start = record.header + _LOCAL.size + header[9] + header[10]
        if start + record.size > self._length:
            raise _damaged(f"'{name}' would end beyond the end of the file")
        return start

    def _find_directory(self) -> tuple[bytes, int]:
        tail_length = min(self._length, _END.size + _LONGEST_COMMENT)
        tail = self._at(self._length - tail_length, tail_length, "the end record")
        place = tail.rfind(b"PK\5\6")
        if place < 0 or len(tail) - place < _END.size:
            raise _damaged("failed finding central directory (the file is probably incomplete)")
        _, disk, _, _, count, size, start, _ = _END.unpack_from(tail, place)
        if disk not in (0, 0xFFFF):
            raise _damaged("it is one part of several")
        end = self._length - tail_length + place
        locator = end - _LOCATOR.size
        if locator >= 0 and self._at(locator, 4, "the end record") == b"PK\6\7":
            where = _LOCATOR.unpack(self._at(locator, _LOCATOR.size, "the end record"))[2]
            large = _END_64.unpack(self._at(where, _END_64.size, "the end record"))
            if large[0] != b"PK\6\6":
                raise _damaged("failed finding central directory")
            count, size, start = large[7], large[8], large[9]
        return self._at(start, size, "the central directory"), count


def fill(file: IO[bytes], target: memoryview) -> int:
    """Read into memory, and return how many bytes the file lacked."""
    done = 0
    while done < len(target):
        if hasattr(file, "readinto"):
            read = file.readinto(target[done:])
        else:
            chunk = file.read(min(len(target) - done, 1 << 24))
            read = len(chunk)
            target[done : done + read] = chunk
        if not read:
            break
        done += read
    return len(target) - done


def _read_directory(directory: bytes, count: int) -> dict[str, _Record]:
    records: dict[str, _Record] = {}
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(directory):
            raise _damaged(f"the central directory ends after {len(records)} of {count} records")
        fields = _CENTRAL.unpack_from(directory, position)
        signature, flags, method, checksum, packed, size = fields[0], *fields[3:5], *fields[7:10]
        name_length, extra_length, comment_length, start = *fields[10:13], fields[16]
        position += _CENTRAL.size
        name = directory[position : position + name_length].decode("utf-8", "replace")
        extra = directory[position + name_length : position + name_length + extra_length]
        position += name_length + extra_length + comment_length
        if signature != b"PK\1\2" or position > len(directory):
            raise _damaged("failed reading central directory")
        size, packed, start = _large_fields(extra, size, packed, start)
        if flags & _ENCRYPTED:
            raise _damaged(f"'{name}' is encrypted")
        if method != 0 or packed != size:
            raise RuntimeError(
                f"load: record '{name}' is compressed; a checkpoint's records are stored as they are"
            )
        if name in records:
            raise _damaged(f"there are two records '{name}'")
        records[name] = _Record(start, size, checksum)
    return records


def _large_fields(extra: bytes, *fields: int) -> tuple[int, ...]:
    """Sizes and offset from the zip64 extra field, which holds those that 32 bits cannot."""
    values = list(fields)
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        position += 4
        if kind == 1:
            block = extra[position : position + length]
            wide = [index for index, value in enumerate(values) if value == _MAX_32]
            if len(block) < 8 * len(wide):
                raise _damaged("a zip64 field is too short")
            for index, value in zip(wide, struct.unpack_from(f"<{len(wide)}Q", block)):
                values[index] = value
        position += length
    return tuple(values)
