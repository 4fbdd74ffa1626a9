"""Pruning: parameters with a mask that sets some of their elements to zero."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


class BasePruningMethod(ABC):
    """A hook before forward that computes `name` as `name_orig` times `name_mask`.

    A subclass says which elements stay: `compute_mask(t, default_mask)` returns a mask of ones and zeros.
    """

    _tensor_name: str
    PRUNING_TYPE: str

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask for importance scores `t`, on top of what is masked already."""

    def apply_mask(self, module: Any) -> Tensor:
        """Return the pruned tensor."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        original = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter; one that is pruned already gets a method more."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        earlier = [key for key, hook in module._forward_pre_hooks.items() if _prunes(hook, name)]
        if len(earlier) > 1:
            raise AssertionError(
                f"Avoid having multiple pruning hooks on the same tensor {name}. Use a PruningContainer."
            )
        value = getattr(module, name)
        scores = value if importance_scores is None else importance_scores
        if scores.shape != value.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}"
            )

        if earlier:
            default_mask = getattr(module, name + "_mask").detach().clone()
            container = PruningContainer.of(module._forward_pre_hooks[earlier[0]])
            container.add_pruning_method(method)
            method = container
            mask = method.compute_mask(scores, default_mask)
            del module._forward_pre_hooks[earlier[0]]
        else:
            # Computed first: nothing is changed if the method refuses.
            mask = method.compute_mask(scores, _C.ones_like(value))
            module.register_parameter(name + "_orig", value)
            del module._parameters[name]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None
    ) -> Tensor:
        """Return a pruned copy of a tensor that belongs to no module."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        default_mask = _C.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=default_mask)

    def remove(self, module: Any) -> None:
        """Make the pruned values those of an ordinary parameter."""
        weight = self.apply_mask(module)
        original = module._parameters.pop(self._tensor_name + "_orig")
        original.data = weight.data
        del module._buffers[self._tensor_name + "_mask"]
        delattr(module, self._tensor_name)
        setattr(module, self._tensor_name, original)


class PruningContainer(BasePruningMethod):
    """Several methods on one tensor; each sees only what those before it have left."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for i, method in enumerate(args):
            if i == 0 and isinstance(method, BasePruningMethod):
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    @classmethod
    def of(cls, method: BasePruningMethod) -> PruningContainer:
        """The method itself if it is a container, else one around it."""
        return method if isinstance(method, PruningContainer) else cls(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method at the end."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        name = getattr(self, "_tensor_name", method._tensor_name)
        if name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype).clone()
        if method.PRUNING_TYPE == "unstructured":
            left: Any = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = _checked_dim(t, method.dim)
            kept = mask.sum([d for d in range(t.dim()) if d != dim]) != 0
            left = tuple(kept if d == dim else slice(None) for d in range(t.dim()))
        elif method.PRUNING_TYPE == "global":
            left = (slice(None),) * t.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask[left] = method.compute_mask(t[left], default_mask=mask[left])
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing: gives a parameter a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Amount(BasePruningMethod):
    """A method that takes away a part in [0, 1], or so many units."""

    def __init__(self, amount: float) -> None:
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        is_count = isinstance(amount, numbers.Integral)
        if (is_count and amount < 0) or (not is_count and not 0.0 <= float(amount) <= 1.0):
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer"
            )
        self.amount = amount

    def _count(self, size: int) -> int:
        if not isinstance(self.amount, numbers.Integral):
            return round(self.amount * size)
        if int(self.amount) > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to prune={size}"
            )
        return int(self.amount)


class _Unstructured(_Amount):
    PRUNING_TYPE = "unstructured"

    def _scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self._count(t.nelement())
        mask = default_mask.clone(memory_format=_C.contiguous_format)
        if count:
            mask.view(-1)[self._scores(t).reshape(-1).topk(count).indices] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes elements by chance."""

    def _scores(self, t: Tensor) -> Tensor:
        return _C.rand_like(t)


