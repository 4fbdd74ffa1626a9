"""Fails when an object compiled for one instruction set exports inline code that another one could pick up.

An inline function from a shared header that is compiled with AVX-512 can become the one copy that the baseline uses
too. Weak (W, V) and unique (u) symbols are such copies.

    python tests/check_isa_objects.py BUILD_FOLDER
"""

import re
import subprocess
import sys
from pathlib import Path


def leaks(path: Path) -> list[str]:
    listing = subprocess.run(["nm", "-C", str(path)], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if re.match(r"^[0-9a-f ]{16,} [WVu] ", line)]


def main() -> int:
    objects = [path for path in Path(sys.argv[1]).rglob("*.o") if "kernels_" in str(path)]
    if not objects:
        print(f"no kernel objects under {sys.argv[1]}")
        return 1
    bad = {path: found for path in objects if (found := leaks(path))}
    for path, found in bad.items():
        print(path, *found[:5], sep="\n  ")
    print(f"{len(objects)} kernel objects, {len(bad)} with leaking inline code")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
