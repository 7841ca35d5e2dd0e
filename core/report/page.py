"""The whole page as one string."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from core.report import origins, promise, scores
from core.report.blocks import Section
from core.report.learning import learning
from core.report.material import Material


def sections(material: Material) -> tuple[Section, ...]:
    """Write every section, in reading order."""
    return (
        promise.summary(material),
        promise.certificate(material),
        promise.observed(material),
        promise.slices(material),
        scores.calibration(material),
        scores.trade(material),
        scores.confusion(material),
        scores.strangers(material),
        *learning(material),
        origins.growth(material),
        origins.check(material),
        origins.provenance(material),
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
