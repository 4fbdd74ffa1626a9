"""Help around training."""

_PACKAGES = {"checkpoint", "data", "hooks", "tensorboard"}


def __getattr__(name: str):
    import importlib

    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; docs/compatibility.md tells what there is"
    )
