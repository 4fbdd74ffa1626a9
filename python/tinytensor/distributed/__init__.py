"""`torch.distributed` for one process: the group has one member, so that every collective is done at once.

A world of several processes is refused when it is set up.
"""

from __future__ import annotations

import datetime
import enum
import importlib
import os
from collections.abc import Sequence
from typing import Any

from tinytensor._C import Tensor

from .._missing import missing

__all__ = [
    "GroupMember",
    "ProcessGroup",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather",
    "get_backend",
    "get_rank",
    "get_world_size",
    "group",
    "init_process_group",
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "new_group",
    "reduce",
    "reduce_scatter",
    "scatter",
]


class ReduceOp(enum.Enum):
    """How the members' tensors are put together. With one member, each of them gives its tensor."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7


class ProcessGroup:
    """A group of processes: this one."""

    def __init__(self, backend: str, name: str = "") -> None:
        self.backend, self.group_name = backend, name

    def rank(self) -> int:
        return 0

    def size(self) -> int:
        return 1


class GroupMember:
    """The group of all processes, and what stands for a group that this process is not in."""

    WORLD: ProcessGroup | None = None
    NON_GROUP_MEMBER = -100


group = GroupMember


class Work:
    """What a collective returns with `async_op=True`: it is done."""

    def wait(self, timeout: Any = None) -> bool:
        return True

    def is_completed(self) -> bool:
        return True


def is_available() -> bool:
    """Whether processes can be put together: they cannot, the one world has one process. Programs that ask go the way
    they go with a PyTorch that is built without this package; the functions here serve those that do not ask.
    """
    return False


def is_gloo_available() -> bool:
    """Whether the library gloo is part of this build: it is not."""
    return False


def is_nccl_available() -> bool:
    """Whether the library NCCL is part of this build: it is not."""
    return False


def is_mpi_available() -> bool:
    """Whether MPI is part of this build: it is not."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether PyTorch's launcher started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_initialized() -> bool:
    """Whether the group is set up."""
    return GroupMember.WORLD is not None


def _from_environment(name: str, given: int, needed: bool) -> int:
    if given >= 0:
        return given
    if name in os.environ:
        return int(os.environ[name])
    if needed:
        raise ValueError(
            f"Error initializing torch.distributed using env:// rendezvous: environment variable {name} expected, "
            "but not set"
        )
    return -1


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: datetime.timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Set up the group. Where `world_size` and `rank` are not given, the environment tells them."""
    if is_initialized():
        raise ValueError("trying to initialize the default process group twice!")
    by_environment = store is None and init_method in (None, "env://")
    size = _from_environment("WORLD_SIZE", world_size, by_environment)
    place = _from_environment("RANK", rank, by_environment)
    if size != 1:
        raise NotImplementedError(f"init_process_group: a group has one process here, got world_size={size}")
    if place != 0:
        raise ValueError(f"init_process_group: with world_size=1 the rank is 0, got {place}")
    GroupMember.WORLD = ProcessGroup(backend or "undefined", group_name)


def destroy_process_group(group: Any = None) -> None:
    """Take the group down; a group of `new_group` may follow or precede it."""
    if group is None or group is GroupMember.WORLD:
        _member(None)
        GroupMember.WORLD = None


def _member(chosen: Any) -> bool:
    """Whether this process is in the group, which must be set up."""
    if GroupMember.WORLD is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call init_process_group."
        )
    return chosen is not GroupMember.NON_GROUP_MEMBER


def get_rank(group: Any = None) -> int:
    """The number of this process in the group; -1 if it is not in it."""
    return 0 if _member(group) else -1


def get_world_size(group: Any = None) -> int:
    """How many processes the group has; -1 if this one is not in it."""
    return 1 if _member(group) else -1


def get_backend(group: Any = None) -> str:
    """The name that the group was set up with."""
    if not _member(group):
        raise ValueError("get_backend: this process is not in the group")
    found: Any = group or GroupMember.WORLD
    return found.backend


def new_group(
    ranks: Sequence[int] | None = None, timeout: Any = None, backend: str | None = None, **options: Any
) -> Any:
    """A group of some of the processes."""
    _member(None)
    chosen = [0] if ranks is None else list(ranks)
    if any(rank != 0 for rank in chosen):
        raise ValueError(f"new_group: there is one process, of rank 0, got ranks={chosen}")
    return ProcessGroup(backend or get_backend()) if chosen else GroupMember.NON_GROUP_MEMBER


def _done(async_op: bool) -> Work | None:
    return Work() if async_op else None


def _check(function: str, chosen: Any, rank: int | None, *tensors: Any) -> bool:
    if rank not in (0, None):
        raise ValueError(f"{function}: there is one process, of rank 0, got {rank}")
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{function}: expected a Tensor, got {type(tensor).__name__}")
    return _member(chosen)


def _single(function: str, values: Any) -> Any:
    """The only entry of a list with one per process."""
    if len(values) != 1:
        raise ValueError(f"{function}: expected one entry for the one process, got {len(values)}")
    return values[0]


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait for all processes: this one is here."""
    _member(group)
    return _done(async_op)


