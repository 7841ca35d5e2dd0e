"""Fine-tuning of the late stages: a line a fold, and the confusion of the epochs kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from core.report import svg
from core.report.blocks import Block, Figure, Figures, Paragraph, Section, Table, shade_row
from core.report.confusion import MOST_IN_MATRIX
from core.report.formatting import number, share
from core.report.report_input import ReportInput

Fold = Mapping[str, Any]


def write_finetuning(m: ReportInput) -> tuple[Section, ...]:
    """Return what was tried beside the default and how fine-tuning went; empty where none was."""
    tuning: Mapping[str, Any] = m.card.get("finetuning") or {}
    folds: Sequence[Fold] = tuning.get("folds", ())
    if not tuning:
        return ()
    blocks: list[Block] = [Paragraph(tuning["summary"])]
    if folds:
        blocks += _describe_folds(
            folds, tuning, is_used=bool(m.card.get("backbone", {}).get("tail"))
        )
    return (Section("learning", "What was tried beside the default", tuple(blocks)),)


def _describe_folds(
    folds: Sequence[Fold], tuning: Mapping[str, Any], *, is_used: bool
) -> list[Block]:
    outcome = (
        "They are combined with the head, by weights fitted out of fold."
        if is_used
        else "Beside the head they predicted nothing clearly better out of fold, so they were left "
        "out."
    )
    blocks: list[Block] = [
        Paragraph(
            f"The late stages of the network learned this product in {len(folds)} folds. {outcome}"
        ),
        Figures(
            (
                Figure(
                    draw_history("learning-loss", folds, ("loss", "learning"), "loss"),
                    "Loss on pictures held out (solid, a line a fold) and on those learned from "
                    "(dashed). Epoch 0 is before fine-tuning, the dot is the epoch kept.",
                ),
                Figure(
                    draw_history("learning-rate", folds, ("accuracy", "confidence"), "share"),
                    "Accuracy on pictures held out (solid) and mean confidence (dashed): where "
                    "the second runs ahead, the network is overconfident.",
                ),
            )
        ),
        _kept(folds),
    ]
    classes = tuple(str(name) for name in tuning["classes"])
    if len(classes) <= MOST_IN_MATRIX:
        blocks.append(_confusion(folds, classes))
    return blocks


def draw_history(key: str, folds: Sequence[Fold], names: tuple[str, str], word: str) -> Markup:
    """Return two figures of every epoch, the first solid and the second dashed.

    Args:
        key: Unique in the page.
        folds: Each with its ``history``, a mapping an epoch, and the place of the ``chosen`` one.
        names: Which of an epoch's figures; epoch 0 is before anything was learned.
        word: What the axis measures.
    """
    drawn = [_lines(fold, names) for fold in folds]
    values = np.concatenate([v for pair in drawn for v in pair])
    last = max(len(fold["history"]) for fold in folds) - 1
    low, high = float(values.min()), float(values.max())
    room = max(0.08 * (high - low), 1e-3)
    plot = svg.Plot.of((0.0, max(last, 1)), (max(low - room, 0.0), high + room))
    ticks = [(float(n), str(int(n))) for n in svg.even_ticks(0, max(last, 1)) if n == int(n)]
    marks = [svg.axes(plot, ("epoch", word), (ticks, svg.numbers(plot.y.low, plot.y.high)))]
    ends = []
    for fold, (solid, dashed) in zip(folds, drawn, strict=True):
        epochs, kept = np.arange(len(solid)), int(fold["chosen"])
        marks.append(svg.line(plot, epochs, dashed, "faint"))
        marks.append(svg.line(plot, epochs, solid, "accent"))
        marks.append(svg.dots(plot, [kept], [solid[kept]], "ink", 4))
        ends.append(f"{solid[kept]:.3f}")
    desc = f"{names[0]} at the epochs kept: {', '.join(ends)}."
    return svg.figure(key, f"{names[0]} by epoch", desc, marks)


def _lines(fold: Fold, names: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    first, second = (np.array([epoch[name] for epoch in fold["history"]]) for name in names)
    return first, second


def _kept(folds: Sequence[Fold]) -> Table:
    rows = []
    for place, fold in enumerate(folds, 1):
        epoch = fold["history"][int(fold["chosen"])]
        shares = (share(epoch[k]) for k in ("accuracy", "precision", "recall", "f1", "confidence"))
        rows.append((f"{place}", str(fold["chosen"]), number(epoch["loss"]), *shares))
    head = ("fold", "epoch kept", "loss", "accuracy", "precision", "recall", "F1")
    return Table(
        "Each fold's epoch with the least loss on pictures held out; precision, recall and F1 are "
        "means over the classes",
        (*head, "mean confidence"),
        tuple(rows),
    )


def _confusion(folds: Sequence[Fold], classes: tuple[str, ...]) -> Table:
    counts = np.sum([fold["confusion"] for fold in folds], axis=0)
    return Table(
        "Held-out pictures by true class (rows) and what those epochs took them for (columns)",
        ("truly", *classes),
        tuple((name, *shade_row(counts[i].tolist(), i)) for i, name in enumerate(classes)),
    )
