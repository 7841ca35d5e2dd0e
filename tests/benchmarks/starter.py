"""Make the starter bundle that ships: site 1 of the shared radiographs, without any picture of it.

`python -m tests.benchmarks starter [best]` writes ``data/bundles/xray-children`` anew. The card
that goes with it is our own, so that the bundle carries its words and not the data set's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from core.service.training.train import BEST, QUICK, TrainSpec
from core.settings import Settings
from tests.benchmarks.shipping import make

CARD = Path("data/chest_children.md")
OUT = Path("data/bundles/xray-children")


def main() -> None:
    """Train, certify and print how large it is."""
    spec = TrainSpec(
        "xray",
        Settings(home=Path(".bench")).shared_data / "xray",
        OUT,
        effort=BEST if "best" in sys.argv else QUICK,
        size=224,
        population={"age_years": (1.0, 5.0)},
    )
    make(spec, CARD, ("patient",), lambda _row: True)
