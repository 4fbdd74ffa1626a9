"""Objects between a loader and a worker: pickles through a socket, and beside them files with the tensors.

All tensors of one message lie in one file without a name, which the kernel frees with its last user. So does
a long pickle: what goes through the socket is short, and hardly ever has to wait for the other side.
"""

from __future__ import annotations

import array
import collections
import io
import os
import pickle
import socket
import struct
import threading
from collections.abc import Sequence
from multiprocessing.reduction import ForkingPickler
from typing import Any

from .... import _C
from ...._C import Tensor
from ....multiprocessing.reductions import check_sendable, describe, rebuild_storage, rebuild_tensor
from ....storage import UntypedStorage

__all__ = ["Channel", "batch_file", "new_batch_tensor"]

_HEADER = struct.Struct(
    "<QHB"
)  # bytes of the pickle, number of files, whether the pickle is in the first one
_LONGEST = 4096  # bytes of a pickle that goes through the socket
_FILES_AT_ONCE = 128  # the system takes up to 253

_local = threading.local()  # .file while a batch is made, .received while one is unpickled


# ---------------------------------------------------------------- the file of a batch


class batch_file:
    """Context manager: tensors that collating makes meanwhile lie in a new file, ready to be sent."""

    def __enter__(self) -> Any:
        _local.file = _C._SharedFile()
        return _local.file

    def __exit__(self, *error: Any) -> None:
        _local.file = None


def new_batch_tensor(samples: Sequence) -> Tensor | None:
    """Room in the file of the batch for stacking these tensors; None outside a worker, or if they differ."""
    file = getattr(_local, "file", None)
    if file is None:
        return None
    first = samples[0]
    dtype, size = first.dtype, first.shape
    for sample in samples:
        plain = isinstance(sample, Tensor) and sample.is_cpu and not sample.requires_grad
        if not plain or sample.dtype is not dtype or sample.shape != size:
            return None
    return file.tensor((len(samples), *size), dtype)


# ---------------------------------------------------------------- pickles


class _Files:
    """The files of a message: places tensors in the first, and describes each by file, offset and length."""

    def __init__(self, file: Any) -> None:
        self.all = [] if file is None else [file]

    def first(self) -> Any:
        if not self.all:
            self.all.append(_C._SharedFile())
        return self.all[0]

    def reduce_tensor(self, tensor: Tensor) -> tuple:
        check_sendable(tensor)
        part = not _C._is_shared(tensor) and tensor.nbytes < _C._storage_nbytes(tensor)
        if part:  # a view of something larger, which stays here
            tensor = tensor.detach().clone().requires_grad_(tensor.requires_grad)
        return rebuild_tensor, (_C._share_memory(tensor, self.first()), *describe(tensor))

    def reduce_storage(self, storage: Any) -> tuple:
        return rebuild_storage, (_C._share_memory(storage._flat(), self.first()), storage.nbytes())

    def reduce_memory(self, memory: Any) -> tuple:
        file = memory.file
        if file not in self.all:
            self.all.append(file)
        return _received_memory, (self.all.index(file), memory.offset, memory.bytes)


def _received_memory(number: int, offset: int, nbytes: int) -> Any:
    file = _local.received[number]
    if number == 0:
        return file.map(offset, nbytes)
    return _C._open_shared_memory(os.dup(file.fileno()), offset, nbytes)


def _pickled(message: Any, file: Any) -> tuple[bytes, list]:
    """What goes through the socket, and the files."""
    buffer, files = io.BytesIO(), _Files(file)
    pickler = ForkingPickler(buffer, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {
        **pickler.dispatch_table,
        Tensor: files.reduce_tensor,
        UntypedStorage: files.reduce_storage,
        _C._SharedMemory: files.reduce_memory,
    }
    pickler.dump(message)
    body = buffer.getbuffer()
    is_long = len(body) > _LONGEST
    if is_long:
        body = pickle.dumps(_append(body, files.first().fileno()))
    return _HEADER.pack(len(body), len(files.all), is_long) + body, files.all


def _append(content: memoryview, descriptor: int) -> tuple[int, int]:
    """Write at the end of a file; return how much and where."""
    begin, length = os.fstat(descriptor).st_size, len(content)
    place = begin
    while content:
        written = os.pwrite(descriptor, content, place)
        content, place = content[written:], place + written
    return length, begin


def _unpickled(body: bytes, files: list, is_long: bool) -> Any:
    _local.received = files
    try:
        if is_long:
            body = os.pread(files[0].fileno(), *pickle.loads(body))
        return pickle.loads(body)
    finally:
        _local.received = None
        if files:
            files[0].close()  # what is mapped stays: a batch that is kept holds no descriptor


# ---------------------------------------------------------------- the socket


class Channel:
    """One end of the socket."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._waiting: collections.deque = collections.deque()  # messages not yet sent, or sent in part
        self._received = bytearray()
        self._descriptors: list[int] = []

    def fileno(self) -> int:
        return self.socket.fileno()

    def __getstate__(self) -> dict:
        return {"socket": self.socket}

    def __setstate__(self, state: dict) -> None:
        self.__init__(state["socket"])

    def close(self) -> None:
        """End the conversation, in both directions and for all who have a copy of this end."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster
        self._drop_descriptors()
        self.socket.close()

    def forget(self) -> None:
        """Close this copy of an end that belongs to another process."""
        self.socket.close()

    def _drop_descriptors(self) -> None:
        for number in self._descriptors:
            os.close(number)
        self._descriptors.clear()

    # ---- sending

    def post(self, message: Any, file: Any = None) -> None:
        """Send a message, or as much of it as can be sent without waiting; `flush` sends the rest."""
        data, files = _pickled(message, file)
        self._waiting.append([memoryview(data), files])
        self.flush()

    def is_waiting(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._waiting)

    def flush(self) -> bool:
        """Send what is waiting; whether all of it could be sent."""
        while self._waiting:
            entry = self._waiting[0]
            data, files = entry
            first, later = files[:_FILES_AT_ONCE], files[_FILES_AT_ONCE:]
            numbers = array.array("i", [file.fileno() for file in first])
            # A byte of its own carries each further group of files.
            part = data[:1] if later else data
            try:
                sent = self.socket.sendmsg(
                    [part], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if first else []
                )
            except BlockingIOError:
                return False
            entry[0], entry[1] = data[sent:], later
            if not entry[0]:
                self._waiting.popleft()
        return True

    # ---- receiving

    def receive(self) -> Any:
        """The next message. EOFError at the end; BlockingIOError if it is not there and the socket does not
        wait.
        """
        while len(self._received) < _HEADER.size:
            self._read(_HEADER.size - len(self._received))
        length, count, is_long = _HEADER.unpack_from(self._received)
        while len(self._received) < _HEADER.size + length:
            self._read(_HEADER.size + length - len(self._received))
        body = bytes(self._received[_HEADER.size :])
        self._received.clear()
        files = [_C._SharedFile(number) for number in self._descriptors]
        self._descriptors.clear()
        if len(files) < count:
            raise RuntimeError(
                f"a batch came with {len(files)} of {count} file descriptors: there are too many open files "
                "in this process. Raise the limit (ulimit -n), or keep fewer shared tensors"
            )
        return _unpickled(body, files, is_long)

    def _read(self, count: int) -> None:
        room = socket.CMSG_SPACE(_FILES_AT_ONCE * 4)
        data, ancillary, _, _ = self.socket.recvmsg(count, room, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) // 4 * 4])
                self._descriptors.extend(numbers)
        if not data:
            raise EOFError
        self._received += data
