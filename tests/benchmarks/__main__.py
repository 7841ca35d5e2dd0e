"""`make bench`: every figure that the project states, each with n, seeds and spread.

What is measured is kept in ``results/`` and written to ``data/figures.md`` at the end.

`python -m tests.benchmarks NAME... [SET...]` runs some, on some of the sets in ``sets.SETS``.
`... accuracy best 0 1` fine-tunes on the seeds named; `... rivals` scores other programs.
Labelled pictures beyond ELPV come from ASSAY_SHARED_DATA; the speed comparison needs
`python -m tests.benchmarks peer` once, which puts the other program into a folder of its own.
"""

from __future__ import annotations

import sys
from importlib import import_module

from tests.benchmarks import compass, figures

UNMEASURED = ("peer", "starter", "starter_crops")  # they make something


def main() -> None:
    words = sys.argv[1:]
    if any(word.startswith("-") for word in words):  # All of them would take hours.
        sys.exit(__doc__)
    asked = [word for word in words if word in figures.ORDER]
    options = [word for word in words if word not in (*asked, "page")]
    for name in asked or ([] if "page" in words else figures.NAMES):
        print(f"\n== {name}", flush=True)
        run = import_module(f"tests.benchmarks.{name}").main
        if name in UNMEASURED:
            run()
        else:
            figures.keep(figures.measure(name, options, run))
    figures.PAGE.write_text(figures.page(figures.ORDER), encoding="utf-8")
    readme = compass.README.read_text(encoding="utf-8")
    compass.README.write_text(compass.write_figures(readme), encoding="utf-8")
    figures.CHART.write_text(figures.chart(), encoding="utf-8")


main()
