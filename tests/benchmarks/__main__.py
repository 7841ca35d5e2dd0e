"""`make bench`: every figure that the project states, each with n, seeds and spread.

`python -m tests.benchmarks NAME... [SET...]` runs some, on some of the sets in ``sets.SETS``.
`... accuracy best 0 1` fine-tunes on the seeds named; `... rivals` scores other programs.
Labelled pictures beyond ELPV come from ASSAY_SHARED_DATA; the speed comparison needs
`python -m tests.benchmarks peer` once, which puts the other program into a folder of its own.
"""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    "accuracy",
    "landmarks",
    "grouped",
    "guarantee",
    "strangers",
    "ladders",
    "benign",
    "near",
    "site2",
    "starts",
    "xray_near",
    "good_only",
    "cold",
    "few",
    "scale",
    "stages",
    "speed",
)


def main() -> None:
    asked = [word for word in sys.argv[1:] if word in (*NAMES, "peer", "rivals", "starter")]
    for name in asked or NAMES:
        print(f"\n== {name}", flush=True)
        import_module(f"tests.benchmarks.{name}").main()


main()
