"""Runs an unmodified PyTorch program. Processes that it spawns run this module again, as their `__mp_main__`."""

from __future__ import annotations

import os
import sys

from tinytensor._as_torch import as_torch

USAGE = """usage: python -m tinytensor script.py [arguments]
       python -m tinytensor -c "code" [arguments]

Runs a PyTorch program on tinytensor: inside it `torch` and `torchvision` are this package."""

PROGRAM = "TINYTENSOR_PROGRAM"  # the environment variable that tells spawned processes which file it is


def run(path: str, into: dict[str, object]) -> None:
    """Executes the file in the namespace `into`."""
    with open(path, "rb") as file:
        source = file.read()
    into["__file__"] = path
    exec(compile(source, path, "exec"), into)


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 2
    as_torch()
    program = sys.modules["__main__"]
    names = vars(program)
    for name in [name for name in names if not name.startswith("__")]:
        del names[name]
    names["__package__"] = None
    if arguments[0] == "-c":
        if len(arguments) < 2:
            print(USAGE, file=sys.stderr)
            return 2
        sys.argv[:] = ["-c", *arguments[2:]]
        sys.path[0] = ""
        names["__spec__"] = None
        del names["__file__"]
        exec(compile(arguments[1], "<string>", "exec"), names)
        return 0
    path = arguments[0]
    if not os.path.isfile(path):
        print(f"tinytensor: no such file: {path}", file=sys.stderr)
        return 2
    sys.argv[:] = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    names["__spec__"] = __spec__  # what a spawned process imports in place of the program
    os.environ[PROGRAM] = os.path.abspath(path)
    run(path, names)
    return 0


if __name__ == "__mp_main__":
    as_torch()
    sys.argv[0] = os.environ[PROGRAM]
    run(os.environ[PROGRAM], globals())
