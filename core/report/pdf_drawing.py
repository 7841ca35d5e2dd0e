"""A drawing in a PDF, as sharp as the page's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject
from reportlab.platypus import Flowable

from core.report.drawing import (
    DOT_INK,
    DOT_PAPER,
    DOT_STEP,
    DOTTED,
    HATCH_INK,
    HATCH_STEP,
    HATCHED,
    INK,
    PAPER,
    Drawing,
    DrawnArea,
    DrawnDisc,
    DrawnLabel,
    Point,
)
from core.report.pdf_text import BOLD, FONT

_FONT_SIZE = 12
_PATTERNS = (HATCHED, DOTTED)


class PdfDrawing(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A drawing that fills the width of its page, or the height that there is."""

    def __init__(self, drawing: Drawing, most_height: float) -> None:
        super().__init__()
        self._drawing, self._most = drawing, most_height
        self._scale = 1.0

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Return the width and the height that it takes."""
        most = min(height, self._most)
        self._scale = min(width / self._drawing.width, most / self._drawing.height)
        return self._drawing.width * self._scale, self._drawing.height * self._scale

    def draw(self) -> None:
        """Draw it; reportlab has its zero at the lower left end."""
        canvas = cast("Canvas", self.canv)
        canvas.scale(self._scale, self._scale)
        areas = [mark for mark in self._drawing.marks if isinstance(mark, DrawnArea)]
        for pattern in _PATTERNS:
            self._fill([one.points for one in areas if one.fill == pattern], pattern)
        for mark in self._drawing.marks:
            if isinstance(mark, DrawnArea):
                self._outline(mark)
            elif isinstance(mark, DrawnDisc):
                self._disc(mark)
            elif isinstance(mark, DrawnLabel):
                self._label(mark)
            else:
                self._ink(INK, 1.0)
                canvas.drawPath(self._path([mark.points]), stroke=1, fill=0)

    def _outline(self, area: DrawnArea) -> None:
        has_colour = area.fill not in _PATTERNS
        if has_colour:
            self.canv.setFillColor(colors.HexColor(area.fill))
        self._ink(area.stroke, area.stroke_width)
        self.canv.drawPath(self._path([area.points], is_closed=True), stroke=1, fill=has_colour)

    def _disc(self, disc: DrawnDisc) -> None:
        (x, y), radius = self._turn(disc.middle), disc.radius
        has_colour = disc.fill not in _PATTERNS
        if has_colour:
            self.canv.setFillColor(colors.HexColor(disc.fill))
        else:
            path = self.canv.beginPath()
            path.circle(x, y, radius)
            self._fill_path(path, disc.fill, (x - radius, y - radius, x + radius, y + radius))
        self._ink(disc.stroke, disc.stroke_width)
        self.canv.circle(x, y, radius, stroke=1, fill=has_colour)

    def _label(self, label: DrawnLabel) -> None:
        self.canv.setFillColor(colors.HexColor(INK))
        self.canv.setFont(BOLD if label.is_bold else FONT, _FONT_SIZE)
        canvas = self.canv
        draw = {"middle": canvas.drawCentredString, "end": canvas.drawRightString}
        draw.get(label.anchor, canvas.drawString)(*self._turn(label.at), label.text)

    def _fill(self, polygons: Sequence[Sequence[Point]], pattern: str) -> None:
        """Fill polygons with a pattern at once: a clip for each would make the file large."""
        if not polygons:
            return
        corners = [self._turn(point) for points in polygons for point in points]
        across, upwards = zip(*corners, strict=True)
        box = min(across), min(upwards), max(across), max(upwards)
        self._fill_path(self._path(polygons, is_closed=True), pattern, box)

    def _fill_path(
        self, path: PDFPathObject, pattern: str, box: tuple[float, float, float, float]
    ) -> None:
        left, low, right, high = box
        self.canv.saveState()
        self.canv.clipPath(path, stroke=0, fill=0)
        paper = PAPER if pattern == HATCHED else DOT_PAPER
        self.canv.setFillColor(colors.HexColor(paper))
        self.canv.rect(left, low, right - left, high - low, stroke=0, fill=1)
        if pattern == HATCHED:
            self._hatch(left, low, right, high)
        else:
            self._dot(left, low, right, high)
        self.canv.restoreState()

    def _hatch(self, left: float, low: float, right: float, high: float) -> None:
        self._ink(HATCH_INK, 2.4)
        tall, step = high - low, HATCH_STEP * 2**0.5
        starts = _steps(left - tall, right, step)
        self.canv.lines([(start, low, start + tall, high) for start in starts])

    def _dot(self, left: float, low: float, right: float, high: float) -> None:
        self.canv.setFillColor(colors.HexColor(DOT_INK))
        path = self.canv.beginPath()
        for x in _steps(left, right, DOT_STEP):
            for y in _steps(low, high, DOT_STEP):
                path.rect(x, y, 1.6, 1.6)
        self.canv.drawPath(path, stroke=0, fill=1)

    def _ink(self, colour: str, width: float) -> None:
        self.canv.setStrokeColor(colors.HexColor(colour))
        self.canv.setLineWidth(width)

    def _path(self, lines: Iterable[Sequence[Point]], *, is_closed: bool = False) -> PDFPathObject:
        path = self.canv.beginPath()
        for points in lines:
            path.moveTo(*self._turn(points[0]))
            for point in points[1:]:
                path.lineTo(*self._turn(point))
            if is_closed:
                path.close()
        return path

    def _turn(self, point: Point) -> Point:
        return point[0], self._drawing.height - point[1]


def _steps(start: float, end: float, step: float) -> list[float]:
    return [start + step * number for number in range(int((end - start) / step) + 1)]
