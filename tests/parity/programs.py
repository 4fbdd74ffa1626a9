"""Runs random programs on two modules and compares everything that can be seen of them afterwards.

    python tests/parity/programs.py --count 2000 --peer-python /path/to/python/with/torch

Each module runs in a process of its own, so that the two may live in different environments and a crash is a
finding instead of the end. `--record FILE` writes the results of one module, which test_programs.py then
compares with where that module is absent.
"""

from __future__ import annotations

import argparse
import importlib
import json
import lzma
import math
import os
import subprocess
import sys
import threading
import warnings
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

from generator import generate

# Each result: dtype, shape, stride, requires_grad, is_leaf, values, gradient (None: there is none).
DTYPE, SHAPE, STRIDE, REQUIRES_GRAD, IS_LEAF, VALUES, GRADIENT = range(7)
FACTS = {DTYPE: "dtype", SHAPE: "shape", STRIDE: "stride", REQUIRES_GRAD: "requires_grad", IS_LEAF: "is_leaf"}
# A float64 may come from float32 values.
TOLERANCE = {"float64": 5e-7, "float32": 5e-5, "float16": 2e-2, "bfloat16": 1e-1}

Result = dict[str, dict[str, Any]]
READY = "ready"


def shortened(value: Any) -> Any:
    return float(f"{value:.11g}") if isinstance(value, float) and math.isfinite(value) else value


def values_of(tensor: Any) -> list[Any]:
    return [shortened(v) for v in tensor.detach().reshape(-1).tolist()]


def describe(value: Any) -> Any:
    if not hasattr(value, "requires_grad"):
        return repr(value)
    leaf = bool(value.is_leaf)
    gradient = value.grad if leaf and value.requires_grad else None
    return [
        str(value.dtype).rpartition(".")[2],
        list(value.shape),
        list(value.stride()),
        bool(value.requires_grad),
        leaf,
        values_of(value),
        None if gradient is None else values_of(gradient),
    ]


def run(program: list[str], module: ModuleType) -> Result:
    """All variables after the last statement, and the type of every exception on the way."""
    space: dict[str, Any] = {"torch": module}
    errors: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, statement in enumerate(program):
            try:
                exec(statement, space)
            except Exception as error:  # which one it is, is the result
                errors[str(number)] = type(error).__name__
        variables = {}
        for name in sorted(space):
            if name == "torch" or name.startswith("__"):
                continue
            try:
                variables[name] = describe(space[name])
            except Exception as error:
                variables[name] = f"cannot be read: {type(error).__name__}"
    return {"variables": variables, "errors": errors}


def close(a: Any, b: Any, slack: float) -> bool:
    if isinstance(a, bool) or isinstance(b, bool) or (isinstance(a, int) and isinstance(b, int)):
        return a == b
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= slack


def unlike(ours: list[Any], theirs: list[Any], dtype: str) -> bool:
    scale = max([1.0, *(abs(v) for v in theirs if math.isfinite(v))])
    slack = TOLERANCE.get(dtype, 0.0) * scale
    return len(ours) != len(theirs) or not all(close(a, b, slack) for a, b in zip(ours, theirs, strict=True))


def compare(ours: Result, theirs: Result, last: int) -> list[str]:
    """What differs, in words. `last` is the number of the last statement: backward()."""
    found = []
    for number in sorted({*ours["errors"], *theirs["errors"]}, key=int):
        a, b = ours["errors"].get(number), theirs["errors"].get(number)
        if a != b:
            found.append(f"statement {number}: {a or 'no error'}, due {b or 'no error'}")
    for name in sorted({*ours["variables"], *theirs["variables"]}):
        a, b = ours["variables"].get(name), theirs["variables"].get(name)
        found += [f"{name}: {text}" for text in differences(a, b, str(last) in theirs["errors"])]
    return found


