"""An agreement analysis as text and as a page to print."""

from __future__ import annotations

from collections.abc import Iterator

from core.report.blocks import Block, Definitions, Paragraph, Section, Table
from core.report.page import ReportPage, render_page
from domains.parts.station.spc.kappa import Kappa
from domains.parts.station.spc.msa import Acceptance, AgainstReference, AgreementAnalysis

_COUNTING = (
    "Two ways of counting are in use: by part, where a part is right if all its readings are "
    "(Minitab's Stat menu, AIAG's effectiveness), and by reading (Minitab's Assistant). Intervals "
    "are 95 %; by reading they allow for the readings of one part being alike."
)
_LIMITS = (
    "AIAG's limits: effectiveness at least 90 % (marginal from 80 %), miss rate at most 2 % "
    "(marginal to 5 %), false alarm rate at most 5 % (marginal to 10 %). They judge the figure "
    "observed: an interval that reaches beyond them says that the study is too small to be sure."
)
_TONES = {
    Acceptance.ACCEPTABLE: "good",
    Acceptance.MARGINAL: "warn",
    Acceptance.UNACCEPTABLE: "bad",
}


def write_text(analysis: AgreementAnalysis) -> str:
    """Return the analysis as text for a terminal."""
    return "\n".join(_lines(analysis)) + "\n"


def write_page(analysis: AgreementAnalysis, *, made: str) -> str:
    """Return the analysis as one self-contained HTML page to print.

    Args:
        analysis: The analysis.
        made: When and by which version it was made, for the head of the page.
    """
    page = ReportPage(
        title="Attribute agreement analysis",
        kind="Measurement system analysis of a line-side station",
        made=made,
        sections=write_sections(analysis),
    )
    return render_page(page)


def write_sections(analysis: AgreementAnalysis) -> tuple[Section, ...]:
    """Return the sections of the page, in reading order."""
    return (
        Section("study", "The study", _study(analysis)),
        Section("reference", "Each appraiser against the reference", _against(analysis)),
        Section("agreement", "Within and between appraisers", _agreement(analysis)),
        Section("parts", "Parts that were not read alike", (_odd_parts(analysis),)),
    )


def _study(analysis: AgreementAnalysis) -> tuple[Block, ...]:
    study = analysis.study
    parts, appraisers, trials = study.rejected.shape
    bad = int(study.reference.sum())
    blocks: list[Block] = [
        Definitions(
            (
                ("Parts", f"{parts}, of which {bad} are bad by the reference"),
                ("Appraisers", f"{appraisers}: {', '.join(study.appraisers)}"),
                ("Trials", str(trials)),
                (
                    "Intervals of kappa",
                    f"{analysis.resamples:,} resamples of the parts, seed {analysis.seed}; beside "
                    "them the asymptotic ones, which take every reading for independent",
                ),
            )
        ),
        Paragraph(_COUNTING, "quiet"),
    ]
    if study.is_small:
        blocks.append(Paragraph("AIAG asks for 50 parts, 3 appraisers and 3 trials.", "warn"))
    return tuple(blocks)


def _against(analysis: AgreementAnalysis) -> tuple[Block, ...]:
    everybody = {**analysis.against, "all appraisers": analysis.all_against}
    rates = Table(
        "Agreement with the reference",
        ("", "by part (effectiveness)", "by reading", "miss rate", "false alarm rate"),
        tuple(
            (
                name,
                one.parts.describe(),
                one.readings.describe(),
                one.missed.describe(),
                one.false_alarms.describe(),
            )
            for name, one in everybody.items()
        ),
    )
    kappas = Table(
        "Kappa with the reference",
        ("", "Cohen", "Fleiss"),
        tuple((name, _kappa(one.cohen), one.fleiss.describe()) for name, one in everybody.items()),
    )
    verdicts = [
        Paragraph(f"{name}: {_verdict(one)}.", _tone(one)) for name, one in analysis.against.items()
    ]
    return rates, kappas, *verdicts, Paragraph(_LIMITS, "quiet")


def _agreement(analysis: AgreementAnalysis) -> tuple[Block, ...]:
    rows = {**analysis.within, "between all appraisers": analysis.between}
    within = Table(
        "Parts on which all readings agree, right or wrong",
        ("", "parts", "Fleiss' kappa"),
        tuple((name, one.parts.describe(), one.fleiss.describe()) for name, one in rows.items()),
    )
    pairs = Table(
        "Cohen's kappa of every two appraisers, trial by trial",
        ("", "kappa"),
        tuple((f"{a} and {b}", kappa.describe()) for (a, b), kappa in analysis.pairs.items()),
    )
    return within, pairs


def _odd_parts(analysis: AgreementAnalysis) -> Block:
    study = analysis.study
    wrong = study.rejected != study.reference[:, None, None]
    rows = tuple(
        (
            part,
            "bad" if is_bad else "good",
            *(f"{int(n)} of {wrong.shape[2]} wrong" if n else "" for n in counts),
        )
        for part, is_bad, counts in zip(study.parts, study.reference, wrong.sum(2), strict=True)
        if counts.any()
    )
    if not rows:
        return Paragraph("Every reading agrees with the reference.", "good")
    return Table("Look at these parts together", ("", "reference", *study.appraisers), rows)


def _lines(analysis: AgreementAnalysis) -> Iterator[str]:
    for section in write_sections(analysis):
        yield f"{section.title}"
        for block in section.blocks:
            yield from _block_lines(block)
        yield ""


def _block_lines(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield f"  {block.text}"
    elif isinstance(block, Definitions):
        yield from (f"  {name}: {value}" for name, value in block.pairs)
    elif isinstance(block, Table):
        yield f"  {block.caption}:"
        for row in block.rows:
            named = zip(block.head[1:], row[1:], strict=True)
            yield f"    {row[0]}"
            yield from (f"      {name}: {value}" for name, value in named if value)


def _kappa(kappa: Kappa | None) -> str:
    return kappa.describe() if kappa else "–"


def _verdict(one: AgainstReference) -> str:
    return ", ".join(f"{name} {verdict.value}" for name, verdict in one.acceptance.items())


def _tone(one: AgainstReference) -> str:
    verdicts = set(one.acceptance.values())
    worst = [level for level in reversed(Acceptance) if level in verdicts]
    return _TONES[worst[0]]
