"""Maps part by part, and into other shapes."""

from __future__ import annotations

from collections.abc import Sequence

from tinytensor import _C
from tinytensor._C import Size, Tensor

from . import constraints
from ._transform import Comparable, Transform
from .constraints import Constraint
from .utils import sum_rightmost


class _Parts(Comparable):
    """Maps for the parts of a value along one dimension."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        if not all(isinstance(transform, Transform) for transform in tseq):
            raise TypeError(f"{type(self).__name__}: expected a sequence of Transforms, got {tseq!r}")
        super().__init__(cache_size)
        self.transforms = [transform.with_cache(cache_size) for transform in tseq]
        self.dim = dim

    bijective = property(lambda self: all(transform.bijective for transform in self.transforms))

    def _split(self, value: Tensor) -> Sequence[Tensor]:
        raise NotImplementedError

    def _join(self, parts: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def _call(self, x: Tensor) -> Tensor:
        return self._join([transform(part) for transform, part in zip(self.transforms, self._split(x))])

    def _inverse(self, y: Tensor) -> Tensor:
        return self._join([transform.inv(part) for transform, part in zip(self.transforms, self._split(y))])

    def _slopes(self, x: Tensor, y: Tensor) -> list[Tensor]:
        triples = zip(self.transforms, self._split(x), self._split(y))
        return [transform.log_abs_det_jacobian(*parts) for transform, *parts in triples]


class CatTransform(_Parts):
    """Maps for parts of the given lengths, one after the other."""

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise ValueError(f"CatTransform: {len(self.transforms)} maps but {len(self.lengths)} lengths")

    @property
    def event_dim(self) -> int:
        return max(transform.event_dim for transform in self.transforms)

    @property
    def length(self) -> int:
        """The length of all parts together."""
        return sum(self.lengths)

    @constraints.dependent_property
    def domain(self) -> Constraint:
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Constraint:
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)

    def _split(self, value: Tensor) -> Sequence[Tensor]:
        if value.shape[self.dim] != self.length:
            raise ValueError(f"CatTransform: expected size {self.length}, got {value.shape[self.dim]}")
        return value.split(self.lengths, self.dim)

    def _join(self, parts: list[Tensor]) -> Tensor:
        return _C.cat(parts, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        dims = self.event_dim
        each = [
            sum_rightmost(slope, dims - transform.event_dim)
            for slope, transform in zip(self._slopes(x, y), self.transforms)
        ]
        dim = (self.dim if self.dim < 0 else self.dim - x.dim()) + dims
        return _C.cat(each, dim) if dim < 0 else sum(each[1:], each[0])


class StackTransform(_Parts):
    """One map for each place."""

    @constraints.dependent_property
    def domain(self) -> Constraint:
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Constraint:
        return constraints.stack([t.codomain for t in self.transforms], self.dim)

    def _split(self, value: Tensor) -> Sequence[Tensor]:
        parts = value.unbind(self.dim)
        if len(parts) != len(self.transforms):
            raise ValueError(f"StackTransform: {len(self.transforms)} maps for {len(parts)} parts")
        return parts

    def _join(self, parts: list[Tensor]) -> Tensor:
        return _C.stack(parts, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return _C.stack(self._slopes(x, y), self.dim)


class ReshapeTransform(Comparable):
    """The event in another shape."""

    bijective = True

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0) -> None:
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError(
                f"in_shape, out_shape have different numbers of elements: {in_shape} and {out_shape}"
            )
        super().__init__(cache_size)

    @constraints.dependent_property
    def domain(self) -> Constraint:
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self) -> Constraint:
        return constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    def _swap(self, shape: Sequence[int], old: Size, new: Size) -> Size:
        cut = len(shape) - len(old)
        if cut < 0 or Size(shape[cut:]) != old:
            raise ValueError(
                f"ReshapeTransform: expected a shape that ends in {tuple(old)}, got {tuple(shape)}"
            )
        return Size((*shape[:cut], *new))

    def forward_shape(self, shape: Sequence[int]) -> Size:
        return self._swap(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        return self._swap(shape, self.out_shape, self.in_shape)
