"""Pictures of 16 bits side by side, windowed and zoomed in the browser; nothing is fetched."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.lightbox import DisplayPicture, Heat

KEYS = (
    "I invert · H heat map · + − zoom · [ ] window · , . level · W automatic window · 0 reset · "
    "drag: window and level · Shift+drag: move · wheel: zoom"
)
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Pane:
    """One picture of those side by side.

    Attributes:
        key: Names the picture, so that its window and zoom outlive a rerun.
        title: Text in its upper left corner.
        note: Text in its upper right corner.
        disclaimer: Text in its lower right corner.
        plate: The picture; None where there is none.
        heat: Its heat map; None where nobody may see it, or where there is none.
        missing: What stands in place of a picture that is missing.
    """

    key: str
    title: str
    note: str
    disclaimer: str
    plate: DisplayPicture | None
    heat: Heat | None = None
    missing: str = ""


def show(view_id: str, panes: Sequence[Pane]) -> None:
    """Show pictures side by side.

    Args:
        view_id: Names what is shown; window and zoom start anew where it changes.
        panes: The pictures.
    """
    # Registered in every run: a server knows only the components that it was given.
    mount = st.components.v2.component(
        "assay_viewer",
        html='<div class="panes"></div>',
        css=(_HERE / "viewer.css").read_text(),
        js=(_HERE / "viewer.js").read_text(),
    )
    mount(key="assay_viewer", data=pack_panes(view_id, panes))


def pack_panes(view_id: str, panes: Sequence[Pane]) -> bytes:
    """Return everything as bytes: length of the head, the head as JSON, the pixels.

    A picture's ``offset`` counts from the end of the head.
    """
    heads: list[dict[str, object]] = []
    parts: list[bytes] = []
    for pane in panes:
        one: dict[str, object] = {
            name: getattr(pane, name) for name in ("key", "title", "note", "disclaimer", "missing")
        }
        for name, part in (("plate", pane.plate), ("heat", pane.heat)):
            if part is not None:
                offset = sum(map(len, parts))
                one[name] = {"height": part.height, "width": part.width, "offset": offset}
                parts.append(part.pixels)
        heads.append(one)
    head = json.dumps({"view_id": view_id, "panes": heads}).encode()
    return struct.pack("<I", len(head)) + head + b"".join(parts)
