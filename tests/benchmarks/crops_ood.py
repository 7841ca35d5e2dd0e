"""What the crops bundle that ships makes of pictures that it is not for.

Crops without a stated licence (apple, rice) are not in it: they are its unseen crops. Photographs
come from the shared data, the rest of the stock of "not a plant" is rendered (``not_plants``).
"""

from __future__ import annotations

import csv
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from core.decision import metrics
from core.decision.certificate import interval
from core.decision.named_subject import NamedSubject, restrict_to_subject
from core.evaluation import is_novel, ood_scores
from core.service.assessment.paths import assess_paths
from core.service.bundles.open import open_bundle, policy_of
from core.settings import Settings
from core.types import Assessment, Disposition
from tests.benchmarks.not_plants import DRAWN
from tests.benchmarks.sets import HOME
from tests.benchmarks.starter_crops import OUT, may_ship

EACH = 12
NEAR = "near, all"


def main() -> None:
    """Print the figures of each kind of picture, then of crops that are named."""
    settings = Settings(home=HOME)
    bundle, data = open_bundle(OUT, settings), settings.shared_data / "crops"
    policy = policy_of(bundle)
    rows = [row for row in _rows(data / "manifest.csv") if row["split"] == "test"]
    mine = [row for row in rows if may_ship(row)]

    def judge(paths: Sequence[Path]) -> list[Assessment]:
        return list(assess_paths(bundle, paths, policy=policy, settings=settings))

    own = judge([data / row["file"] for row in mine])
    print(f"own test, n {len(own)}: flagged by the OOD gate {np.mean([*map(is_novel, own)]):.3f}, "
          f"by any gate {np.mean([*map(_is_stopped, own)]):.3f}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for name, paths in _sets(data, rows, mine, Path(folder)).items():
            _say(name, own, judge(paths))
    _say_named(bundle.model, mine, own)


def _sets(
    data: Path, rows: Sequence[Mapping[str, str]], mine: Sequence[Mapping[str, str]], folder: Path
) -> dict[str, list[Path]]:
    sets: dict[str, list[Path]] = defaultdict(list)
    for row in rows:
        if not may_ship(row):
            sets[f"unseen crop, {row['crop']}"].append(data / row["file"])
    for row in _rows(data / "ood" / "ood_manifest.csv"):
        sets[NEAR if row["kind"] == "near" else "far, all"].append(data / row["file"])
        sets[f"{row['kind']}, {row['category'].partition('_')[0]}"].append(data / row["file"])
    for name, draw in DRAWN.items():
        for i in range(EACH):
            leaf = cv2.imread(str(data / mine[37 * i]["file"]))
            pixels = draw(np.random.default_rng(i), cv2.cvtColor(leaf, cv2.COLOR_BGR2RGB))
            file = folder / f"{name}{i}.png"
            cv2.imwrite(str(file), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
            sets[f"rendered, {name}"].append(file)
            sets["rendered, all"].append(file)
    return sets


def _say(name: str, own: Sequence[Assessment], found: Sequence[Assessment]) -> None:
    home, away = (ood_scores(judged) for judged in (own, found))
    home, away = home[~np.isnan(home)], away[~np.isnan(away)]
    is_away = np.arange(len(home) + len(away)) >= len(home)
    area = metrics.auroc(np.concatenate([home, away]), is_away)
    stopped = sum(map(_is_stopped, found))
    low, high = interval(stopped, len(found))
    healthy = sum(one.verdict.disposition is Disposition.NEGATIVE for one in found)
    print(
        f"{name}, n {len(found)}: AUROC {area:.3f}, FPR95 {metrics.fpr_at_tpr(home, away):.2f}; "
        f"flagged by the OOD gate {np.mean([*map(is_novel, found)]):.2f}, by any gate "
        f"{stopped / len(found):.3f} [{low:.3f}, {high:.3f}]; called healthy {healthy}",
        flush=True,
    )


def _is_stopped(one: Assessment) -> bool:
    codes = {finding.reason.value for finding in one.verdict.findings}
    return bool(codes & {"NOVEL", "WRONG_INPUT", "POOR_QUALITY", "UNREADABLE"})


def _say_named(model, rows, own: Sequence[Assessment]) -> None:
    """Print how many test pictures are held back where the right crop is named, and a wrong one."""
    crops = sorted(set(model.label_reference.subjects))
    right, wrong = [], []
    for row, one in zip(rows, own, strict=True):
        if one.prediction is None:
            continue
        for crop in crops:
            found = restrict_to_subject(
                one.prediction, model.label_reference, model.positive, NamedSubject(crop, "crop")
            )
            is_stopped = len(found.findings) > len(one.prediction.findings)
            (right if crop == row["crop"] else wrong).append(is_stopped)
    for name, stopped in (("right", right), ("wrong", wrong)):
        low, high = interval(sum(stopped), len(stopped))
        share = f"{np.mean(stopped):.3f} [{low:.3f}, {high:.3f}]"
        print(f"the {name} crop is named, n {len(stopped)}: held back by that {share}")


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8-sig") as opened:
        return list(csv.DictReader(opened))
