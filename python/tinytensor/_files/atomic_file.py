"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import IO, Any


@contextlib.contextmanager
def replacing(path: Any) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` when all went well, and vanishes otherwise.

    A symbolic link stays, and the file it leads to is replaced. Pipes and devices are written directly, and
    so are files in a folder where none can be created.
    """
    target = os.fsdecode(os.path.realpath(os.fspath(path)))
    folder, name = os.path.split(target)
    exists = os.path.exists(target)
    if exists and not (os.path.isfile(target) and os.access(folder, os.W_OK)):
        with open(target, "wb") as file:
            yield file
        return
    temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if exists:
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
