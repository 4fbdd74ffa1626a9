"""`torch` and `torchvision` as names of this package, inside one process."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import tinytensor
from tinytensor.torch_version import PYTORCH, TORCHVISION, TorchVersion

OURS = {"torch": "tinytensor", "torchvision": "tinytensor.vision"}

# Programs and libraries ask which PyTorch this is, to choose their way.
_OWN_VERSION = tinytensor.__version__
_VERSIONS = {
    name: TorchVersion(f"{version}+tinytensor{_OWN_VERSION}")
    for name, version in (("torch", PYTORCH), ("torchvision", TORCHVISION))
}


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
        if self.ours in OURS.values():
            _tell_version(module)


class _Distribution(importlib.metadata.Distribution):
    """What importlib.metadata tells of an installed package."""

    def __init__(self, name: str) -> None:
        self.package = name

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {self.package}\nVersion: {_VERSIONS[self.package]}\n"

    def locate_file(self, path: Any) -> Path:
        return Path(__file__).parent.parent / path


def _tell_version(module: ModuleType) -> None:
    name = next(name for name, ours in OURS.items() if ours == module.__name__)
    module.__version__ = _VERSIONS[name]  # type: ignore[attr-defined]


class _Finder(importlib.abc.MetaPathFinder):
    def find_distributions(self, context: Any = None) -> Iterator[importlib.metadata.Distribution]:
        asked = getattr(context, "name", None)
        return (_Distribution(name) for name in _VERSIONS if asked is None or asked.lower() == name)

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


def _versioned() -> list[ModuleType]:
    return [sys.modules[ours] for ours in OURS.values() if ours in sys.modules]


class as_torch:
    """Lets `import torch` and `import torchvision` find this package.

    `as_torch()` holds from now on, `with as_torch():` until the end of the block. A PyTorch that was imported before
    stays where it was imported; the name leads to tinytensor from now on. Meanwhile the versions are those of PyTorch
    and torchvision that this package follows, as `torch.__version__` and for importlib.metadata.
    """

    def __init__(self) -> None:
        self.hidden = {
            name: sys.modules.pop(name) for name in list(sys.modules) if our_name(name) is not None
        }
        self.installed = _finder not in sys.meta_path
        if self.installed:
            sys.meta_path.insert(0, _finder)
            for module in _versioned():
                _tell_version(module)

    def __enter__(self) -> as_torch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.installed:
            sys.meta_path.remove(_finder)
            for module in _versioned():
                module.__version__ = _OWN_VERSION  # type: ignore[attr-defined]
        for name in [name for name in sys.modules if our_name(name) is not None]:
            del sys.modules[name]
        sys.modules.update(self.hidden)
