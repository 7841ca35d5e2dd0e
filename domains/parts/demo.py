"""The demo's parts lane: real solar cells, from pictures to certified verdicts in the store."""

from __future__ import annotations

import time
from collections import Counter

from core import evaluation
from core.decision.certificate_text import percent
from core.imaging.files import open_file
from core.labelled import read_labelled
from core.service.assessment.recording import Recorded, assess_and_record
from core.service.bundles.archive import keep
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.progress import Progress
from core.service.store import open_store
from core.service.summaries import describe_more_data, describe_rate, summarise_policy
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Disposition, Policy
from domains.parts import elpv, pack
from domains.parts.station.demo import run_line


def run(settings: Settings, progress: Progress) -> list[str]:
    """Return the table that a quality engineer reads, after training, certifying and assessing.

    Args:
        settings: Where things run; everything is written below the home folder.
        progress: Called with how far the work is.

    Returns:
        The table's lines.
    """
    data, out = settings.home / "demo" / "elpv", settings.home / "demo" / "solar-cells"
    if not (data / "manifest.csv").exists():
        progress("Copying 2,624 cells", 0, 1)
        elpv.get(data)
        progress("Copying 2,624 cells", 1, 1)
    train(TrainSpec("parts", data, out), settings, progress)
    bundle = open_bundle(out, settings)
    policy = certify_bundle(bundle, pack.targets)
    keep(bundle, policy, settings)
    rows = [row for row in read_labelled(data, pack.group_columns).rows if row.split == "test"]
    incoming = (open_file(r.file, settings.max_bytes, r.group) for r in rows)
    started = time.perf_counter()
    recorded: list[Recorded] = []
    with open_store(settings) as store:
        answers = assess_and_record(bundle, incoming, store, policy=policy, settings=settings)
        for done, one in enumerate(answers, 1):
            progress("Assessing", done, len(rows))
            recorded.append(one)
    elapsed_s = time.perf_counter() - started
    judged = evaluation.labelled_verdicts(
        [one.assessment for one in recorded],
        [row.label for row in rows],
        [row.group for row in rows],
        bundle.model.classes,
        bundle.model.positive,
    )
    certain = [row.columns["certain"] == "yes" for row in rows]
    table = _table(judged, certain, policy, len(rows) / elapsed_s)
    return [*table, *run_line(settings, out, [row.file for row in rows], progress)]


def _table(
    judged: evaluation.LabelledVerdicts,
    certain: list[bool],
    policy: Policy,
    pictures_a_second: float,
) -> list[str]:
    figures = evaluation.summarise(judged)
    counts = Counter(judged.disposition.tolist())
    shown = [f"{pack.wording[d]} {counts[d.value]}" for d in Disposition]
    sure = judged.pick(certain)
    return [
        "",
        f"Solar cells, {figures['n']} never seen before (package elpv-dataset, split seed 0)",
        f"  verdicts          {'   '.join(shown)}",
        f"  escape            {describe_rate(figures['escape'])}",
        f"  overkill          {describe_rate(figures['overkill'])}",
        f"  without a person  {percent(figures['automation'])} of the cells",
        f"  AUROC             {figures['auroc']:.3f} on all, "
        f"{evaluation.summarise(sure)['auroc']:.3f} where the expert was certain",
        f"  calibration       error {figures['ece']:.3f}; a perfect predictor shows "
        f"{figures['ece_floor']:.3f} on so many cells",
        f"  speed             {pictures_a_second:.0f} images a second, from file to stored verdict",
        "",
        "Certified limits (counted on held-out cells that nothing was fitted on)",
        *(f"  {line}" for line in summarise_policy(pack, policy)),
        "",
        "What could be certified with more defective cells",
        *(f"  {line}" for line in describe_more_data(pack, policy)),
        "",
    ]
