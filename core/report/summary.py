"""What the bundle decides, its certified limits, and the rates observed."""

from __future__ import annotations

from core.report import formatting
from core.report.blocks import Block, Paragraph, Section, StatTile, Tiles
from core.report.report_input import ReportInput
from core.types import Certificate, Disposition

_LIMITS = (
    "What a certificate does not cover: the rates hold for pictures like those it was certified "
    "on. After a change of camera, light, product, site or population they hold no longer, and "
    "only a random audit of its automatic verdicts would show it. Out-of-distribution pictures "
    "are sent to review as far as the gate recognises them, which is measured below and never "
    "complete. A rate is about many cases; no single verdict is certain."
)


def write_summary(m: ReportInput) -> Section:
    """Return in plain sentences what the bundle decides and how well."""
    f, w = m.figures, m.pack.wording
    split = f" of split “{m.origin.split}”" if m.origin.split else ""
    decides = (
        f"The bundle {m.origin.bundle} calls a picture {w[Disposition.NEGATIVE]} or "
        f"{w[Disposition.POSITIVE]}, or sends it to review ({w[Disposition.DEFER]}). This page "
        f"evaluates it on {formatting.format_count(f['n'], 'picture')}{split} of {m.origin.data}, "
        f"none of which it was trained or certified on."
    )
    blocks: list[Block] = [Paragraph(decides), _tiles(m)]
    blocks += [_compare(m, c) for c in m.certificates]
    return Section("summary", "Summary", (*blocks, Paragraph(_LIMITS, "quiet")))


def _tiles(m: ReportInput) -> Tiles:
    f = m.figures
    tiles = [
        StatTile(
            word.capitalize(),
            _value(m, c),
            _target(m, c),
            _tone(m, c),
        )
        for c, word in zip(m.certificates, m.pack.error_names, strict=True)
    ]
    intervals = f["intervals"]
    tiles.append(
        StatTile(
            "Decided without a person",
            formatting.share(f["automation"]),
            formatting.interval(intervals["automation"]),
        )
    )
    low, high = intervals["auroc"]
    tiles.append(
        StatTile(
            "AUROC",
            formatting.number(f["auroc"]),
            f"95 % interval {formatting.number(low)} to {formatting.number(high)}",
        )
    )
    return Tiles(tuple(tiles))


def _value(m: ReportInput, c: Certificate) -> str:
    """Return an observed rate, unless there was nothing that could have erred."""
    if not m.decides(c):
        return "not certified"
    observed = m.figures[c.kind]
    return formatting.rate_alone(observed)


def _target(m: ReportInput, c: Certificate) -> str:
    """Return what an observed rate is compared with, and on how many groups it was counted."""
    observed = m.figures[c.kind]
    count = f"{observed['k']:,} of {observed['n']:,}; " if observed["n"] and m.decides(c) else ""
    if m.decides(c) and not c.certified:
        return count + ("bounded on average" if m.is_bounded_by_memory(c) else "not certified")
    return f"{count}asked: at most {formatting.percent(c.alpha)}"


def _tone(m: ReportInput, c: Certificate) -> str:
    observed = m.figures[c.kind]
    if not c.certified or not observed["n"]:
        return "warn" if m.decides(c) else "plain"
    if observed["low"] > c.alpha:
        return "bad"
    return "good" if observed["rate"] <= c.alpha else "warn"


def _compare(m: ReportInput, c: Certificate) -> Paragraph:
    """Return one observed rate compared with its certified limit."""
    escape, observed = c.kind == "escape", m.figures[c.kind]
    word, unit = m.pack.error_names[not escape], m.pack.unit_names[not escape]
    verdict = m.pack.wording[Disposition.NEGATIVE if escape else Disposition.POSITIVE]
    if not c.certified:
        return Paragraph(_uncertified(m, c, word, verdict), "warn")
    sure = f"with {formatting.confidence(c.confidence)} confidence"
    limit = f"at most {formatting.percent(c.alpha)} of {unit} that pass the gates, {sure}"
    if not observed["n"]:
        none = f"No {unit} passed the gates here to test it: {formatting.rate(observed)}."
        return Paragraph(f"Certified {word} rate: {limit}. {none}", "warn")
    conclusion = {
        "good": "That is within the certified limit.",
        "warn": "That is above the certified limit, by no more than chance explains.",
        "bad": "The certified limit is exceeded here: the whole interval lies above it. Do not "
        "use these verdicts on such pictures; certify again on cases like these.",
    }
    tone = _tone(m, c)
    return Paragraph(
        f"Certified {word} rate: {limit}. Seen: {formatting.rate(observed)}. {conclusion[tone]}",
        tone,
    )


def _uncertified(m: ReportInput, c: Certificate, word: str, verdict: str) -> str:
    """Return what a side without a certificate does all the same."""
    if not m.decides(c):
        return f"The {word} rate is not certified, so nothing gets an automatic {verdict}."
    observed = f"Seen: {formatting.rate(m.figures[c.kind])}."
    if m.is_bounded_by_memory(c):
        return f"{word.capitalize()}: {m.memory_text()} {observed}"
    return (
        f"The {word} rate is not certified; {verdict} is given all the same, as was asked for. "
        f"{observed}"
    )
