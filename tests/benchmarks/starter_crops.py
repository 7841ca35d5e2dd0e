"""Make the crops bundle that ships: shared leaf photographs whose licence allows it, without them.

`python -m tests.benchmarks starter_crops` writes ``data/bundles/crops-leaves`` anew.
"""

from __future__ import annotations

from pathlib import Path

from core.service.training.train import TrainSpec
from core.settings import Settings
from tests.benchmarks.shipping import Row, make

CARD = Path("data/crop_leaves_shipped.md")
OUT = Path("data/bundles/crops-leaves")


def main() -> None:
    """Train, certify and print how large it is."""
    data = Settings(home=Path(".bench")).shared_data / "crops"
    make(TrainSpec("crops", data, OUT, size=224, leave_out_copies=True), CARD, ("group",), may_ship)


def may_ship(row: Row) -> bool:
    """Return whether a picture's licence is stated, so that a bundle made of it may ship."""
    return row["licence"] != "none stated"
