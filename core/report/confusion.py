"""Which classes are taken for which, and the pictures to look at first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.evaluation import LabelledVerdicts
from core.report import formatting
from core.report.blocks import Block, Cell, Gallery, Paragraph, Section, Table, shade_row
from core.report.report_input import ReportInput
from core.report.scores import NOTHING_READ
from core.types import Disposition

MOST_IN_MATRIX = 12  # classes beyond which a matrix is too wide to read
MOST_MISTAKES = 3


def write_confusion(m: ReportInput) -> Section:
    """Return which classes are taken for which, and the pictures to look at first."""
    title = "Confusion, and the pictures to look at first"
    readable = m.cases.pick(m.cases.readable)
    if not readable.labels.size:
        return Section("confusion", title, (NOTHING_READ,))
    matrix = _label_table(m, readable) if readable.is_multilabel else _matrix(m, readable)
    rule = Table(
        "Pictures by true side (rows) and verdict of the whole rule (columns)",
        ("truly", *(m.pack.wording[d] for d in Disposition)),
        tuple(_verdict_row(m, side) for side in (True, False)),
    )
    overall = formatting.share_with_interval(
        m.figures["accuracy"], m.figures["intervals"]["accuracy"]
    )
    accuracy = Paragraph(
        f"Accuracy {overall}, "
        f"balanced over the classes {formatting.share(m.figures['balanced_accuracy'])}."
    )
    return Section("confusion", title, (matrix, rule, accuracy, *_galleries(m)))


def _matrix(m: ReportInput, readable: LabelledVerdicts) -> Table:
    counts = readable.labels.T.astype(np.int64) @ readable.predicted.astype(np.int64)
    if len(m.classes) > MOST_IN_MATRIX:
        return Table(
            "Pictures by true class, and what they were taken for, before gates and policy",
            ("truly", "pictures", "right (95 % interval)", "taken for"),
            tuple(_mistakes_row(m, counts, i) for i in range(len(m.classes))),
        )
    return Table(
        "Pictures by true class (rows) and most probable class (columns), before gates and policy",
        ("truly", *m.classes, "right (95 % interval)"),
        tuple(_confusion_row(m, counts, i) for i in range(len(m.classes))),
    )


def _label_table(m: ReportInput, readable: LabelledVerdicts) -> Table:
    rows, predicted = [], readable.predicted
    for i, name in enumerate(m.classes):
        has, s = readable.labels[:, i], m.figures["sensitivity"][name]
        area = metrics.auroc(readable.probabilities[:, i], has)
        falsely = f"{int((predicted[:, i] & ~has).sum()):,} of {int((~has).sum()):,}"
        rows.append(
            (name, f"{s['n']:,}", formatting.short_rate(s), falsely, formatting.number(area))
        )
    return Table(
        "Each label for itself, before gates and policy",
        ("label", "pictures that have it", "found (95 % interval)", "false positives", "AUROC"),
        tuple(rows),
    )


def _confusion_row(m: ReportInput, counts: NDArray[np.int64], i: int) -> tuple[str | Cell, ...]:
    return m.classes[i], *shade_row(counts[i].tolist(), i), _right(m, i).text


def _mistakes_row(m: ReportInput, counts: NDArray[np.int64], i: int) -> tuple[str | Cell, ...]:
    wrong = [(int(n), m.classes[j]) for j, n in enumerate(counts[i]) if n and j != i]
    wrong.sort(key=lambda pair: (-pair[0], pair[1]))
    taken = ", ".join(f"{name} {n:,}" for n, name in wrong[:MOST_MISTAKES])
    more = sum(n for n, _ in wrong[MOST_MISTAKES:])
    others = f", others {more:,}" if more else ""
    return m.classes[i], f"{counts[i].sum():,}", _right(m, i), taken + others


def _right(m: ReportInput, i: int) -> Cell:
    s = m.figures["sensitivity"][m.classes[i]]
    if not s["n"]:
        return Cell("none seen")
    return Cell(formatting.short_rate(s), round(1.0 - s["rate"], 3), "bad")


def _verdict_row(m: ReportInput, side: bool) -> tuple[str | Cell, ...]:
    mine = m.cases.disposition[m.cases.truth == side]
    wrong = Disposition.NEGATIVE if side else Disposition.POSITIVE
    cells = []
    for d in Disposition:
        n = int((mine == d.value).sum())
        tone = "bad" if d is wrong else "plain" if d is Disposition.DEFER else "good"
        cells.append(Cell(f"{n:,}", round(n / max(mine.size, 1), 3), tone))
    return m.pack.unit_names[not side], *cells


def _galleries(m: ReportInput) -> list[Block]:
    escape, overkill = m.pack.error_names
    defer = m.pack.wording[Disposition.DEFER]
    titles = {
        "escape": (f"{escape.capitalize()}: let through, surest first", f"No {escape} was seen."),
        "overkill": (
            f"{overkill.capitalize()}: called out, surest first",
            f"No {overkill} was seen.",
        ),
        "leaning": (f"Probably wrong, but sent to review ({defer})", ""),
        "ood": ("Most out-of-distribution", ""),
    }
    blocks: list[Block] = []
    for kind, (title, none) in titles.items():
        if m.worst.get(kind):
            blocks.append(Gallery(title, m.worst[kind]))
        elif none:
            blocks.append(Paragraph(none))
    return blocks
