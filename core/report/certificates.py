"""What was promised, what was seen, and where it was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from core.decision import good_only
from core.decision.certificate import (
    describe_attempt,
    describe_certificate,
    groups_needed,
    guarantee_table,
)
from core.decision.rate import Rate
from core.report import formatting
from core.report.blocks import Block, Figure, Figures, Section, Table, Tile, Tiles, Words
from core.report.forest_plot import Slice, draw_forest
from core.report.report_input import Material
from core.types import Certificate, Disposition, Reason

_LIMITS = (
    "What it cannot promise: the rates hold for pictures like those it was certified on. After a "
    "change of camera, light, product, site or population they hold no longer, and only a random "
    "audit of its automatic verdicts would show it. Pictures that do not belong are held back as "
    "far as the gate recognises them, which is measured below and never complete. A rate is about "
    "many cases; no single verdict is certain."
)


def summary(m: Material) -> Section:
    """Say in plain words what the bundle decides and how that went."""
    f, w = m.figures, m.pack.wording
    split = f" of split “{m.origin.split}”" if m.origin.split else ""
    decides = (
        f"The bundle {m.origin.bundle} looks at a picture and says {w[Disposition.NEGATIVE]} or "
        f"{w[Disposition.POSITIVE]}, or hands it to a person ({w[Disposition.DEFER]}). This page "
        f"judges it on {formatting.counted(f['n'], 'picture')}{split} of {m.origin.data}, none of "
        f"which it was trained or certified on."
    )
    said: list[Block] = [Words(decides), _tiles(m)]
    said += [_held(m, c) for c in _certificates(m)]
    return Section("summary", "Summary", (*said, Words(_LIMITS, "quiet")))


def _tiles(m: Material) -> Tiles:
    f = m.figures
    tiles = [
        Tile(
            word.capitalize(),
            _value(m, c),
            _against(m, c),
            _tone(m, c),
        )
        for c, word in zip(_certificates(m), m.pack.error_words, strict=True)
    ]
    intervals = f["intervals"]
    tiles.append(
        Tile(
            "Decided without a person",
            formatting.share(f["automation"]),
            f"95 % interval {formatting.between(intervals['automation'])}",
        )
    )
    low, high = intervals["auroc"]
    tiles.append(
        Tile(
            "AUROC",
            formatting.number(f["auroc"]),
            f"95 % interval {formatting.number(low)} to {formatting.number(high)}",
        )
    )
    return Tiles(tuple(tiles))


def _decides(m: Material, c: Certificate) -> bool:
    """Say whether a side gets automatic verdicts, with a certificate or without."""
    return m.policy.has_negatives if c.kind == "escape" else m.policy.has_positives


def _by_memory(m: Material, c: Certificate) -> bool:
    """Say whether the memory of good pictures decides a side in a certificate's place."""
    return c.kind == "overkill" and not c.certified and m.policy.has_positives


def _value(m: Material, c: Certificate) -> str:
    """Write a seen rate, unless there was nothing that could have erred."""
    if not _decides(m, c):
        return "not certified"
    seen = m.figures[c.kind]
    return formatting.percent(seen["rate"]) if seen["n"] else "none seen"


def _against(m: Material, c: Certificate) -> str:
    """Say what a seen rate is held against, and on how many."""
    seen = m.figures[c.kind]
    count = f"{seen['k']:,} of {seen['n']:,}; " if seen["n"] and _decides(m, c) else ""
    if _decides(m, c) and not c.certified:
        return count + ("bounded on average" if _by_memory(m, c) else "not certified")
    return f"{count}asked: at most {formatting.percent(c.alpha)}"


def _certificates(m: Material) -> tuple[Certificate, Certificate]:
    return m.policy.escape, m.policy.overkill


def _tone(m: Material, c: Certificate) -> str:
    seen = m.figures[c.kind]
    if not c.certified or not seen["n"]:
        return "warn" if _decides(m, c) else "plain"
    if seen["low"] > c.alpha:
        return "bad"
    return "good" if seen["rate"] <= c.alpha else "warn"


