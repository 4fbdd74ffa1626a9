"""The form of event files: protocol buffers in records with checksums.

record = length (u64), masked crc of it (u32), data, masked crc of the data (u32), all little endian;
masked(crc) = rotate_right(crc, 15) + 0xa282ead8 (mod 2**32), where crc is CRC-32C.
field of a message = varint(number << 3 | kind), value;
kinds: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def _masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """One record of an event file."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked_crc(length)) + data + struct.pack("<I", _masked_crc(data))


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _pack(letter: str, value: float) -> bytes:
    try:
        return struct.pack(f"<{letter}", value)
    except OverflowError:
        return struct.pack(f"<{letter}", float("inf") if value > 0 else float("-inf"))


def single(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + _pack("f", value)


def chunk(number: int, value: bytes | str) -> bytes:
    """A text, bytes or a message inside of a message."""
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def packed(number: int, letter: str, values: Iterable[float]) -> bytes:
    """A list of floats ("f") or doubles ("d")."""
    return chunk(number, b"".join(_pack(letter, value) for value in values))


def event(
    wall_time: float, step: int | None = None, version: str | None = None, value: bytes | None = None
) -> bytes:
    """A message of type Event, with one Summary.Value or with the version of the file's form."""
    parts = [double(1, wall_time)]
    if step is not None:
        parts.append(integer(2, step))
    if version is not None:
        parts.append(chunk(3, version))
    if value is not None:
        parts.append(chunk(5, chunk(1, value)))
    return b"".join(parts)
