"""The base of all: what ops make of it, how it is copied and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tinytensor
from tinytensor import _C, Tensor

KEEPING = {Tensor.clone, Tensor.to, Tensor.detach, Tensor.requires_grad_, Tensor.pin_memory}
KINDS = {"tensor": False, "tvtensor": True}
keeps_always = False


class set_return_type:
    """What ops on such tensors give: "Tensor" (the default) or "TVTensor". In a `with` statement, until its end."""

    def __init__(self, return_type: str) -> None:
        global keeps_always
        if return_type.lower() not in KINDS:
            raise ValueError(f"return_type must be 'TVTensor' or 'Tensor', got {return_type}")
        self.before, keeps_always = keeps_always, KINDS[return_type.lower()]

    def __enter__(self) -> set_return_type:
        return self

    def __exit__(self, *exception: Any) -> None:
        global keeps_always
        keeps_always = self.before


class TVTensor(Tensor):
    """The base of classes of tensors that say what they hold."""

    _facts: tuple[str, ...] = ()  # attributes that go along with the values
    _shows_facts = True

    @staticmethod
    def _to_tensor(
        data: Any, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> Tensor:
        """The data as a plain tensor."""
        if isinstance(data, Tensor):
            requires_grad = data.requires_grad if requires_grad is None else requires_grad
            data = data if requires_grad else data.detach()
        data = data.as_subclass(Tensor) if isinstance(data, TVTensor) else data
        tensor = tinytensor.as_tensor(data, dtype=dtype, device=device)
        return tensor if tensor.requires_grad else tensor.requires_grad_(bool(requires_grad))

    @classmethod
    def wrap(cls, tensor: Tensor, like: Any, **kwargs: Any) -> Any:
        """The tensor in this class, with the facts of `like` or, where they are given, others."""
        result = tensor.as_subclass(cls)
        for name in cls._facts:
            setattr(result, name, kwargs[name] if name in kwargs else getattr(like, name))
        return result

    @classmethod
    def __torch_function__(  # type: ignore[override]
        cls, func: Callable, types: Iterable[type], args: Sequence = (), kwargs: Mapping | None = None
    ) -> Any:
        if not all(issubclass(cls, other) for other in types):
            return NotImplemented
        with _C.DisableTorchFunctionSubclass():
            output = func(*args, **(kwargs or {}))
            if keeps_always or (func in KEEPING and isinstance(args[0], cls)):
                like = next(part for part in _tensors((args, kwargs or {})) if isinstance(part, cls))
                return cls._in_class(output, like)
            return output.as_subclass(Tensor) if isinstance(output, cls) else output

    @classmethod
    def _in_class(cls, output: Any, like: Any) -> Any:
        if isinstance(output, (tuple, list)) and not isinstance(output, tinytensor.Size):
            parts = [cls._in_class(part, like) for part in output]
            return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)
        if not isinstance(output, Tensor) or isinstance(output, cls):
            return output
        return wrap(output, like=like)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        if not self._shows_facts:
            return super().__repr__()
        facts = ", ".join(f"{name}={getattr(self, name)}" for name in self._facts)
        return f"{super().__repr__()[:-1]}, {facts})"

    def __str__(self) -> str:
        return repr(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.detach().clone().requires_grad_(self.requires_grad)


def _tensors(arguments: Any) -> Iterable[Tensor]:
    if isinstance(arguments, Mapping):
        arguments = tuple(arguments.values())
    if isinstance(arguments, (tuple, list)):
        for part in arguments:
            yield from _tensors(part)
    elif isinstance(arguments, Tensor):
        yield arguments


def wrap(wrappee: Tensor, *, like: Any, **kwargs: Any) -> Any:
    """The tensor in the class of `like`, with its facts (such as canvas_size), of which some may be given anew."""
    own = getattr(type(like), "wrap", None)
    return wrappee.as_subclass(type(like)) if own is None else own(wrappee, like, **kwargs)
