"""How good the probabilities are, whatever the limits."""

from __future__ import annotations

import numpy as np

from core.decision import metrics
from core.decision.cluster_intervals import share_interval
from core.report import formatting
from core.report.blocks import (
    Block,
    Definitions,
    Figure,
    Figures,
    Paragraph,
    Section,
)
from core.report.curves import draw_risk, draw_roc, risk_coverage, roc
from core.report.reliability import draw_probabilities, draw_reliability, reliability
from core.report.report_input import ReportInput
from core.types import Disposition

_DOT = " The dot is the policy: it bounds each kind of error apart and so need not lie on the line."
_ALIKE = (
    "There are fewer groups than pictures. Pictures of one group are alike, which the intervals "
    "allow for and the grey band of the reliability diagram does not: it is too narrow."
)
NOTHING_READ = Paragraph("No picture could be read, so there are no probabilities to judge.")


def write_calibration(m: ReportInput) -> Section:
    """Return how well stated probabilities agree with observed frequencies."""
    title = "Calibration: reliability of the probabilities"
    readable = m.cases.pick(m.cases.readable)
    if not readable.labels.size:
        return Section("calibration", title, (NOTHING_READ,))
    p, truth, f = np.clip(readable.positive_probability, 0.0, 1.0), readable.truth, m.figures
    found = reliability(p, truth)
    limits = (
        (m.policy.t_neg, m.pack.wording[Disposition.NEGATIVE]),
        (m.policy.t_pos, m.pack.wording[Disposition.POSITIVE]),
    )
    diagram = Figure(
        draw_reliability("reliability", found, "positive"),
        "Each dot is a fifteenth of the pictures. The grey band is what a perfect predictor "
        "would show with this many: dots inside it are no evidence against the probabilities.",
    )
    uses_bank_alone = m.policy.t_pos is None and m.policy.has_positives
    memory = ", unless the memory of good pictures calls it out" if uses_bank_alone else ""
    spread = Figure(
        draw_probabilities("probabilities", p, truth, limits, m.pack.unit_names),
        f"Each half has its own scale. Up to its line the verdict is {limits[0][1]}, from its line "
        f"on {limits[1][1]}; between them, or where a line is missing, a person decides{memory}.",
    )
    both = np.stack([1.0 - p, p], axis=1)
    rolled = metrics.ece(both, truth.astype(np.int64))
    pairs = [
        ("Calibration error (ECE) of the positive probability", formatting.number(rolled)),
        (
            "… that a perfect predictor would show",
            formatting.number(metrics.ece_floor(both, seed=0)),
        ),
    ]
    if readable.is_multilabel or len(m.classes) > 2:
        of = "all labels" if readable.is_multilabel else "the most probable class"
        pairs += [
            (f"ECE of {of}", formatting.number(f["ece"])),
            ("… that a perfect predictor would show", formatting.number(f["ece_floor"])),
        ]
    pairs += [
        ("Brier score", formatting.number(f["brier"])),
        ("Negative log-likelihood (nats a picture)", formatting.number(f["nll"])),
    ]
    alike = (
        (Paragraph(_ALIKE, "quiet"),)
        if np.unique(readable.group).size < readable.group.size
        else ()
    )
    return Section(
        "calibration", title, (Figures((diagram, spread)), Definitions(tuple(pairs)), *alike)
    )


def write_operating_points(m: ReportInput) -> Section:
    """Return what moving the limits would trade: risk, automation, ROC."""
    title = "Operating points: risk, automation, ROC"
    reached = m.cases.pick(m.cases.reached)
    figures: list[Figure] = []
    blocks: list[Block] = []
    if reached.labels.size:
        decided = _policy_point(m)
        curve = risk_coverage(
            reached.positive_probability, reached.truth, reached.group, len(m.cases.labels)
        )
        figures.append(
            Figure(
                draw_risk("risk", curve, decided),
                "The most confident pictures are decided first, each for its likelier side. It "
                "ends where the gates send the rest to review." + (_DOT if decided else ""),
            )
        )
    else:
        blocks.append(Paragraph("No picture passed the gates: there is no risk to draw."))
    readable = m.cases.pick(m.cases.readable)
    if 0 < readable.truth.sum() < readable.truth.size:
        low, high = m.figures["intervals"]["auroc"]
        figures.append(
            Figure(
                draw_roc(
                    "roc",
                    roc(readable.positive_probability, readable.truth),
                    _limits_on_roc(m),
                    m.pack.unit_names,
                ),
                f"AUROC {formatting.number(m.figures['auroc'])}, "
                f"95 % interval {formatting.number(low)} to {formatting.number(high)}, "
                "over groups. Of the class alone, before gates and policy.",
            )
        )
    else:
        blocks.append(Paragraph("A ROC curve needs both kinds of pictures; here is only one."))
    return Section(
        "operating-points", title, (Figures(tuple(figures)), *blocks) if figures else tuple(blocks)
    )


def _policy_point(m: ReportInput) -> tuple[float, float, float, float] | None:
    """Return share automated and risk of the policy, with the risk's interval."""
    decided = m.cases.pick(m.cases.disposition != Disposition.DEFER.value)
    if not decided.labels.size:
        return None
    wrong = (decided.disposition == Disposition.POSITIVE.value) != decided.truth
    low, high = share_interval(wrong, decided.group)
    return len(decided.labels) / len(m.cases.labels), float(wrong.mean()), low, high


def _limits_on_roc(m: ReportInput) -> list[tuple[float, float, str, str]]:
    """Return the two limits on the ROC curve: what each would call positive on its own."""
    readable = m.cases.pick(m.cases.readable)
    p, truth, wording = readable.positive_probability, readable.truth, m.pack.wording
    marked = []
    if m.policy.t_pos is not None:
        called = p >= m.policy.t_pos
        limit_name = f"{wording[Disposition.POSITIVE]} limit"
        marked.append(
            (float(called[~truth].mean()), float(called[truth].mean()), limit_name, "positive")
        )
    if m.policy.t_neg is not None:
        called = p > m.policy.t_neg
        limit_name = f"{wording[Disposition.NEGATIVE]} limit"
        marked.append(
            (float(called[~truth].mean()), float(called[truth].mean()), limit_name, "negative")
        )
    return marked
