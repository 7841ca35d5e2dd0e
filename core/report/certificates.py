"""What is certified, and the rates observed."""

from __future__ import annotations

from collections import Counter

from core.decision.certificate import groups_needed, guarantee_table
from core.decision.certificate_text import describe_attempt, describe_certificate
from core.report import formatting
from core.report.blocks import Block, Paragraph, Section, Table
from core.report.report_input import ReportInput
from core.types import Certificate, Reason


def write_certificate(m: ReportInput) -> Section:
    """Return what is certified, from what, and what more cases would certify."""
    sides = list(zip(m.certificates, m.pack.error_names, m.pack.unit_names, strict=True))
    blocks: list[Block] = [
        Paragraph(describe_certificate(c, word, unit), "good" if c.certified else "warn")
        for c, word, unit in sides
    ]
    blocks += [Paragraph(text, "warn") for text in (m.memory_text(), _attempt(m)) if text]
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
                "sent to review by gates",
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


def _attempt(m: ReportInput) -> str:
    attempt = describe_attempt(
        m.policy.attempt, m.policy.targets.confidence, m.policy.escape.confidence
    )
    later = m.certifications - m.policy.attempt
    return f"{attempt} {later:,} more followed.".strip() if later > 0 else attempt


def _certificate_row(c: Certificate, word: str) -> tuple[str, ...]:
    sign = "≤" if c.kind == "escape" else "≥"
    limit = f"{sign} {c.threshold:.4g}" if c.threshold is not None else "none"
    asked, bound = formatting.percent(c.alpha), formatting.percent(c.bound)
    counts = (f"{c.k:,}", f"{c.n:,}", f"{c.excluded:,}")
    return word, asked, bound, *counts, formatting.confidence(c.confidence), limit


def write_observed(m: ReportInput) -> Section:
    """Return the rates of the whole rule, and why pictures were sent to review."""
    f = m.figures
    rows = [
        _rate_row(m, c, word) for c, word in zip(m.certificates, m.pack.error_names, strict=True)
    ]
    by_memory = m.is_bounded_by_memory(m.policy.overkill)
    shares = (
        ("deferred", m.policy.deferred, "at most "),
        ("automation", 1 - m.policy.deferred, "at least "),
    )
    for name, share, end in shares:
        rate = formatting.share_with_interval(f[name], f["intervals"][name])
        expected = f"{end if by_memory else ''}{formatting.share(share)} on the held-out cases"
        rows.append((name, rate, expected if m.policy.held_out else "no picture was held out"))
    counts = Counter(m.cases.reason[m.cases.reason != ""].tolist())
    why = tuple(
        (code.lower().replace("_", " "), f"{count:,}", Reason(code).sentence)
        for code, count in counts.most_common()
    )
    blocks: list[Block] = [
        Table("The whole rule, gates included", ("", "observed here", "certified"), tuple(rows))
    ]
    blocks.append(
        Table("Why pictures were sent to review", ("reason", "pictures", "meaning"), why)
        if why
        else Paragraph("No picture was sent to review.")
    )
    unit = (
        "Escape and overkill are counted over the groups (a part, a patient, a plant) that "
        "pass the gates, deferral over pictures, with an interval that allows for groups."
    )
    blocks.append(Paragraph(unit, "quiet"))
    return Section("observed", "Observed rates against the certified limits", tuple(blocks))


def _rate_row(m: ReportInput, c: Certificate, word: str) -> tuple[str, str, str]:
    if not m.decides(c):
        return word, "nothing was decided on this side", "not certified"
    observed, bound = formatting.rate(m.figures[c.kind]), m.policy.good_only
    if c.certified:
        return word, observed, f"at most {formatting.percent(c.alpha)}"
    if m.is_bounded_by_memory(c) and bound and bound.level is not None:
        return word, observed, f"at most {formatting.percent(bound.level)} on average"
    return word, observed, "not certified"
