"""A table over many pages as PDF, with reportlab; the same text gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from core.report.pdf_text import FONT, open_font, paragraph

_MARGIN = 14 * mm
_LONGEST = 1200


def write_pdf(
    title: str,
    sentences: Sequence[str],
    columns: Sequence[tuple[str, float]],
    rows: Sequence[Sequence[str]],
) -> bytes:
    """Return a PDF of sentences and a table under them; each page bears its number.

    Args:
        title: The heading.
        sentences: What stands before the table.
        columns: Heading and share of the width of each column.
        rows: A text for each column; a character without a glyph is written as its number.
    """
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=landscape(A4),
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        author="Assay",
        invariant=1,
    )
    font = open_font()
    heading = ParagraphStyle("heading", fontName=FONT, fontSize=15, leading=20)
    plain = ParagraphStyle("plain", fontName=FONT, fontSize=8.5, leading=12)
    small = ParagraphStyle(
        "small", fontName=FONT, fontSize=6.5, leading=8.5, splitLongWords=True, wordWrap="CJK"
    )
    cells = [
        [_paragraph(name, small, font) for name, _ in columns],
        *([_paragraph(text, small, font) for text in row] for row in rows),
    ]
    table = LongTable(
        cells,
        colWidths=[share * document.width for _, share in columns],
        repeatRows=1,
        splitInRow=1,
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.lightgrey),
                ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
            ]
        ),
    )
    document.build(
        [
            _paragraph(title, heading, font),
            *(_paragraph(text, plain, font) for text in sentences),
            Spacer(1, 4 * mm),
            table,
        ],
        onFirstPage=_number,
        onLaterPages=_number,
    )
    return out.getvalue()


def _number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont(FONT, 7)
    canvas.drawRightString(document.pagesize[0] - _MARGIN, 8 * mm, f"page {document.page}")


def _paragraph(text: str, style: ParagraphStyle, font: TTFont) -> Paragraph:
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [...]"
    return paragraph(shown, style, font)
