"""The whole page as one string."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from core.report import certificates, provenance, scores
from core.report.blocks import Section
from core.report.finetune_history import learning
from core.report.report_input import Material


def sections(material: Material) -> tuple[Section, ...]:
    """Write every section, in reading order."""
    return (
        certificates.summary(material),
        certificates.certificate(material),
        certificates.observed(material),
        certificates.slices(material),
        scores.calibration(material),
        scores.trade(material),
        scores.confusion(material),
        scores.strangers(material),
        *learning(material),
        provenance.growth(material),
        provenance.check(material),
        provenance.provenance(material),
    )


def render(material: Material) -> str:
    """Write one self-contained HTML page: no script, and nothing fetched from anywhere.

    Every text that comes from outside (names of files, classes, columns) is escaped. The same
    material gives the same page.
    """
    environment = Environment(
        loader=PackageLoader("core.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html")
    return page.render(m=material, sections=sections(material))
