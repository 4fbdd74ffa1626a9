"""`torch` and `torchvision` as names of this package, inside one process."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType, TracebackType
from typing import Any

OURS = {"torch": "tinytensor", "torchvision": "tinytensor.vision"}


def our_name(name: str) -> str | None:
    """tinytensor.nn for torch.nn, None for what is not PyTorch's."""
    top, dot, rest = name.partition(".")
    return OURS[top] + dot + rest if top in OURS else None


class _Loader(importlib.abc.Loader):
    """Hands out a module of this package under PyTorch's name. It keeps its own name and spec."""

    def __init__(self, ours: str) -> None:
        self.ours = ours

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.ours)
        self.kept = {
            name: getattr(module, name, None)
            for name in ("__spec__", "__loader__", "__package__", "__name__")
        }
        return module

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self.kept)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        ours = our_name(name)
        if ours is None:
            return None
        if importlib.util.find_spec(ours) is None:
            raise ModuleNotFoundError(
                f"tinytensor has no module {name!r}; docs/compatibility.md tells what there is", name=name
            )
        return importlib.machinery.ModuleSpec(name, _Loader(ours), is_package=True)


_finder = _Finder()


class as_torch:
    """Lets `import torch` and `import torchvision` find this package.

    `as_torch()` holds from now on, `with as_torch():` until the end of the block. A PyTorch that was imported before
    stays where it was imported; the name leads to tinytensor from now on.
    """

    def __init__(self) -> None:
        self.hidden = {
            name: sys.modules.pop(name) for name in list(sys.modules) if our_name(name) is not None
        }
        self.installed = _finder not in sys.meta_path
        if self.installed:
            sys.meta_path.insert(0, _finder)

    def __enter__(self) -> as_torch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.installed:
            sys.meta_path.remove(_finder)
        for name in [name for name in sys.modules if our_name(name) is not None]:
            del sys.modules[name]
        sys.modules.update(self.hidden)
