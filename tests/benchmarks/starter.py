"""Make the starter bundle that ships: site 1 of the shared radiographs, without any picture of it.

`python -m tests.benchmarks starter [best]` writes ``data/bundles/xray-children`` anew. The card
that goes with it is our own, so that the bundle carries its words and not the data set's.
"""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
from pathlib import Path

from core.service.bundles.open import certify_bundle, open_bundle
from core.service.training.train import BEST, QUICK, TrainSpec, train
from core.settings import Settings

CARD = Path("data/chest_children.md")
OUT = Path("data/bundles/xray-children")
USED = ("train", "cal")
LARGEST = 16e6


def main() -> None:
    """Train, certify and say how large it is."""
    settings = Settings(home=Path(".bench"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _gather(settings.shared_data / "xray", folder)
        shutil.copy(CARD, folder / "SOURCE.md")
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.parent.mkdir(exist_ok=True)
        spec = TrainSpec(
            "xray",
            folder,
            OUT,
            effort=BEST if "best" in sys.argv else QUICK,
            size=224,
            population={"age_years": (1.0, 5.0)},
            pictures=False,
        )
        train(spec, settings, say=print)
    bundle = open_bundle(OUT, settings)
    policy = certify_bundle(bundle, bundle.pack.targets)
    size = sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file())
    print(f"{bundle.label}, policy {policy.id}, {size / 1e6:.1f} MB")
    if size > LARGEST:
        raise ValueError(f"the bundle is too large to ship: {size} bytes, at most {LARGEST:g}")


def _gather(source: Path, folder: Path) -> None:
    """Copy the pictures of train and cal with their labels and patients, and nothing else."""
    with (source / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in USED]
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "patient"])
        for row in rows:
            place = folder / row["file"]
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / row["file"], place)
            table.writerow([row["file"], row["label"], row["split"], row["patient"]])
