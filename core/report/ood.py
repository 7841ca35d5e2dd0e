"""How well the out-of-distribution gate tells what does not belong."""

from __future__ import annotations

import numpy as np

from core.report import formatting
from core.report.blocks import Figure, Figures, Paragraph, Section, Table
from core.report.ood_plot import draw_ood_scores
from core.report.report_input import ReportInput


def write_ood(m: ReportInput) -> Section:
    """Return how well the gate tells out-of-distribution pictures from ordinary ones."""
    title = "Out-of-distribution pictures"
    rate, low, high, n = m.policy.flagged
    sentence = (
        f"Of {n:,} ordinary held-out pictures the gate sent "
        f"{formatting.share_with_interval(rate, (low, high))} to review; it"
        if n
        else "No ordinary picture was held out to count how many the gate sends to review; it"
    )
    own = f"{sentence} was set to {formatting.share(m.policy.targets.ood_alpha)}."
    id_scores = m.cases.ood_score[~np.isnan(m.cases.ood_score)]
    if not m.ood_scores:
        none = (
            "No out-of-distribution pictures were given, so nothing is known about how many it "
            "would notice: "
        )
        return Section(
            "ood", title, (Paragraph(own), Paragraph(none + "give --ood NAME=FOLDER.", "warn"))
        )
    rows, drawn = [], []
    for number, (name, scores) in enumerate(m.ood_scores.items()):
        g = m.figures["ood"][name]
        flagged = formatting.short_rate(g)
        rows.append(
            (
                name,
                f"{g['n']:,}",
                flagged,
                formatting.number(g["auroc"]),
                formatting.number(g["fpr95"]),
            )
        )
        if id_scores.size and scores.size:
            svg = draw_ood_scores(f"ood-{number}", id_scores, scores, m.ood_limit, name)
            caption = "Each half has its own scale; what lies right of the line is sent to review."
            drawn.append(Figure(svg, caption))
    head = (
        "out-of-distribution set",
        "pictures",
        "sent to review (95 % interval)",
        "AUROC",
        "FPR95",
    )
    table = Table(
        "How well the gate separates them from the ordinary pictures of this evaluation",
        head,
        tuple(rows),
    )
    honest = "Other kinds may be harder to tell. Near out-of-distribution is not a solved problem."
    figures = (Figures(tuple(drawn)),) if drawn else ()
    return Section("ood", title, (Paragraph(own), table, *figures, Paragraph(honest, "quiet")))
