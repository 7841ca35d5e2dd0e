"""Another product on the line: whether a bundle's OOD gate tells it from its own, pair by pair.

Each product is learned as a station learns it, from 20 and from 50 good pictures, and from its
labelled ones; then pictures of every other product are shown, and good ones of its own that it has
not seen. AUROC is of the gate's score. What passes is what a station passes whose recipe allows
it before escape is certified: nothing else keeps a part of another product from it then.

`... wrong_product ball_screw 20` learns some products, or in some ways.
"""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.decision import metrics
from core.decision.certificate import interval
from core.packs import means_nothing_wrong
from core.service.assessment.assessor import Assessor
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import F64, Assessment, Ceiling, Policy, Targets
from domains.parts import pack
from domains.parts.station.judging.rule import ood_level, reasons_against
from domains.parts.station.result import LineReason
from tests.benchmarks.sets import HOME, rows_of

CELLS = ("mono", "poly")
CELL = "solar cell"  # in the set of near pictures there are some, which are no other product
PRODUCTS = (*CELLS, "magnetic_tile", "ball_screw", "toy_figure", "screw_block")
LABELLED = "labelled"
WAYS = ("20", "50", LABELLED)
MOST_LABELLED = 400
SHOWN = 60
FEWEST_OWN = 5
SEED = 0
ASKED = 0.99


@dataclass(frozen=True)
class Shown:
    """What a bundle made of some pictures.

    Attributes:
        scores: float64 ``n``, the gate's; higher = less like what was learned.
        novel: How many the gate refuses.
        passed: How many pass.
    """

    scores: F64
    novel: int
    passed: int


def main() -> None:
    """Print the AUROC of every ordered pair, a line a product and way of learning."""
    settings = Settings(home=HOME)
    rows = {name: list(pictures_of(name, settings)) for name in PRODUCTS}
    others = {name: [file for file, _, _ in _draw(rows[name], SHOWN)] for name in PRODUCTS}
    parts = settings.shared_data / "parts"
    others |= dict(_foreign(parts / "ood"))
    found: dict[tuple[str, str, str], float] = {}
    for name in [word for word in sys.argv[1:] if word in PRODUCTS] or PRODUCTS:
        for way in [word for word in sys.argv[1:] if word in WAYS] or WAYS:
            known, own = _split(rows[name], way)
            if len(own) < FEWEST_OWN:
                print(f"{name}, {way}: too few good pictures ({len(known) + len(own)})")
                continue
            found |= _report(name, way, known, own, others, settings)
    low = {pair: auroc for pair, auroc in found.items() if auroc < ASKED}
    worst = min(found, key=lambda pair: found[pair])
    print(
        f"all pairs, seed {SEED}: {len(found) - len(low)} of {len(found)} at least {ASKED}; "
        f"lowest {found[worst]:.4f} ({' / '.join(worst)})"
    )


Picture = tuple[Path, str, str]
"""File, ``good`` or ``defective``, split."""


def pictures_of(name: str, settings: Settings) -> Iterator[Picture]:
    """Yield the pictures of a product."""
    _, rows = rows_of("elpv" if name in CELLS else name, settings)
    for row in rows:
        if name not in CELLS or row.columns["type"] == name:
            good = means_nothing_wrong(row.label, pack.negative_labels)
            yield row.file, "good" if good else "defective", row.split


def _foreign(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield near and far pictures of neither product, by set."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if CELL not in row["what"]]
    for name in ("near", "far"):
        yield f"ood/{name}", [folder / row["file"] for row in rows if row["set"] == name]


def _split(pictures: Sequence[Picture], way: str) -> tuple[list[Picture], list[Path]]:
    """Return what is learned, and good pictures that are not."""
    good = [one for one in pictures if one[1] == "good"]
    if way == LABELLED:
        known = _draw([one for one in pictures if one[2] != "test"], MOST_LABELLED)
        own = _draw([one for one in good if one[2] == "test"], SHOWN)
    else:
        drawn = _draw(good, int(way) + SHOWN)
        known, own = drawn[: int(way)], drawn[int(way) :]
    return known, [file for file, _, _ in own]


def _draw(pictures: Sequence[Picture], most: int) -> list[Picture]:
    order = np.random.default_rng(SEED).permutation(len(pictures))[:most]
    return [pictures[i] for i in order]


def _report(
    name: str,
    way: str,
    known: Sequence[Picture],
    own: Sequence[Path],
    others: Mapping[str, Sequence[Path]],
    settings: Settings,
) -> dict[tuple[str, str, str], float]:
    shown = _show(known, {name: own, **{n: f for n, f in others.items() if n != name}}, settings)
    mine = shown.pop(name)
    found = {other: _auroc(mine.scores, one.scores) for other, one in shown.items()}
    n = sum(len(one.scores) for one in shown.values())
    novel, passed = (sum(getattr(o, what) for o in shown.values()) for what in ("novel", "passed"))
    low, high = interval(passed, n)
    pairs = ", ".join(
        f"{other} {auroc:.4f} (passed {shown[other].passed} of {len(shown[other].scores)})"
        for other, auroc in found.items()
    )
    print(
        f"{name}, {len(known)} {'good' if way != LABELLED else LABELLED}, seed {SEED}: {pairs}; "
        f"own good called novel {mine.novel} of {len(own)} (passed {mine.passed}), foreign called "
        f"novel {novel} of {n}, passed {passed} (95 % interval {low:.4f} to {high:.4f})",
        flush=True,
    )
    return {(name, way, other): auroc for other, auroc in found.items()}


def _show(
    known: Sequence[Picture], files: Mapping[str, Sequence[Path]], settings: Settings
) -> dict[str, Shown]:
    """Learn some pictures, and return what the bundle makes of others."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        _copy(known, data)
        out = train(TrainSpec("parts", data, Path(folder) / "bundle"), settings)
        bundle = open_bundle(out, settings)
        policy = certify_bundle(bundle, Targets(uncertified_negatives=True))
        level = ood_level(policy, bundle.model.gate.reference.size)
        with Assessor(bundle, policy, settings) as assessor:
            return {
                name: _judged([assessor.one(file.read_bytes()) for file in paths], policy, level)
                for name, paths in files.items()
            }


def _copy(known: Sequence[Picture], data: Path) -> None:
    """Lay pictures out as a data set; every picture is a group of its own."""
    data.mkdir()
    with (data / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label"])
        for number, (source, label, _) in enumerate(known):
            copy = data / f"{number:04}{source.suffix}"
            shutil.copy(source, copy)
            table.writerow([copy.name, label])


def _judged(made: Sequence[Assessment], policy: Policy, level: float) -> Shown:
    reasons = [
        reasons_against(one, policy, Ceiling(), ood_level=level, allow_uncertified=True)
        for one in made
    ]
    if any(LineReason.INFERENCE_FAULT in one for one in reasons):
        raise ValueError("a picture was not judged: the machine is too busy to measure on")
    # What does not even read as a picture of a part never reaches the gate.
    scores = [one.evidence.ood_score if one.evidence else np.inf for one in made]
    return Shown(
        np.array(scores),
        sum(LineReason.NOVEL in one for one in reasons),
        sum(not one for one in reasons),
    )


def _auroc(own: F64, foreign: F64) -> float:
    truth = np.arange(len(own) + len(foreign)) >= len(own)
    return metrics.auroc(np.concatenate([own, foreign]), truth)


if __name__ == "__main__":
    main()
