"""A viewer over any page: a click on a picture opens it with every pixel that it has.

Its keys work while it is open alone, and none reaches the page below, so they are never switched
off (WCAG 2.1.4 asks that of keys that work without the focus).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from core.errors import UnreadableImage
from core.records.values import StoredDecision
from dashboard.full_size import FullPictures
from dashboard.offered import LEVELS, OFFERS
from dashboard.pictures import Pictures
from dashboard.present.keys import VIEWER_ACTIONS, KeyMap
from dashboard.viewer import SCRIPTS

_HERE = Path(__file__).parent
_HTML = """
<dialog aria-labelledby="enlarged-title">
  <header><h2 id="enlarged-title"></h2>
    <form method="dialog"><button class="close">Close <kbd>Esc</kbd></button></form></header>
  <div class="problem" role="status"></div>
  <div class="panes"></div>
  <div class="tools" role="toolbar" aria-label="Picture tools"></div>
</dialog>"""


@dataclass(frozen=True, slots=True)
class Enlarged:
    """What a picture on a page opens as.

    Attributes:
        full: Address of the picture with every pixel; empty where the one shown has them all.
        plain: Address of the same without marks; empty where the one shown has none.
        heat: Address of its heat map; empty where there is none, or where nobody may see it.
    """

    full: str = ""
    plain: str = ""
    heat: str = ""

    def attributes(self) -> str:
        """Return the attributes of the HTML element that opens it."""
        named = {"enlarge": self.full, "plain": self.plain, "heat": self.heat}
        return " ".join(
            f'data-{name}="{escape(value)}"'
            for name, value in named.items()
            if value or name == "enlarge"
        )


def enlarge_marked(decision: StoredDecision, pictures: Pictures, full: FullPictures) -> Enlarged:
    """Return what a picture opens as that shows where its verdict was decided."""
    plain = OFFERS.put(f"{decision.id} whole", partial(pictures.of, decision))
    heat = OFFERS.put(f"{decision.id} heat", partial(_heat, pictures, decision), LEVELS)
    return Enlarged(full.colours_at(decision), plain, heat)


def mount() -> None:
    """Have every picture of the page that says so open in the viewer."""
    component = st.components.v2.component(
        "assay_enlarge",
        html=_HTML,
        css="\n".join((_HERE / name).read_text() for name in ("viewer.css", "enlarge.css")),
        js="\n".join((_HERE / name).read_text() for name in ("enlarge.js", *SCRIPTS)),
    )
    keys = KeyMap(VIEWER_ACTIONS, {}).by_key([one.name for one in VIEWER_ACTIONS])
    with st.container(key="assay-enlarge"):  # out of the page's flow: it takes no room
        component(key="assay_enlarge", data=[keys])


def _heat(pictures: Pictures, decision: StoredDecision) -> bytes:
    """Return a heat map: height and width as uint32, then int8 by rows."""
    explained = pictures.explained(decision)
    if explained is None:
        raise UnreadableImage("The region is not marked yet.", hint="Open the picture again.")
    heat = explained.heat_map
    return struct.pack("<II", heat.height, heat.width) + heat.pixels
