"""How tensors are pickled for another process: by the shared memory they lie in, not by their values."""

from __future__ import annotations

from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any

from .. import _C
from .._C import Tensor
from ..storage import UntypedStorage

_STRATEGIES = {"file_descriptor", "file_system"}
_strategy = "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose a way to share memory by its name. Both names stand for the same way here: by file descriptor.

    What "file_system" is chosen for elsewhere holds in any case: a loader's batches keep no descriptor open.
    What it costs does not: the memory has no name, so nothing is left however a process ends.
    """
    global _strategy
    if new_strategy not in _STRATEGIES:
        raise AssertionError(
            f"invalid sharing strategy {new_strategy!r}, expected one of {sorted(_STRATEGIES)}"
        )
    _strategy = new_strategy


def get_sharing_strategy() -> str:
    """The name that was chosen."""
    return _strategy


def get_all_sharing_strategies() -> set[str]:
    """The names that there are."""
    return set(_STRATEGIES)


# ---------------------------------------------------------------- tensors


def check_sendable(tensor: Tensor) -> None:
    """Raise an error for a tensor that makes sense in its own process only."""
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            "cannot send a tensor to another process that requires grad and is no leaf: a graph does not "
            "cross the boundary between processes. Send x.detach() if only the values are wanted"
        )
    if not tensor.is_cpu:
        raise RuntimeError(f"cannot send a tensor on {tensor.device} to another process; send x.cpu()")


def describe(tensor: Tensor) -> tuple:
    """What `rebuild_tensor` needs besides the memory."""
    return (
        type(tensor), tensor.dtype, tuple(tensor.shape), tuple(tensor.stride()), tensor.storage_offset(),
        tensor.requires_grad,
    )  # fmt: skip


def rebuild_tensor(
    memory: Any, cls: type, dtype: Any, size: tuple, stride: tuple, offset: int, requires_grad: bool
) -> Tensor:
    """A tensor in shared memory."""
    tensor = memory.tensor(size, stride, offset, dtype)
    if cls is not Tensor:
        return _C._make_subclass(cls, tensor, requires_grad)
    return tensor.requires_grad_() if requires_grad else tensor


def reduce_tensor(tensor: Tensor) -> tuple:
    """For a pickle that goes to another process."""
    check_sendable(tensor)
    return rebuild_tensor, (_C._share_memory(tensor), *describe(tensor))


def rebuild_storage(memory: Any, nbytes: int) -> Any:
    """A storage in shared memory."""
    return memory.tensor((nbytes,), (1,), 0, _C.uint8).untyped_storage()


def reduce_storage(storage: Any) -> tuple:
    """For a pickle that goes to another process."""
    return rebuild_storage, (_C._share_memory(storage._flat()), storage.nbytes())


# ---------------------------------------------------------------- memory


def open_memory(descriptor: Any, offset: int, nbytes: int) -> Any:
    """The shared memory that another process described."""
    try:
        number = descriptor.detach()
    except (ConnectionError, FileNotFoundError, EOFError) as error:
        raise RuntimeError(
            "a tensor was sent by a process that ended before the tensor was received: keep the sender alive "
            "until then"
        ) from error
    return _C._open_shared_memory(number, offset, nbytes)


def reduce_memory(memory: Any) -> tuple:
    """For a pickle that goes to another process. The file comes first: asking for it may move the memory."""
    descriptor = DupFd(memory.file.fileno())
    return open_memory, (descriptor, memory.offset, memory.bytes)


# ---------------------------------------------------------------- methods


def share_memory_(self: Tensor) -> Tensor:
    """Move the memory, and so that of all views of it, to where other processes can see it; return the tensor
    itself.
    """
    if self.is_cpu:
        _C._share_memory(self)
    return self


def is_shared(self: Tensor) -> bool:
    """Whether the memory can be seen by other processes."""
    return not self.is_cpu or _C._is_shared(self)


def init_reductions() -> None:
    """Let the pickler of multiprocessing send tensors by their shared memory."""
    ForkingPickler.register(Tensor, reduce_tensor)
    ForkingPickler.register(UntypedStorage, reduce_storage)
    ForkingPickler.register(_C._SharedMemory, reduce_memory)
    setattr(Tensor, "share_memory_", share_memory_)
    setattr(Tensor, "is_shared", is_shared)


init_reductions()
