"""Text in a PDF, with a font that reportlab brings; the same text gives the same bytes."""

from __future__ import annotations

from html import escape
from pathlib import Path

import reportlab
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

FONT, BOLD = "Vera", "VeraBd"


def open_font(name: str = FONT) -> TTFont:
    """Return a font, registered; of its own for each document, since it remembers what is used."""
    font = TTFont(name, str(Path(reportlab.__file__).parent / "fonts" / f"{name}.ttf"))
    pdfmetrics.registerFont(font)
    return font


def paragraph(text: str, style: ParagraphStyle, font: TTFont) -> Paragraph:
    """Return a text as a paragraph; a character without a glyph is written as its number."""
    lines = ("".join(_glyph(one, font) for one in line) for line in text.split("\n"))
    return Paragraph("<br/>".join(map(escape, lines)), style)


def _glyph(character: str, font: TTFont) -> str:
    has_glyph = ord(character) in font.face.charToGlyph
    return character if has_glyph and character >= " " else f"\\u{ord(character):04x}"
