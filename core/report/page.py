"""The whole page as one string."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from core.report import certificates, confusion, ood, provenance, scores, slices, summary
from core.report.blocks import Section
from core.report.finetune_history import write_finetuning
from core.report.report_input import ReportInput


def write_sections(report_input: ReportInput) -> tuple[Section, ...]:
    """Return every section, in reading order."""
    return (
        summary.write_summary(report_input),
        certificates.write_certificate(report_input),
        certificates.write_observed(report_input),
        slices.write_slices(report_input),
        scores.write_calibration(report_input),
        scores.write_operating_points(report_input),
        confusion.write_confusion(report_input),
        ood.write_ood(report_input),
        *write_finetuning(report_input),
        provenance.write_more_data(report_input),
        provenance.write_check(report_input),
        provenance.write_provenance(report_input),
    )


def render(report_input: ReportInput) -> str:
    """Return the page about one evaluation."""
    page = ReportPage(
        title=f"Evaluation of {report_input.origin.bundle}",
        kind=report_input.pack.title,
        made=report_input.origin.made,
        sections=write_sections(report_input),
    )
    return render_page(page)


@dataclass(frozen=True, slots=True)
class ReportPage:
    """What a page says.

    Attributes:
        title: What it is about.
        kind: What kind of page it is, above the title.
        made: When and by what it was made.
        sections: In reading order.
        language: Code of the language that the texts are in.
        is_right_to_left: Whether its lines run from right to left.
    """

    title: str
    kind: str
    made: str
    sections: Sequence[Section]
    language: str = "en"
    is_right_to_left: bool = False


def render_page(page: ReportPage) -> str:
    """Return one self-contained HTML page: no script, and nothing fetched from anywhere.

    Every text that comes from outside (names of files, classes, columns) is escaped. The same
    input gives the same page.
    """
    environment = Environment(
        loader=PackageLoader("core.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        title=page.title,
        kind=page.kind,
        made=page.made,
        sections=page.sections,
        language=page.language,
        direction="rtl" if page.is_right_to_left else "ltr",
    )
