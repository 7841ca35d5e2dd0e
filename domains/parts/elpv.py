"""ELPV: 2,624 real solar cells from the ``elpv-dataset`` package, as a labelled folder."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np

from core.decision.splits import split_groups
from core.errors import ConfigError

SOURCE = """ELPV (package elpv-dataset): solar cells under electroluminescence, 300 x 300, 8 bit.
Licence of the pictures: Creative Commons BY-NC-SA 4.0, not for commercial use.
Cite: Buerhop-Lutz et al., EU PVSEC 2018; Deitsch et al., Solar Energy 185, 2019.
Labels: an expert's probability of a defect; `defective` from 0.5 up; `certain` where it is 0 or 1.
"""
FRACTIONS = (0.6, 0.2, 0.2)


def get(folder: Path, seed: int = 0) -> None:
    """Write the cells and a ``manifest.csv`` with splits stratified by type and probability.

    Args:
        folder: Where to; made when missing.
        seed: Seed of the split.

    Raises:
        ConfigError: The package that carries the pictures is not installed.
    """
    try:
        import elpv_dataset
    except ImportError as exc:
        raise ConfigError(
            "The package that carries the ELPV pictures is missing.",
            hint="pip install elpv-dataset",
        ) from exc
    origin = Path(elpv_dataset.__file__).parent / "data"
    cells = [line.split() for line in (origin / "labels.csv").read_text().splitlines() if line]
    labels = np.array([float(p) >= 0.5 for _, p, _ in cells], np.int64)
    strata = np.array([f"{kind} {float(p):.2f}" for _, p, kind in cells])
    names = np.array([Path(file).stem for file, _, _ in cells])
    split = split_groups(labels, names, FRACTIONS, seed, strata)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "group", "probability", "type", "certain"])
        for (path, chance, kind), part in zip(cells, split, strict=True):
            name = f"images/{Path(path).name}"
            shutil.copyfile(origin / path, folder / name)
            label = "defective" if float(chance) >= 0.5 else "functional"
            certain = "yes" if float(chance) in (0.0, 1.0) else "no"
            row = [name, label, part, Path(path).stem, f"{float(chance):.2f}", kind, certain]
            table.writerow(row)
    (folder / "SOURCE.md").write_text(SOURCE)