def _held(m: Material, c: Certificate) -> Words:
    """Hold one observed rate against its promise."""
    escape, seen = c.kind == "escape", m.figures[c.kind]
    word, unit = m.pack.error_words[not escape], m.pack.unit_words[not escape]
    verdict = m.pack.wording[Disposition.NEGATIVE if escape else Disposition.POSITIVE]
    if not c.certified:
        return Words(_uncertified(m, c, word, verdict), "warn")
    sure = f"with {formatting.confidence(c.confidence)} confidence"
    promise = f"at most {formatting.percent(c.alpha)} of {unit} that pass the gates, {sure}"
    if not seen["n"]:
        none = f"No {unit} passed the gates here to test it: {formatting.rate(seen)}."
        return Words(f"Promised {word}: {promise}. {none}", "warn")
    said = {
        "good": "That is within the promise.",
        "warn": "That is more than promised, by no more than chance explains.",
        "bad": "The promise was broken here: the whole interval lies above it. Do not use these "
        "verdicts on such pictures; certify again on cases like these.",
    }
    tone = _tone(m, c)
    return Words(f"Promised {word}: {promise}. Seen: {formatting.rate(seen)}. {said[tone]}", tone)


def _uncertified(m: Material, c: Certificate, word: str, verdict: str) -> str:
    """Say what a side without a certificate does all the same."""
    if not _decides(m, c):
        return f"The {word} rate is not certified, so nothing gets an automatic {verdict}."
    seen = f"Seen: {formatting.rate(m.figures[c.kind])}."
    if _by_memory(m, c):
        return f"Promised {word}: {_memory_words(m)} {seen}"
    return (
        f"The {word} rate is not certified; {verdict} is said all the same, as was asked for. "
        f"{seen}"
    )


def _memory_words(m: Material) -> str:
    said = m.policy.good_only
    return (
        good_only.describe_bound(said, m.pack.error_words[1], m.pack.unit_words[1]) if said else ""
    )


def certificate(m: Material) -> Section:
    """Say what is certified, from what, and what more cases would certify."""
    sides = list(zip(_certificates(m), m.pack.error_words, m.pack.unit_words, strict=True))
    blocks: list[Block] = [
        Words(describe_certificate(c, word, unit), "good" if c.certified else "warn")
        for c, word, unit in sides
    ]
    blocks += [Words(text, "warn") for text in (_memory_words(m), _attempt(m)) if text]
    blocks.append(
        Table(
            "The certificates, with all that is needed to check them by hand (one-sided "
            "Clopper-Pearson bound of k errors in n groups)",
            (
                "",
                "asked",
                "bound",
                "errors k",
                "of n",
                "held back by gates",
                "confidence",
                "limit on the probability",
            ),
            tuple(_certificate_row(c, word) for c, word, _ in sides),
        )
    )
    head = tuple(f"more {unit}, after {c.k:,} errors in {c.n:,}" for c, _, unit in sides)
    blocks.append(
        Table(
            f"How many groups a rate needs at {formatting.confidence(m.policy.escape.confidence)} "
            "confidence: from scratch, and beyond today's if no further error is seen",
            ("rate", "needed from scratch", *head),
            tuple(
                (
                    f"at most {formatting.percent(rate)}",
                    f"{count:,}",
                    *(f"{groups_needed(c.n, c.k, rate, c.confidence):,}" for c, _, _ in sides),
                )
                for rate, count in guarantee_table(m.policy.escape.confidence)
            ),
        )
    )
    return Section("certificate", "Certificate", tuple(blocks))


def _attempt(m: Material) -> str:
    said = describe_attempt(
        m.policy.attempt, m.policy.targets.confidence, m.policy.escape.confidence
    )
    later = m.certifications - m.policy.attempt
    return f"{said} {later:,} more followed.".strip() if later > 0 else said


def _certificate_row(c: Certificate, word: str) -> tuple[str, ...]:
    sign = "≤" if c.kind == "escape" else "≥"
    limit = f"{sign} {c.threshold:.4g}" if c.threshold is not None else "none"
    asked, bound = formatting.percent(c.alpha), formatting.percent(c.bound)
    counts = (f"{c.k:,}", f"{c.n:,}", f"{c.excluded:,}")
    return word, asked, bound, *counts, formatting.confidence(c.confidence), limit


