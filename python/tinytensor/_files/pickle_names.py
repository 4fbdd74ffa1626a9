"""The names under which classes and functions stand in checkpoints: PyTorch's, whose files we read and
write.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .. import _C, _utils
from ..storage import NAMED_STORAGES, TypedStorage, UntypedStorage

_OURS, _THEIRS = __package__.partition(".")[0], "torch"

# Modules here whose contents PyTorch keeps in another one; those below a package count as the package.
_MODULES = {
    "nn.modules._parameter_container": "nn.modules.container",
    "nn.modules.attention": "nn.modules.activation",
    "nn.modules.convolution": "nn.modules.conv",
    "nn.parallel": "nn.parallel.data_parallel",
    "optim.adafactor": "optim",
    "optim.muon": "optim",
}
_PACKAGES = ("nn.functional", "optim.lr_scheduler")
# Single things that PyTorch keeps in another module.
_MOVED = {
    (f"{_OURS}._utils", "_rebuild_from_type_v2"): f"{_THEIRS}._tensor",
    (f"{_OURS}._utils", "_get_layout"): f"{_THEIRS}.serialization",
    (f"{_OURS}._C", "Generator"): f"{_THEIRS}._C",
}
# In PyTorch's files a name may stand under an older or a deeper module than the one that exports it here.
_FALLBACKS = (
    ("torch.nn", f"{_OURS}.nn"),
    ("torch.optim", f"{_OURS}.optim"),
    ("torch.utils.data", f"{_OURS}.utils.data"),
    ("torch._C._nn", f"{_OURS}.nn.functional"),
    ("torchvision", f"{_OURS}.vision"),
)


def _below(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def written_name(module: str, name: str) -> tuple[str, str] | None:
    """PyTorch's name of something of this package; None for what belongs to others."""
    if not _below(module, _OURS):
        return None
    if (module, name) in _MOVED:
        return _MOVED[module, name], name
    if _below(module, f"{_OURS}._C"):
        at_top = hasattr(sys.modules[_OURS], name.partition(".")[0])
        return _THEIRS if at_top else f"{_THEIRS}.nn.functional", name
    inside = module[len(_OURS) + 1 :]
    package = next((package for package in _PACKAGES if _below(inside, package)), None)
    inside = package or _MODULES.get(inside, inside)
    return f"{_THEIRS}.{inside}" if inside else _THEIRS, name


def _resolve(module: str, name: str) -> Any:
    importlib.import_module(module)
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def find(module: str, name: str) -> Any:
    """What a name in a file stands for: PyTorch's names are ours, all others are imported."""
    if not _below(module, _THEIRS) and not _below(module, "torchvision"):
        return _resolve(module, name)
    places = [f"{_OURS}._C"] if module == "torch._C" else []
    if _below(module, _THEIRS):
        places.append(_OURS + module[len(_THEIRS) :])
    places += [ours for theirs, ours in _FALLBACKS if _below(module, theirs)]
    for place in places:
        try:
            return _resolve(place, name)
        except (ImportError, AttributeError):
            continue
    raise AttributeError(f"load: the file names {module}.{name}, which {_OURS} does not have")


def storage_classes() -> dict[str, Any]:
    """The classes that stand for the types of storages, by the names in files."""
    return {
        **{f"torch {name}": kind for name, kind in NAMED_STORAGES.items()},
        **{f"torch.cuda {name}": kind for name, kind in NAMED_STORAGES.items()},
        "torch.storage UntypedStorage": UntypedStorage,
        "torch UntypedStorage": UntypedStorage,
        "torch.storage TypedStorage": TypedStorage,
    }


def constants() -> dict[str, Any]:
    """The dtypes and memory formats, by the names in files."""
    kinds = (_C.dtype, _C.memory_format)
    return {f"torch {name}": value for name, value in vars(_C).items() if isinstance(value, kinds)}


def rebuild_functions() -> dict[str, Any]:
    names = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state")
    found = {f"torch._utils {name}": getattr(_utils, name) for name in names}
    found["torch._tensor _rebuild_from_type_v2"] = _utils._rebuild_from_type_v2
    return found
