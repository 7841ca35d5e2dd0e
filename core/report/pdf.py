"""The pages of a report as a PDF, with reportlab and no browser; the same page, the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Image,
    KeepTogether,
    LongTable,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as Grid

from core.errors import ConfigError
from core.report.blocks import (
    Block,
    Cell,
    Definitions,
    Figure,
    Figures,
    Gallery,
    Paragraph,
    Section,
    Table,
    Tiles,
)
from core.report.page import ReportPage
from core.report.pdf_drawing import PdfDrawing
from core.report.pdf_text import BOLD, FONT, open_font, paragraph

_MARGIN = 15 * mm
_PICTURES_A_ROW, _PICTURE = 4, 40 * mm
_TONES = {"bad": "#a33207", "warn": "#8a5a00", "good": "#2f6f55", "quiet": "#5a6478"}
_INK, _GREY, _LIGHT = "#1a2230", "#c9ced8", "#f3f4f7"
_PADDING, _LETTER = 13.0, 5.8  # points: of a cell, and of a wide letter at 8 points
_LONGEST_WORD, _MOST_LETTERS = 14, 40
_MOST_HEIGHT = 0.55  # of a page, for a figure


def render_pdf(page: ReportPage) -> bytes:
    """Return a page as PDF on A4.

    Args:
        page: What it says; a figure without a drawing, and text from right to left, cannot be
            written.

    Raises:
        ConfigError: Its language runs from right to left.
    """
    if page.is_right_to_left:
        raise ConfigError(
            f"No PDF is written in the language {page.language!r}, which runs from right to left.",
            hint="Open the HTML report in a browser and print it.",
        )
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=page.title,
        author="Assay",
        lang=page.language,
        pageCompression=1,
        invariant=1,
    )
    writer = _Writer(document.width, document.height)
    document.build(list(writer.story(page)), onFirstPage=_number, onLaterPages=_number)
    return out.getvalue()


def _number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont(FONT, 7)
    canvas.drawRightString(document.pagesize[0] - _MARGIN, 8 * mm, str(document.page))


@dataclass
class _Writer:
    """Turns blocks into what reportlab lays out.

    Attributes:
        width: Of a page without its margins, in points.
        height: The same upwards.
    """

    width: float
    height: float
    plain: TTFont = field(default_factory=open_font)
    bold: TTFont = field(default_factory=lambda: open_font(BOLD))

    def story(self, page: ReportPage) -> Iterator[Flowable]:
        yield self._text(page.kind, 8, "quiet")
        yield self._text(page.title, 17, is_bold=True)
        yield self._text(page.made, 8, "quiet")
        for section in page.sections:
            yield from self._section(section)

    def _section(self, section: Section) -> Iterator[Flowable]:
        found = [one for block in section.blocks for one in self._block(block)]
        heading = self._text(section.title, 12, is_bold=True, before=10)
        # A heading never stands alone at the foot of a page.
        yield KeepTogether([heading, *found[:1]])
        yield from found[1:]

    def _block(self, block: Block) -> Iterator[Flowable]:
        if isinstance(block, Paragraph):
            yield self._text(block.text, 9, block.tone, after=4)
        elif isinstance(block, Tiles):
            yield self._tiles(block)
        elif isinstance(block, Table):
            yield self._table(block)
        elif isinstance(block, Figures):
            for figure in block.figures:
                yield from self._figure(figure)
        elif isinstance(block, Gallery):
            yield self._gallery(block)
        elif isinstance(block, Definitions):
            yield self._table(Table("", ("", ""), block.pairs))
        yield Spacer(1, 2 * mm)

    def _text(
        self,
        text: str,
        size: float,
        tone: str = "plain",
        *,
        is_bold: bool = False,
        before: float = 0,
        after: float = 2,
    ) -> Flowable:
        style = ParagraphStyle(
            "text",
            fontName=BOLD if is_bold else FONT,
            fontSize=size,
            leading=1.35 * size,
            textColor=_TONES.get(tone, _INK),
            spaceBefore=before,
            spaceAfter=after,
            splitLongWords=True,
        )
        return paragraph(text, style, self.bold if is_bold else self.plain)

    def _tiles(self, tiles: Tiles) -> Flowable:
        cells = [
            [
                self._text(tile.name, 8, "quiet"),
                self._text(tile.value, 14, tile.tone, is_bold=True),
                self._text(tile.note, 8, "quiet"),
            ]
            for tile in tiles.tiles
        ]
        share = self.width / len(cells)
        frame = ("BOX", (0, 0), (-1, -1), 0.5, colors.HexColor(_GREY))
        inner = ("INNERGRID", (0, 0), (-1, -1), 0.5, colors.HexColor(_GREY))
        return Grid([cells], colWidths=[share] * len(cells), style=TableStyle([frame, inner]))

    def _table(self, table: Table) -> Flowable:
        rows = [[one.text if isinstance(one, Cell) else one for one in row] for row in table.rows]
        cells = [
            [self._text(name, 8, "quiet") for name in table.head],
            *([self._text(text, 8) for text in row] for row in rows),
        ]
        style = TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.HexColor(_GREY)),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor(_LIGHT)),
            ]
        )
        widths = _widths([table.head, *rows], self.width)
        return LongTable(cells, colWidths=widths, repeatRows=1, splitInRow=1, style=style)

    def _figure(self, figure: Figure) -> Iterator[Flowable]:
        if figure.drawing is None:
            raise ValueError(f"{figure.caption!r} has no drawing of which a PDF is made")
        yield PdfDrawing(figure.drawing, _MOST_HEIGHT * self.height)
        yield self._text(figure.caption, 8, "quiet", after=4)

    def _gallery(self, gallery: Gallery) -> Flowable:
        cells = [
            [
                Image(io.BytesIO(one.jpeg), _PICTURE, _PICTURE),
                self._text(one.name, 7, is_bold=True),
                self._text(one.caption, 7),
            ]
            for one in gallery.pictures
        ]
        cells += [[]] * (-len(cells) % _PICTURES_A_ROW)
        rows = [cells[at : at + _PICTURES_A_ROW] for at in range(0, len(cells), _PICTURES_A_ROW)]
        widths = [self.width / _PICTURES_A_ROW] * _PICTURES_A_ROW
        top = TableStyle(
            [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
        )
        return Grid(rows, colWidths=widths, style=top)


def _widths(rows: Sequence[Sequence[str]], width: float) -> list[float]:
    """Return the width of each column: its longest word fits, the rest goes by its longest text."""
    columns = list(zip(*rows, strict=True))
    words = [
        max((len(word) for text in one for word in text.split()), default=0) for one in columns
    ]
    least = [_PADDING + _LETTER * min(word, _LONGEST_WORD) for word in words]
    texts = [1 + min(max(map(len, one)), _MOST_LETTERS) for one in columns]
    rest = max(width - sum(least), 0.0)
    found = [low + rest * text / sum(texts) for low, text in zip(least, texts, strict=True)]
    return [one * width / sum(found) for one in found]
