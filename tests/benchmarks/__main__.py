"""`make bench`: every figure that the project states, each with n, seeds and spread.

`python -m tests.benchmarks NAME...` runs some of: accuracy guarantee strangers cold stages speed.
Labelled pictures beyond ELPV come from ASSAY_SHARED_DATA; the speed comparison needs
`python -m tests.benchmarks peer` once, which puts the other program into a folder of its own.
"""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("accuracy", "guarantee", "strangers", "cold", "stages", "speed")


def main() -> None:
    for name in sys.argv[1:] or NAMES:
        print(f"\n== {name}", flush=True)
        import_module(f"tests.benchmarks.{name}").main()


main()