def observed(m: Material) -> Section:
    """Show the rates of the whole rule, and why pictures were handed to a person."""
    f = m.figures
    rows = [
        _rate_row(m, c, word) for c, word in zip(_certificates(m), m.pack.error_words, strict=True)
    ]
    by_memory = _by_memory(m, m.policy.overkill)
    shares = (
        ("deferred", m.policy.deferred, "at most "),
        ("automation", 1 - m.policy.deferred, "at least "),
    )
    for name, share, end in shares:
        interval = formatting.between(f["intervals"][name])
        said = f"{formatting.share(f[name])} (95 % interval {interval})"
        expected = f"{end if by_memory else ''}{formatting.share(share)} on the held-out cases"
        rows.append((name, said, expected if m.policy.held_out else "no picture was held out"))
    counts = Counter(m.cases.reason[m.cases.reason != ""].tolist())
    why = tuple(
        (code.lower().replace("_", " "), f"{count:,}", Reason(code).sentence)
        for code, count in counts.most_common()
    )
    blocks: list[Block] = [
        Table("The whole rule, gates included", ("", "seen here", "promised"), tuple(rows))
    ]
    blocks.append(
        Table("Why pictures were handed to a person", ("reason", "pictures", "meaning"), why)
        if why
        else Words("No picture was handed to a person.")
    )
    unit = (
        "Escape and overkill are counted over the groups (a part, a patient, a plant) that "
        "pass the gates, deferral over pictures, with an interval that allows for groups."
    )
    blocks.append(Words(unit, "quiet"))
    return Section("observed", "What was seen, against the promise", tuple(blocks))


def _rate_row(m: Material, c: Certificate, word: str) -> tuple[str, str, str]:
    if not _decides(m, c):
        return word, "nothing was decided on this side", "not certified"
    seen, said = formatting.rate(m.figures[c.kind]), m.policy.good_only
    if c.certified:
        return word, seen, f"at most {formatting.percent(c.alpha)}"
    if _by_memory(m, c) and said and said.level is not None:
        return word, seen, f"at most {formatting.percent(said.level)} on average"
    return word, seen, "not certified"


def slices(m: Material) -> Section:
    """Show escape and overkill for every value of every column."""
    by = m.figures["by"]
    title = "Slices: where the rates hold"
    if not by:
        text = "The data set has no further column with two to twelve values, so there are none."
        return Section("slices", title, (Words(text),))
    drawn, blocks = [], list[Block]()
    tones = ("positive", "negative")
    for c, word, tone in zip(_certificates(m), m.pack.error_words, tones, strict=True):
        if not _decides(m, c):
            blocks.append(Words(f"No {word} is possible here: its side is not certified.", "quiet"))
            continue
        rows = [row for column in by for row in _slice_rows(column, by[column], c.kind)]
        svg = draw_forest(f"slices-{c.kind}", f"{word} rate", rows, c.alpha, tone)
        caption = f"{word.capitalize()} by slice: groups with an error, of all, with 95 % interval."
        drawn.append(Figure(svg, f"{caption} The upright line is the rate asked for."))
    if drawn:
        blocks.insert(0, Figures(tuple(drawn)))
    blocks += [_slice_table(m, column, by[column]) for column in by]
    wide = "Few cases make a wide bar: it says that little is known, not that the rate is high."
    blocks.append(Words(wide + " " + _plain(m.plain_columns), "quiet"))
    return Section("slices", title, tuple(blocks))


def _plain(columns: tuple[str, ...]) -> str:
    if not columns:
        return ""
    return f"Not sliced, for they have one value or more than twelve: {', '.join(columns)}."


def _slice_rows(column: str, values: Mapping[str, Any], kind: str) -> list[Slice]:
    rows = [Slice(column)]
    for value, figures in values.items():
        rows.append(Slice(value, Rate.from_json(figures[kind])))
    return rows


def _slice_table(m: Material, column: str, values: Mapping[str, Any]) -> Table:
    shown = [c for c in _certificates(m) if _decides(m, c)]
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
    error_words = dict(zip(("escape", "overkill"), m.pack.error_words, strict=True))
    ends = tuple(f"{error_words[c.kind]} (95 % interval)" for c in shown)
    head = (column, "pictures", "AUROC", "accuracy", *ends, "automated")
    return Table(f"By {column}", head, rows)
