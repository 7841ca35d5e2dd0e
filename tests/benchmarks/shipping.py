"""Bundles that ship: trained on shared pictures that may be used so, without any of them."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.service.bundles.open import certify_bundle, open_bundle
from core.service.training.train import TrainSpec, train
from core.settings import Settings

USED = ("train", "cal")
LARGEST = 16e6

Row = Mapping[str, str]


def make(spec: TrainSpec, card: Path, columns: Sequence[str], keep: Callable[[Row], bool]) -> None:
    """Train, certify and print how large a bundle is.

    Args:
        spec: What to train, on a folder of the shared data.
        card: Our own words on the data, which the bundle carries instead of the data set's.
        columns: Columns that training needs beside file, label and split.
        keep: Which rows of train and cal are used.
    """
    settings = Settings(home=Path(".bench"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = _gather(spec.data, folder, columns, keep)
        shutil.copy(card, folder / "SOURCE.md")
        shutil.rmtree(spec.out, ignore_errors=True)
        spec.out.parent.mkdir(exist_ok=True)
        train(replace(spec, data=folder, pictures=False), settings, say=print)
    bundle = open_bundle(spec.out, settings)
    policy = certify_bundle(bundle, bundle.pack.targets)
    size = sum(file.stat().st_size for file in spec.out.rglob("*") if file.is_file())
    print(f"{bundle.label}, {count} pictures, policy {policy.id}, {size / 1e6:.1f} MB")
    if size > LARGEST:
        raise ValueError(f"the bundle is too large to ship: {size} bytes, at most {LARGEST:g}")


def _gather(source: Path, folder: Path, columns: Sequence[str], keep: Callable[[Row], bool]) -> int:
    """Copy the pictures of train and cal with their labels and groups, and nothing else."""
    with (source / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in USED and keep(row)]
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", *columns])
        for row in rows:
            place = folder / row["file"]
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / row["file"], place)
            table.writerow([row[name] for name in ("file", "label", "split", *columns)])
    return len(rows)
