"""Where the rates hold: error rates for every value of every column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.decision.rate import Rate
from core.report import formatting
from core.report.blocks import Block, Figure, Figures, Paragraph, Section, Table
from core.report.forest_plot import Slice, draw_forest
from core.report.report_input import ReportInput


def write_slices(m: ReportInput) -> Section:
    """Return escape and overkill for every value of every column."""
    by = m.figures["by"]
    title = "Slices: where the rates hold"
    if not by:
        text = "The data set has no further column with two to twelve values, so there are none."
        return Section("slices", title, (Paragraph(text),))
    drawn, blocks = [], list[Block]()
    tones = ("positive", "negative")
    for c, word, tone in zip(m.certificates, m.pack.error_names, tones, strict=True):
        if not m.decides(c):
            blocks.append(
                Paragraph(f"No {word} is possible here: its side is not certified.", "quiet")
            )
            continue
        rows = [row for column in by for row in _slice_rows(column, by[column], c.kind)]
        svg = draw_forest(f"slices-{c.kind}", f"{word} rate", rows, c.alpha, tone)
        caption = f"{word.capitalize()} by slice: groups with an error, of all, with 95 % interval."
        drawn.append(Figure(svg, f"{caption} The upright line is the rate asked for."))
    if drawn:
        blocks.insert(0, Figures(tuple(drawn)))
    blocks += [_slice_table(m, column, by[column]) for column in by]
    wide = "Few cases make a wide bar: it means that little is known, not that the rate is high."
    blocks.append(Paragraph(wide + " " + _list_unsliced(m.plain_columns), "quiet"))
    return Section("slices", title, tuple(blocks))


def _list_unsliced(columns: tuple[str, ...]) -> str:
    if not columns:
        return ""
    return f"Not sliced, for they have one value or more than twelve: {', '.join(columns)}."


def _slice_rows(column: str, values: Mapping[str, Any], kind: str) -> list[Slice]:
    rows = [Slice(column)]
    for value, figures in values.items():
        rows.append(Slice(value, Rate.from_json(figures[kind])))
    return rows


def _slice_table(m: ReportInput, column: str, values: Mapping[str, Any]) -> Table:
    shown = [c for c in m.certificates if m.decides(c)]
    rows = tuple(
        (
            value or "(empty)",
            f"{part['n']:,}",
            formatting.number(part["auroc"]),
            formatting.share(part["accuracy"]),
            *(formatting.short_rate(part[c.kind]) for c in shown),
            formatting.share(part["automation"]),
        )
        for value, part in values.items()
    )
    error_names = dict(zip(("escape", "overkill"), m.pack.error_names, strict=True))
    ends = tuple(f"{error_names[c.kind]} (95 % interval)" for c in shown)
    head = (column, "pictures", "AUROC", "accuracy", *ends, "automated")
    return Table(f"By {column}", head, rows)
