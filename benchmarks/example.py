#!/usr/bin/env python3
"""Times a whole example, loading of data included, here and under PyTorch: the same file, its imports renamed.

    python benchmarks/example.py --peer-python PYTHON_WITH_TORCH cifar_cnn --data FOLDER --epochs 10

What follows the name goes to the example. The two run in turns; the interpreters need tqdm and, for PyTorch,
torchvision.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def renamed(folder: Path) -> Path:
    """The examples with PyTorch's names of the packages."""
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text().replace("import tinytensor as torch", "import torch")
        text = text.replace("tinytensor.vision", "torchvision")
        (folder / path.name).write_text(re.sub(r"\btinytensor\b", "torch", text))
    return folder


def run(python: str, script: Path, arguments: list[str]) -> tuple[float, str]:
    """Seconds, and the last figures that the example printed."""
    start = time.perf_counter()
    done = subprocess.run([python, str(script), *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    figures = re.findall(r"^epoch \d+: .*$", done.stdout, re.MULTILINE)
    return time.perf_counter() - start, figures[-1] if figures else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ours-python", default=sys.executable)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("name")
    args, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        peer = renamed(Path(folder)) / f"{args.name}.py"
        for turn in range(args.rounds):
            options = [*rest, "--seed", str(turn)]
            ours, our_figures = run(args.ours_python, EXAMPLES / f"{args.name}.py", options)
            theirs, their_figures = run(args.peer_python, peer, options)
            print(f"tinytensor {ours:7.1f} s  {our_figures}")
            print(f"torch      {theirs:7.1f} s  {their_figures}   x{theirs / ours:.2f}", flush=True)


if __name__ == "__main__":
    main()
