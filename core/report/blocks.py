"""What a page is made of; how each looks is in the template alone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from core.report.drawing import Drawing, svg_of


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; ``tone`` is ``plain``, ``quiet``, ``good``, ``warn`` or ``bad``."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class StatTile:
    """One headline figure: what it is, its value, and what to hold it against."""

    name: str
    value: str
    note: str
    tone: str = "plain"


@dataclass(frozen=True)
class Tiles:
    """Headline figures side by side."""

    tiles: tuple[StatTile, ...]


@dataclass(frozen=True)
class Cell:
    """A table's cell with a shade from 0 (none) to 1 behind its text."""

    text: str
    shade: float = 0.0
    tone: str = "plain"


def shade_row(counts: Sequence[int], right: int) -> tuple[Cell, ...]:
    """Return a row of a confusion matrix, shaded by share, its diagonal in another tone."""
    total = max(sum(counts), 1)
    return tuple(
        Cell(f"{n:,}", round(n / total, 3), "good" if place == right else "bad")
        for place, n in enumerate(counts)
    )


@dataclass(frozen=True)
class Table:
    """A table whose first cell of each row is that row's name."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A drawing with the sentence that says what to see in it.

    Attributes:
        svg: As a page shows it.
        caption: The sentence.
        drawing: The same as values, which a PDF is made of; None where no PDF is.
    """

    svg: Markup
    caption: str
    drawing: Drawing | None = None


def draw_figure(drawing: Drawing, title: str, caption: str) -> Figure:
    """Return a drawing as a figure; ``title`` is what a screen reader says."""
    return Figure(svg_of(drawing, title), caption, drawing)


@dataclass(frozen=True)
class Figures:
    """Drawings side by side where there is room."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Picture:
    """One picture of the data set.

    Attributes:
        jpeg: A small JPEG that we encoded ourselves; empty where there is none to show.
        name: The file's name, untrusted text.
        caption: The verdict, the label and the probability.
    """

    jpeg: bytes
    name: str
    caption: str

    @property
    def uri(self) -> str:
        """The JPEG as a data URI."""
        return "data:image/jpeg;base64," + b64encode(self.jpeg).decode()


@dataclass(frozen=True)
class Gallery:
    """Pictures under one heading."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Definitions:
    """Names and values."""

    pairs: tuple[tuple[str, str], ...]


Block = Paragraph | Tiles | Table | Figures | Gallery | Definitions


@dataclass(frozen=True)
class Section:
    """A part of the page; ``key`` is its anchor."""

    key: str
    title: str
    blocks: tuple[Block, ...]
