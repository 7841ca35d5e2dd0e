"""Pictures side by side, windowed, zoomed, turned and measured in the browser.

A picture comes in two steps: small, as bytes of the page, so that it stands there with its case;
and with every pixel, by an address that the page offers.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.lightbox import DisplayPicture
from dashboard.overlay import ColourPicture, Heat

HINT = "Drag, wheel or two fingers move and zoom; the buttons below the picture name their keys."
_HERE = Path(__file__).parent
_HTML = (
    '<div class="panes"></div><div class="tools" role="toolbar" aria-label="Picture tools"></div>'
)
SCRIPTS = ("viewer_tools.js", "viewer_pane.js", "viewer_picture.js", "key_names.js")
"""What draws pictures and their tools, wherever they are shown."""


@dataclass(frozen=True, slots=True)
class Pane:
    """One picture of those side by side.

    Attributes:
        key: Names the picture, so that its window and zoom outlive a rerun.
        title: Text in its upper left corner.
        note: Text in its upper right corner.
        disclaimer: Text in its lower right corner.
        plate: The picture as it stands there at once; None where there is none.
        heat: Its heat map; None where nobody may see it, or where there is none.
        missing: What stands in place of a picture that is missing.
        full: Address of the picture with every pixel; empty where ``plate`` has them all.
        spacing: Millimetres from row to row and from column to column; None where unknown.
    """

    key: str
    title: str
    note: str
    disclaimer: str
    plate: DisplayPicture | ColourPicture | None
    heat: Heat | None = None
    missing: str = ""
    full: str = ""
    spacing: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ViewerSettings:
    """How one page's viewer behaves.

    Attributes:
        page: Names the page, which remembers whether heat maps are shown.
        shows_heat: Whether they are shown until somebody hides them.
        keys: Command by key.
    """

    page: str
    shows_heat: bool
    keys: Mapping[str, str]


def show(
    view_id: str, panes: Sequence[Pane], settings: ViewerSettings, following: Sequence[str] = ()
) -> None:
    """Show pictures side by side.

    Args:
        view_id: Names what is shown; window and zoom start anew where it changes.
        panes: The pictures.
        settings: How the viewer behaves.
        following: Addresses of what will be shown next, for the browser to fetch ahead of time.
    """
    # Registered in every run: a server knows only the components that it was given.
    mount = st.components.v2.component(
        "assay_viewer",
        html=_HTML,
        css=(_HERE / "viewer.css").read_text(),
        js="\n".join((_HERE / name).read_text() for name in ("viewer.js", *SCRIPTS)),
    )
    mount(key="assay_viewer", data=pack_panes(view_id, panes, settings, following))


def pack_panes(
    view_id: str, panes: Sequence[Pane], settings: ViewerSettings, following: Sequence[str] = ()
) -> bytes:
    """Return everything as bytes: length of the head, the head as JSON, the pixels.

    A picture's ``offset`` counts from the end of the head.
    """
    heads: list[dict[str, object]] = []
    parts: list[bytes] = []
    for pane in panes:
        one: dict[str, object] = {
            name: getattr(pane, name)
            for name in ("key", "title", "note", "disclaimer", "missing", "full", "spacing")
        }
        if pane.plate is not None:
            kind, data = _bytes_of(pane.plate)
            place = {"offset": sum(map(len, parts)), "length": len(data), "kind": kind}
            height, width = _shape_of(pane.plate)
            one |= {"kind": kind, "size": pane.plate.size}
            one["plate"] = {**place, "height": height, "width": width}
            parts.append(data)
        if pane.heat is not None:
            place = {"offset": sum(map(len, parts)), "length": len(pane.heat.pixels)}
            one["heat"] = {**place, "height": pane.heat.height, "width": pane.heat.width}
            parts.append(pane.heat.pixels)
        heads.append(one)
    head = json.dumps(
        {
            "view_id": view_id,
            "panes": heads,
            "page": settings.page,
            "shows_heat": settings.shows_heat,
            "keys": dict(settings.keys),
            "next": list(following),
        }
    ).encode()
    return struct.pack("<I", len(head)) + head + b"".join(parts)


def _bytes_of(plate: DisplayPicture | ColourPicture) -> tuple[str, bytes]:
    return ("colour", plate.jpeg) if isinstance(plate, ColourPicture) else ("grey16", plate.pixels)


def _shape_of(plate: DisplayPicture | ColourPicture) -> tuple[int, int]:
    return plate.size if isinstance(plate, ColourPicture) else (plate.height, plate.width)