class L1Unstructured(_Unstructured):
    """Prunes the elements nearest to zero."""

    def _scores(self, t: Tensor) -> Tensor:
        return -t.detach().abs()


def _checked_dim(t: Tensor, dim: int) -> int:
    if t.dim() <= 1:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. "
            f"Found tensor of shape {t.shape} with {t.dim()} dims"
        )
    if not -t.dim() <= dim < t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")
    return dim % t.dim()


class _Structured(_Amount):
    """Prunes whole slices along one dimension."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _kept(self, t: Tensor, dim: int, count: int) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        dim = _checked_dim(t, self.dim)
        count = self._count(t.shape[dim])
        if count == 0:
            return default_mask
        shape = [1] * t.dim()
        shape[dim] = -1
        kept = self._kept(t.detach(), dim, count).view(shape)
        return default_mask * kept.to(dtype=default_mask.dtype)


class RandomStructured(_Structured):
    """Prunes slices by chance."""

    def _kept(self, t: Tensor, dim: int, count: int) -> Tensor:
        chances = _C.rand(t.shape[dim])
        return chances > chances.kthvalue(count).values


class LnStructured(_Structured):
    """Prunes the slices of the least norm of order n."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _kept(self, t: Tensor, dim: int, count: int) -> Tensor:
        norms = t.norm(self.n, [d for d in range(t.dim()) if d != dim])
        kept = _C.zeros_like(norms)
        kept[norms.topk(t.shape[dim] - count).indices] = 1
        return kept


class CustomFromMask(BasePruningMethod):
    """Prunes by a mask that is given."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"mask: expected shape {default_mask.shape}, got {self.mask.shape}")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def _prunes(hook: Any, name: str) -> bool:
    return isinstance(hook, BasePruningMethod) and hook._tensor_name == name


def identity(module: Any, name: str) -> Any:
    """Give a parameter a mask of ones."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: float) -> Any:
    """Prune elements of a parameter by chance."""
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(module: Any, name: str, amount: float, importance_scores: Tensor | None = None) -> Any:
    """Prune the elements of a parameter that are nearest to zero."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: float, dim: int) -> Any:
    """Prune slices of a parameter by chance."""
    RandomStructured.apply(module, name, amount=amount, dim=dim)
    return module


def ln_structured(
    module: Any, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Any:
    """Prune the slices of a parameter that have the least norm of order n."""
    LnStructured.apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune a parameter by a mask."""
    CustomFromMask.apply(module, name, mask=mask)
    return module


def global_unstructured(
    parameters: Iterable, pruning_method: type, importance_scores: dict | None = None, **kwargs: Any
) -> None:
    """Prune pairs of module and name as if they were one parameter, so that they compete with each other."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    importance_scores = {} if importance_scores is None else importance_scores
    if not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. '
            f"Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )

    values = [getattr(module, name) for module, name in pairs]
    scores = [importance_scores.get(pair, value) for pair, value in zip(pairs, values)]
    masks = [
        getattr(module, name + "_mask", _C.ones_like(value)) for (module, name), value in zip(pairs, values)
    ]
    method._tensor_name = "temp"
    flat_mask = PruningContainer(method).compute_mask(
        _C.cat([x.detach().reshape(-1) for x in scores]), _C.cat([x.reshape(-1) for x in masks])
    )
    start = 0
    for (module, name), value in zip(pairs, values):
        custom_from_mask(module, name, mask=flat_mask[start : start + value.numel()].view_as(value))
        start += value.numel()


def remove(module: Any, name: str) -> Any:
    """Make the pruning of a parameter final: its mask goes, its zeros stay."""
    for key, hook in module._forward_pre_hooks.items():
        if _prunes(hook, name):
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Any) -> bool:
    """Whether a parameter of the tree is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for _, child in module.named_modules()
        for hook in child._forward_pre_hooks.values()
    )
