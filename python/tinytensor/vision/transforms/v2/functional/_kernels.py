"""Functionals and their kernels: for each function, what does its work on each class of inputs.

A functional is made of what it does to pictures: PIL images and plain tensors. An input that says what it holds reaches
the kernel of its class as a plain tensor, with those arguments of the call that the kernel names and with its own facts
(format, canvas_size, ...); what the kernel gives is put into the class again.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from tinytensor import Tensor
from tinytensor.vision import tv_tensors
from tinytensor.vision.tv_tensors import Image, TVTensor, Video, wrap

from ..._forms import is_pil_image

KERNELS: dict[Callable, dict[type, Callable]] = {}
PIL = type("PIL image", (), {})  # stands for the classes of Pillow, which need not be there
HOME = __name__.rpartition(".")[0]


def is_pure_tensor(inpt: Any) -> bool:
    """Whether this is a tensor that does not say what it holds."""
    return isinstance(inpt, Tensor) and not isinstance(inpt, TVTensor)


def functional(
    picture: Callable,
    kernels: dict[type, Callable] | None = None,
    name: str | None = None,
    pictures: tuple[type, ...] = (PIL, Image, Video),
) -> Any:
    """A function for inputs of all classes; `picture` is what it is on plain tensors and on these kinds of pictures."""

    def call(inpt: Any, *args: Any, **kwargs: Any) -> Any:
        kernel = kernel_for(call, inpt)
        if kernel is None:
            names = ", ".join(kind.__name__ for kind in KERNELS[call])
            raise TypeError(
                f"Functional F.{call.__name__} supports inputs of type {names}, but got {type(inpt)}"
            )
        return kernel(inpt, *args, **kwargs)

    first, *others = inspect.signature(picture).parameters.values()
    call.__signature__ = inspect.Signature([first.replace(name="inpt"), *others])  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = name or picture.__name__.removeprefix("_")
    call.__module__, call.__doc__ = HOME, picture.__doc__
    KERNELS[call] = {Tensor: picture}
    for kind, kernel in {**dict.fromkeys(pictures, picture), **(kernels or {})}.items():
        KERNELS[call][kind] = kernel if kind is PIL else _for_class(call, kernel)
    return call


def kernel_for(function: Callable, inpt: Any) -> Callable | None:
    """What the functional does to such an input; None where it does nothing."""
    table = KERNELS[function]
    if is_pil_image(inpt):
        return table.get(PIL)
    for kind in type(inpt).__mro__:
        if kind in table:
            return table[kind]
        if kind is TVTensor:
            return None
    return None


def parameters_of(function: Callable) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


@functools.cache
def arguments_of(function: Callable) -> tuple[str, ...]:
    """The names of the parameters behind the input."""
    return tuple(parameter.name for parameter in parameters_of(function)[1:])


def _for_class(function: Callable, kernel: Callable) -> Callable:
    """The kernel on inputs of one class."""
    signature, taken = inspect.signature(function), arguments_of(kernel)

    @functools.wraps(kernel)
    def call(inpt: Any, *args: Any, **kwargs: Any) -> Any:
        plain = inpt.as_subclass(Tensor)
        if taken == arguments_of(function):
            return _like(inpt, kernel(plain, *args, **kwargs))
        given = signature.bind(inpt, *args, **kwargs).arguments
        given |= {name: getattr(inpt, name) for name in inpt._facts}
        return _like(inpt, kernel(plain, **{name: given[name] for name in taken if name in given}))

    return call


def _like(inpt: Any, output: Any) -> Any:
    """The output, or each of several, in the class of the input; beside places may stand the new size of the canvas."""
    if isinstance(output, Tensor):
        return wrap(output, like=inpt)
    if not isinstance(output, tuple):
        return output
    if isinstance(output[1], Tensor):
        return tuple(wrap(part, like=inpt) for part in output)
    return wrap(output[0], like=inpt, canvas_size=output[1])


def register_kernel(functional: Callable | str, tv_tensor_cls: type) -> Callable:
    """A decorator: the function does the work of a functional, or of that with this name, on a class of one's own."""
    if isinstance(functional, str):
        name, functional = functional, getattr(sys.modules[HOME], functional, None)  # type: ignore[assignment]
        if functional not in KERNELS:
            raise ValueError(f"Could not find functional with name '{name}' in {HOME}.")
    if functional not in KERNELS:
        raise ValueError(f"Kernels can only be registered on functionals from {HOME}, but got {functional}.")
    if not (isinstance(tv_tensor_cls, type) and issubclass(tv_tensor_cls, TVTensor)):
        raise ValueError(
            f"Kernels can only be registered for subclasses of TVTensor, but got {tv_tensor_cls}."
        )
    if getattr(tv_tensors, tv_tensor_cls.__name__, None) is tv_tensor_cls:
        raise ValueError(
            f"Kernels cannot be registered for the builtin tv_tensor classes, but got {tv_tensor_cls}"
        )
    if tv_tensor_cls in KERNELS[functional]:
        raise ValueError(f"Functional {functional} already has a kernel registered for type {tv_tensor_cls}.")

    def register(kernel: Callable) -> Callable:
        KERNELS[functional][tv_tensor_cls] = kernel
        return kernel

    return register