def differences(a: Any, b: Any, failed: bool) -> list[str]:
    if not isinstance(a, list) or not isinstance(b, list):
        return [] if a == b else [f"{a}, due {b}"]
    # The strides of a tensor without elements say nothing.
    facts = {at: fact for at, fact in FACTS.items() if at != STRIDE or 0 not in b[SHAPE]}
    found = [f"{fact} {a[at]}, due {b[at]}" for at, fact in facts.items() if a[at] != b[at]]
    if found:
        return found
    if unlike(a[VALUES], b[VALUES], b[DTYPE]):
        found.append(f"values {a[VALUES]}, due {b[VALUES]}")
    if failed:  # how far a failing backward() comes is no promise
        return found
    if (a[GRADIENT] is None) != (b[GRADIENT] is None):
        found.append(f"gradient {a[GRADIENT]}, due {b[GRADIENT]}")
    elif b[GRADIENT] is not None and unlike(a[GRADIENT], b[GRADIENT], b[DTYPE]):
        found.append(f"gradient {a[GRADIENT]}, due {b[GRADIENT]}")
    return found


class Worker:
    """A process that runs programs on one module; it is started anew after a crash or a hang."""

    def __init__(self, python: str, module: str, seconds: float = 10.0) -> None:
        self.command = [python, str(Path(__file__).resolve()), "--serve", "--module", module]
        self.seconds = seconds
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        if self.process.stdout.readline().strip() != READY:
            sys.exit(f"cannot start: {' '.join(self.command)}")
        return self.process

    def run(self, program: list[str]) -> Result:
        process = self.process or self.start()
        assert process.stdin and process.stdout
        clock = threading.Timer(self.seconds, process.kill)
        clock.start()
        try:
            process.stdin.write(json.dumps(program) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        clock.cancel()
        if line:
            return json.loads(line)
        code = process.wait()
        self.process = None
        return {"variables": {}, "errors": {"-1": f"the process ended with code {code}"}}

    def close(self) -> None:
        if self.process is not None and self.process.stdin:
            self.process.stdin.close()
            self.process.wait()


def serve(module: ModuleType) -> None:
    print(READY, flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), module)), flush=True)


def minimised(program: list[str], ours: Worker, theirs: Worker) -> list[str]:
    """The program without every statement that the difference can do without."""

    def differs(candidate: list[str]) -> bool:
        return bool(compare(ours.run(candidate), theirs.run(candidate), len(candidate) - 1))

    shrunk = True
    while shrunk:
        shrunk = False
        for at in reversed(range(len(program))):
            candidate = program[:at] + program[at + 1 :]
            if candidate and differs(candidate):
                program, shrunk = candidate, True
    return program


def record(path: Path, module: ModuleType, seeds: range) -> None:
    programs = [generate(seed) for seed in seeds]
    rows = [{"program": program, "result": run(program, module)} for program in programs]
    text = json.dumps(rows, separators=(",", ":"))
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{len(rows)} programs, {path.stat().st_size} bytes")


def recorded(path: Path) -> list[dict[str, Any]]:
    return json.loads(lzma.decompress(path.read_bytes()))


def contest(arguments: argparse.Namespace) -> int:
    ours = Worker(arguments.python, arguments.module)
    theirs = Worker(arguments.peer_python, arguments.peer_module)
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    differing, kinds = [], Counter()
    for seed in seeds:
        program = generate(seed)
        found = compare(ours.run(program), theirs.run(program), len(program) - 1)
        if found:
            differing.append((seed, program))
            kinds[found[0].split(": ", 1)[1].split(" ")[0]] += 1
    print(
        f"{arguments.count - len(differing)} of {arguments.count} programs agree", dict(kinds.most_common())
    )
    for seed, program in differing[: arguments.show]:
        small = minimised(program, ours, theirs)
        print(f"\nseed {seed}:\n    " + "\n    ".join(small))
        for text in compare(ours.run(small), theirs.run(small), len(small) - 1):
            print(f"  {text}")
    ours.close()
    theirs.close()
    return bool(differing)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program")
    parser.add_argument("--show", type=int, default=10, help="differing programs to print")
    parser.add_argument("--module", default=os.environ.get("TT_MODULE", "tinytensor"))
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the module")
    parser.add_argument("--peer-module", default="torch")
    parser.add_argument("--peer-python", default=sys.executable, help="the interpreter that has the peer")
    parser.add_argument("--record", type=Path, help="write the results of --module to this file")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--print", action="store_true", help="print the programs only")
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    if arguments.print:
        print("\n\n".join("\n".join(generate(seed)) for seed in seeds))
    elif arguments.serve:
        serve(importlib.import_module(arguments.module))
    elif arguments.record:
        record(arguments.record, importlib.import_module(arguments.module), seeds)
    else:
        return contest(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
