"""The CUDA sources as plain C++, built against the emulation into a module that stands for `_cuda`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ExtensionFileLoader
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
PATH = "TT_CUDA_EMULATION"  # environment: the module that tests/cuda/conftest.py brings in
FLAGS = ["-std=c++20", "-O1", "-fPIC", "-fno-math-errno", "-Wall", "-Wextra", "-Wno-unknown-pragmas"]


def compiler() -> str | None:
    return next(
        filter(None, (shutil.which(name) for name in (os.environ.get("CXX", ""), "c++", "g++"))), None
    )


def build(folder: Path, library: Path) -> Path:
    """`library`: the installed core, into whose slots the module registers."""
    cxx = compiler()
    assert cxx
    includes = [HERE / "emulation", ROOT, ROOT / "csrc", Path(sysconfig.get_paths()["include"])]
    flags = FLAGS + [f"-I{path}" for path in includes]

    def compiled(source: Path) -> Path:
        target = folder / (source.name + ".o")
        subprocess.run([cxx, *flags, "-x", "c++", "-c", str(source), "-o", str(target)], check=True)
        return target

    sources = [
        *(ROOT / "cuda").glob("*.cu"),
        *(ROOT / "cuda").glob("*.cpp"),
        *(HERE / "emulation").glob("*.cu"),
    ]
    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compiled, sorted(sources)))
    module = folder / "_cuda_emulated.so"
    link = [f"-L{library.parent}", f"-l:{library.name}", f"-Wl,-rpath,{library.parent}"]
    subprocess.run([cxx, "-shared", *map(str, objects), *link, "-o", str(module)], check=True)
    return module


def bring_in(path: str) -> None:
    """Import the emulation in place of `tinytensor._cuda`, for the whole process."""
    loader = ExtensionFileLoader("tinytensor._cuda", path)
    spec = importlib.util.spec_from_file_location("tinytensor._cuda", path, loader=loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules["tinytensor._cuda"] = module
