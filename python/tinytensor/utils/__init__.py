"""Help around training."""

_PACKAGES = {"_pytree", "benchmark", "checkpoint", "data", "hooks", "model_zoo", "tensorboard"}


def __getattr__(name: str):
    import importlib

    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; docs/compatibility.md tells what there is"
    )
