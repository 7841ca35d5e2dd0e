"""Draws studies by a seed, and computes their radiographs: choosing and doing are apart."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from domains.xray.demo.ct import synthetic_findings
from domains.xray.demo.ct.chest import LEFT_LUNG, RIGHT_LUNG, Chest
from domains.xray.demo.ct.detector import WHITE, Exposure, count_quanta, develop
from domains.xray.demo.ct.projection import Plate, Pose, line_integrals

FINDINGS = ("opacity", "effusion", "large heart")
FAULTS = ("lateral", "lateral called frontal", "inverted", "on its side")
PLATE = Plate(880, 1024, 0.34)
_COARSER = 2  # rays are cast for every second pixel: the CT is no finer
_ABOVE_MM = 10.0  # the lungs seen lie that much higher than their lowest recess lets one think


@dataclass(frozen=True)
class Study:
    """Everything that makes one computed radiograph.

    Attributes:
        number: From 1; with the seed it decides all noise.
        seed: Seed of the draw.
        finding: One of ``FINDINGS``, or empty.
        severity: From 0 to 1.
        side: ``RIGHT_LUNG`` or ``LEFT_LUNG``, where the finding has one.
        fault: One of ``FAULTS``, or empty.
        size: Depth, height and width of the patient as shares of the CT's.
        pose: How the patient stands.
        exposure: How the picture is taken.
    """

    number: int
    seed: int
    finding: str
    severity: float
    side: int
    fault: str
    size: tuple[float, float, float]
    pose: Pose
    exposure: Exposure

    @property
    def projection(self) -> str:
        """What the picture's header says of its projection: mostly the truth."""
        return "PA" if self.fault == "lateral called frontal" else self.pose.direction


def draw(
    seed: int, count: int, findings: Sequence[str] = (), faults: Sequence[str] = ()
) -> list[Study]:
    """Return studies in random order: the first carry the findings given, the next the faults.

    Args:
        seed: The same seed gives the same studies.
        count: How many, all together.
        findings: One for each study that has one.
        faults: One for each study that was taken wrongly.

    Raises:
        ValueError: There are more findings and faults than studies.
    """
    plain = count - len(findings) - len(faults)
    if plain < 0:
        raise ValueError(f"count: expected at least {count - plain}, got {count}")
    kinds = [(f, "") for f in findings] + [("", f) for f in faults] + [("", "")] * plain
    order = np.random.default_rng(seed).permutation(count)
    return [_drawn(seed, n, *kinds[k]) for n, k in enumerate(order.tolist(), 1)]


def _drawn(seed: int, number: int, finding: str, fault: str) -> Study:
    rng = np.random.default_rng([seed, number])
    turn, tilt, roll = rng.normal(0, [2.0, 2.0, 1.2]).tolist()
    across, down = rng.uniform([-10, -7], [10, 4]).tolist()
    depth, height, width = rng.uniform([0.92, 1.0, 0.95], [1.10, 1.06, 1.05]).tolist()
    return Study(
        number=number,
        seed=seed,
        finding=finding,
        severity=float(rng.uniform(0.4, 1.0)),
        side=int(rng.integers(RIGHT_LUNG, LEFT_LUNG + 1)),
        fault=fault,
        size=(depth, height, width),
        pose=Pose("LL" if fault.startswith("lateral") else "PA", turn, tilt, roll, across, down),
        exposure=Exposure(
            quanta=float(np.exp(rng.uniform(np.log(6_000), np.log(40_000)))),
            scatter=float(rng.uniform(0.15, 0.35)),
            contrast=float(rng.uniform(0.85, 1.2)),
            bright=float(rng.uniform(-0.06, 0.06)),
        ),
    )


def change_chest(chest: Chest, study: Study) -> Chest:
    """Return the chest its size and its finding."""
    rng = np.random.default_rng([study.seed, study.number, 1])
    spacing = np.array(chest.spacing_mm) * study.size
    patient = replace(chest, spacing_mm=tuple(spacing.tolist()))
    if study.finding == "opacity":
        place = rng.uniform([0.35, 0.2, 0.35], [0.65, 0.55, 0.65]).tolist()
        radius_mm = 18 + 22 * study.severity
        return synthetic_findings.opacity(patient, study.side, place, radius_mm, 0.95, rng)
    if study.finding == "effusion":
        return synthetic_findings.effusion(patient, study.side, 0.32 + 0.4 * study.severity)
    if study.finding == "large heart":
        return synthetic_findings.enlarged_heart(patient, 1.2 + 0.3 * study.severity)
    return patient


def radiograph(chest: Chest, study: Study, plate: Plate = PLATE) -> NDArray[np.uint16]:
    """Return one study's picture: uint16 ``rows columns``, twelve bits, bright where dense.

    A picture taken on its side has its rows and columns exchanged.
    """
    patient = change_chest(chest, study)
    coarse = Plate(plate.rows // _COARSER, plate.columns // _COARSER, plate.pitch_mm * _COARSER)
    down_mm = study.pose.down_mm + _lungs_above_mm(patient) + _ABOVE_MM
    sums = line_integrals(patient, replace(study.pose, down_mm=down_mm), coarse)
    sums = cv2.resize(sums, (plate.columns, plate.rows), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng([study.seed, study.number, 2])
    quanta = count_quanta(np.maximum(sums, 0), study.exposure, plate.pitch_mm, rng)
    picture = develop(quanta, study.exposure, plate.pitch_mm)
    if study.fault == "inverted":
        return np.asarray(WHITE - picture, np.uint16)
    return np.ascontiguousarray(np.rot90(picture)) if study.fault == "on its side" else picture


def radiographs(
    chest: Chest, studies: Sequence[Study], plate: Plate = PLATE
) -> Iterator[NDArray[np.uint16]]:
    """Yield many, in order, computed on all cores: most work releases the interpreter's lock."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(partial(radiograph, chest, plate=plate), studies)


def _lungs_above_mm(chest: Chest) -> float:
    """Return by how much the middle of the lungs lies above the middle of the volume."""
    lungs = (chest.parts == RIGHT_LUNG) | (chest.parts == LEFT_LUNG)
    rows = np.flatnonzero(lungs.any(axis=(0, 2)))
    return float(((chest.mu.shape[1] - 1) / 2 - (rows[0] + rows[-1]) / 2) * chest.spacing_mm[1])