def all_reduce(
    tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Put the tensors of all processes together, in place: there is one, and it stays."""
    _check("all_reduce", group, None, tensor)
    return _done(async_op)


def reduce(
    tensor: Tensor, dst: int | None = 0, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Put the tensors of all processes together in that of `dst`: there is one, and it stays."""
    _check("reduce", group, dst, tensor)
    return _done(async_op)


def broadcast(tensor: Tensor, src: int | None = 0, group: Any = None, async_op: bool = False) -> Work | None:
    """Give the tensor of `src` to all processes: it is there."""
    _check("broadcast", group, src, tensor)
    return _done(async_op)


def broadcast_object_list(
    object_list: list, src: int | None = 0, group: Any = None, device: Any = None
) -> None:
    """Give the objects of `src` to all processes: they are there."""
    _check("broadcast_object_list", group, src)


def _copy(function: str, target: Tensor, source: Tensor) -> None:
    if target.numel() != source.numel():
        raise ValueError(f"{function}: sizes do not agree: {tuple(target.shape)} and {tuple(source.shape)}")
    target.detach().copy_(source.detach().view_as(target))


def all_gather(tensor_list: list, tensor: Tensor, group: Any = None, async_op: bool = False) -> Work | None:
    """Fill the list with the tensors of all processes."""
    _check("all_gather", group, None, tensor, *tensor_list)
    _copy("all_gather", _single("all_gather", tensor_list), tensor)
    return _done(async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """Fill a tensor with the tensors of all processes, one after the other."""
    _check("all_gather_into_tensor", group, None, output_tensor, input_tensor)
    _copy("all_gather_into_tensor", output_tensor, input_tensor)
    return _done(async_op)


def all_gather_object(object_list: list, obj: Any, group: Any = None) -> None:
    """Fill the list with the objects of all processes."""
    _check("all_gather_object", group, None)
    _single("all_gather_object", object_list)
    object_list[0] = obj


def gather(
    tensor: Tensor,
    gather_list: list | None = None,
    dst: int | None = 0,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Fill the list of `dst` with the tensors of all processes."""
    _check("gather", group, dst, tensor)
    _copy("gather", _single("gather", gather_list or []), tensor)
    return _done(async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list | None = None,
    src: int | None = 0,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Give each process its tensor out of the list of `src`."""
    _check("scatter", group, src, tensor)
    _copy("scatter", tensor, _single("scatter", scatter_list or []))
    return _done(async_op)


def reduce_scatter(
    output: Tensor, input_list: list, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Put the lists of all processes together, and give each process its entry."""
    _check("reduce_scatter", group, None, output, *input_list)
    _copy("reduce_scatter", output, _single("reduce_scatter", input_list))
    return _done(async_op)


def __getattr__(name: str) -> Any:
    if name in ("device_mesh", "tensor"):
        return importlib.import_module(f"{__name__}.{name}")
    return missing(__name__)(name)
