"""Tensors that a module trains or keeps, and those whose shape is not known yet."""

from __future__ import annotations

from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


class Parameter(Tensor):
    """A tensor to be trained: set as an attribute of a Module, it is among the module's parameters."""

    __torch_function__ = _C._disabled_torch_function_impl

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = _C.empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter: data must be a Tensor, got {type(data).__name__}")
        return _C._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo: dict) -> Parameter:
        if id(self) not in memo:
            copied = self.data.clone(memory_format=_C.preserve_format)
            memo[id(self)] = type(self)(copied, self.requires_grad)
        return memo[id(self)]

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return "Parameter containing:\n" + Tensor.__repr__(self, tensor_contents=tensor_contents)  # type: ignore[call-arg]

    __str__ = __repr__


class _BufferMeta(type(Tensor)):
    """A Buffer stays a plain tensor that carries a mark, so that no operation has to know of it."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that is kept but not trained: set as an attribute of a Module, it is among its buffers."""

    __torch_function__ = _C._disabled_torch_function_impl

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Tensor:
        if data is None:
            data = _C.empty(0)
        marked = data.detach().requires_grad_(data.requires_grad)
        marked.persistent = persistent
        marked._is_buffer = True
        return marked


class UninitializedTensorMixin:
    """What a parameter or buffer can do before its shape is known: be moved, converted, and materialised."""

    cls_to_become: type

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Allocate the values, and become an ordinary parameter or buffer."""
        data = self.data
        self.data = _C.empty(
            shape,
            device=data.device if device is None else device,
            dtype=data.dtype if dtype is None else dtype,
        )
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer: "
            "the module that owns it must run once, or load a state_dict, before"
        )

    def detach(self) -> Any:
        """Itself: there is nothing to detach yet, and state_dict is to show what waits for its values."""
        return self

    def share_memory_(self) -> Any:
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer: materialize it first")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: int) -> tuple:
        return type(self), (self.requires_grad,)

    def _has_no_values(self, name: str) -> ValueError:
        return ValueError(
            f"Attempted to use an uninitialized parameter in {name}: a lazy module must run once, "
            "or load a state_dict, before its parameters can be used"
        )


_ALLOWED = {
    *(
        "__class__",
        "__dict__",
        "__doc__",
        "__module__",
        "__new__",
        "__init__",
        "__hash__",
        "__getattribute__",
    ),
    *(
        "__setattr__",
        "__delattr__",
        "__init_subclass__",
        "__subclasshook__",
        "__dir__",
        "__sizeof__",
        "__deepcopy__",
    ),
    *(
        "__eq__",
        "__ne__",
        "__array_priority__",
        "_make_subclass",
        "size",
        "copy_",
        "is_complex",
        "is_floating_point",
    ),
    *(
        "half",
        "float",
        "double",
        "bfloat16",
        "char",
        "short",
        "int",
        "long",
        "cuda",
        "cpu",
        "to",
        "get_device",
    ),
    "is_inference",
}


def _refusing(name: str) -> Any:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise self._has_no_values(name)

    refuse.__name__ = name
    return refuse


for _name, _value in Tensor.__dict__.items():
    if callable(_value) and _name not in _ALLOWED and _name not in UninitializedTensorMixin.__dict__:
        setattr(UninitializedTensorMixin, _name, _refusing(_name))


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter whose shape is not known before `materialize(shape)`."""

    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: Any = None
    ) -> UninitializedParameter:
        return _C._make_subclass(cls, _C.empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo: dict) -> UninitializedParameter:
        if id(self) not in memo:
            data = self.data
            memo[id(self)] = type(self)(self.requires_grad, data.device, data.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is not known before `materialize(shape)`."""

    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> UninitializedBuffer:
        made = _C._make_subclass(cls, _C.empty(0, device=device, dtype=dtype), requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


def is_lazy(param: Any) -> bool:
    """Whether a tensor waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)
