"""Processes in a grid: one process, in a grid of as many dimensions as wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import _C
from .._C import Tensor
from .._missing import missing
from . import ProcessGroup, get_rank, init_process_group, is_initialized, new_group

__all__ = ["DeviceMesh", "init_device_mesh"]

__getattr__ = missing(__name__)


class DeviceMesh:
    """A grid of processes, given by their ranks. Making one sets up the group of processes if that is not done."""

    def __init__(
        self, device_type: str, mesh: Any = None, *, mesh_dim_names: Sequence[str] | None = None
    ) -> None:
        if mesh is None:
            raise TypeError("DeviceMesh: needs the ranks of its processes, got mesh=None")
        self.device_type = device_type
        self.mesh: Tensor = _C.as_tensor(mesh, dtype=_C.int32, device="cpu")
        if self.mesh.flatten().tolist() != [0]:
            raise RuntimeError(
                f"DeviceMesh: there is one process, of rank 0, got ranks {self.mesh.flatten().tolist()}"
            )
        names = None if mesh_dim_names is None else tuple(mesh_dim_names)
        if names is not None and len(names) != self.ndim:
            raise RuntimeError(f"DeviceMesh: {len(names)} names for {self.ndim} dimensions")
        if names is not None and len({*names}) < len(names):
            raise RuntimeError(f"DeviceMesh: each of mesh_dim_names must be unique, got {names}")
        self.mesh_dim_names = names
        if not is_initialized():
            init_process_group(world_size=1, rank=0)
        self._groups: list[ProcessGroup] = [new_group([0]) for _ in range(self.ndim)]

    @property
    def ndim(self) -> int:
        return self.mesh.dim()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.mesh.shape)

    def size(self, mesh_dim: int | None = None) -> int:
        """How many processes there are, in all or along a dimension."""
        return math.prod(self.shape) if mesh_dim is None else self.mesh.size(mesh_dim)

    def _number(self, mesh_dim: int | str | None) -> int:
        if mesh_dim is None:
            if self.ndim != 1:
                raise RuntimeError(f"DeviceMesh: of {self.ndim} dimensions, mesh_dim tells which is meant")
            return 0
        if isinstance(mesh_dim, int):
            return range(self.ndim)[mesh_dim]
        if mesh_dim not in (self.mesh_dim_names or ()):
            raise KeyError(f"DeviceMesh: no dimension {mesh_dim!r}, there are {self.mesh_dim_names}")
        return (self.mesh_dim_names or ()).index(mesh_dim)

    def get_group(self, mesh_dim: int | str | None = None) -> ProcessGroup:
        """The group of the processes along a dimension."""
        return self._groups[self._number(mesh_dim)]

    def get_all_groups(self) -> list[ProcessGroup]:
        """The groups of all dimensions."""
        return list(self._groups)

    def get_rank(self) -> int:
        """The number of this process."""
        return get_rank()

    def get_local_rank(self, mesh_dim: int | str | None = None) -> int:
        """The place of this process along a dimension."""
        self._number(mesh_dim)
        return 0

    def get_coordinate(self) -> tuple[int, ...]:
        """The place of this process."""
        return (0,) * self.ndim

    def __getitem__(self, names: str | tuple[str, ...]) -> DeviceMesh:
        """The part of the grid that has the named dimensions."""
        chosen = (names,) if isinstance(names, str) else tuple(names)
        places = [self._number(name) for name in chosen]
        part = DeviceMesh(self.device_type, self.mesh.reshape([1] * len(places)), mesh_dim_names=chosen)
        part._groups = [self._groups[place] for place in places]
        return part

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DeviceMesh):
            return NotImplemented
        return self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple:
        return self.device_type, self.shape, self.mesh_dim_names

    def __repr__(self) -> str:
        names = self.mesh_dim_names
        sizes = ", ".join(f"{name}=1" for name in names) if names else ", ".join("1" for _ in self.shape)
        return f"DeviceMesh(({sizes}), '{self.device_type}')"


def init_device_mesh(
    device_type: str, mesh_shape: Sequence[int], *, mesh_dim_names: Sequence[str] | None = None
) -> DeviceMesh:
    """A grid of the given sizes, whose product is the number of processes: 1."""
    if math.prod(mesh_shape) != 1:
        raise RuntimeError(f"init_device_mesh: there is one process, got mesh_shape={tuple(mesh_shape)}")
    return DeviceMesh(device_type, _C.zeros(*mesh_shape, dtype=_C.int32), mesh_dim_names=mesh_dim_names)
