"""What more data would certify, what is wrong with the data, and where everything came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.report.blocks import Block, Definitions, Figure, Figures, Paragraph, Section, Table
from core.report.learning_curve import draw_certified, draw_learning
from core.report.report_input import ReportInput

_MOST_NAMED = 5
REMARKS = ("set_aside", "left_out", "grouping")
_LEVELS = {"strong": "bad", "notice": "warn", "information": "quiet"}


def write_more_data(m: ReportInput) -> Section:
    """Return what more training pictures and more held-out cases would improve."""
    blocks: list[Block] = []
    if m.steps:
        first, last = m.steps[0], m.steps[-1]
        before = m.steps[-2] if len(m.steps) > 1 else first
        gain = float(last.auroc.mean() - before.auroc.mean())
        spread = max(float(last.auroc.std(ddof=1)), float(before.auroc.std(ddof=1)))
        compared = "less than" if abs(gain) < spread else "more than"
        blocks.append(
            Paragraph(
                f"From {before.pictures:,} to {last.pictures:,} training pictures the AUROC went "
                f"from {before.auroc.mean():.3f} to {last.auroc.mean():.3f}, a step that is "
                f"{compared} the spread between repeats ({spread:.3f})."
            )
        )
        caption = "Small dots are repeats, the line is their mean."
        blocks.append(
            Figures(
                tuple(
                    Figure(draw_learning(f"learning-{name}", m.steps, name), caption)
                    for name in ("auroc", "nll")
                )
            )
        )
    blocks.append(Paragraph(m.steps_note, "quiet"))
    sides = zip(
        (m.policy.escape, m.policy.overkill),
        m.pack.error_names,
        m.pack.unit_names,
        ("positive", "negative"),
        strict=True,
    )
    certified = tuple(
        Figure(
            draw_certified(f"certified-{c.kind}", c, word, unit, tone),
            f"The bound on {word} if errors stay as frequent as today ({c.k} in {c.n})"
            + (", and if there were none (dashed)." if c.k else "."),
        )
        for c, word, unit, tone in sides
        if c.n
    )
    blocks.append(
        Figures(certified)
        if certified
        else Paragraph("No held-out cases pass the gates: any would certify more.")
    )
    return Section("more-data", "What more data would improve", tuple(blocks))


def write_check(m: ReportInput) -> Section:
    """Return what the data check found when the bundle was trained."""
    title = "Data check"
    found: Mapping[str, Any] | None = m.card.get("check")
    if found is None:
        text = "The data check was not run when this bundle was trained: nothing is known about "
        text += "duplicates, leaks, label conflicts and shortcuts in its data."
        return Section("check", title, (Paragraph(text, "warn"),))
    alarms: Sequence[Mapping[str, str]] = found.get("alarms", ())
    if not alarms:
        return Section(
            "check", title, (Paragraph("The data check found nothing to report.", "good"),)
        )
    found_alarms = tuple(
        Paragraph(a["sentence"], _LEVELS.get(a.get("level", ""), "warn")) for a in alarms
    )
    return Section("check", title, found_alarms)


def _left_out(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def write_provenance(m: ReportInput) -> Section:
    """Return what made these figures, so that they can be made again."""
    o, card = m.origin, m.card
    backbone, data = card.get("backbone", {}), card.get("data", {})
    pairs = [
        ("Bundle", o.bundle),
        ("Bundle sha256", o.sha256),
        ("Policy", m.policy.id),
        ("Pack", f"{m.pack.name}: {m.pack.title}"),
        ("Backbone", f"{backbone.get('name', '?')} ({backbone.get('source', '?')})"),
        ("Precision", str(card.get("precision", ""))),
        ("Head", str(card.get("fit", {}).get("head", ""))),
        ("Training data fingerprint", str(data.get("fingerprint", ""))),
        ("Evaluated on", f"{o.data}, {'split ' + o.split if o.split else 'all rows'}"),
        ("Left out, as the bundle was trained on them", _left_out(m.figures["left_out"])),
        ("Command", o.command or "none: made by a program"),
        ("Made with", f"assay-inspection {o.version}"),
    ]
    blocks: list[Block] = [Definitions(tuple((name, value) for name, value in pairs if value))]
    counts: Mapping[str, Mapping[str, int]] = data.get("counts", {})
    if counts:
        labels = sorted({label for part in counts.values() for label in part})
        rows = tuple((s, *(f"{part.get(x, 0):,}" for x in labels)) for s, part in counts.items())
        blocks.append(Table("Pictures that the bundle rests on", ("split", *labels), rows))
    versions = ", ".join(f"{name} {v}" for name, v in card.get("versions", {}).items())
    if versions:
        blocks.append(Paragraph(f"Trained with {versions}.", "quiet"))
    blocks += [Paragraph(data[k], "warn") for k in REMARKS if data.get(k)]
    given = data.get("attribution", "")
    source = "Source and licence of the training pictures: "
    blocks.append(Paragraph(source + (given or "the data set has no SOURCE.md."), "quiet"))
    use = (
        "Figures of one data set, made for research and decision support; a person stays in charge."
    )
    blocks.append(Paragraph(use, "quiet"))
    return Section("provenance", "Provenance", tuple(blocks))
