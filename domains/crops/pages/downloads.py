"""Files to take along: how exact their places are, and a button a format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from dashboard import widgets
from domains.crops.exports.layers import Positions
from domains.crops.exports.write import PDF, REPORT
from domains.crops.locale import N_, Language

_FILES, _PLACES = N_("Files"), N_("Places in the files")
_PLACE_NAMES = {
    Positions.EXACT: N_("Exact"),
    Positions.COARSE: N_("To about a kilometre"),
    Positions.NONE: N_("Left out"),
}
_NO_PDF = N_("No PDF is made in this language: open the report in a browser and print it.")
_FORMAT_NAMES = {
    REPORT: N_("Report to print"),
    PDF: "PDF",
    "geojson": "GeoJSON",
    "gpkg": "GeoPackage",
    "shapefile": "Shapefile",
    "csv": N_("Table (CSV)"),
}


def offer(
    formats: Sequence[str],
    make: Callable[[str, Positions], bytes],
    name: str,
    suffixes: dict[str, str],
    language: Language,
) -> None:
    """Draw a choice of how exact places are, and a button a format, which makes its file.

    Args:
        formats: What is offered.
        make: Returns the file of a format.
        name: Begins the names of the files, unique on the page.
        suffixes: Ends of the files' names, by format.
        language: Of the page.
    """
    widgets.text(language.text(_FILES), "heading")
    chosen = st.radio(
        language.text(_PLACES),
        list(Positions),
        format_func=lambda one: language.text(_PLACE_NAMES[one]),
        horizontal=True,
        key=f"crops-positions-{name}",
    )
    positions = Positions(chosen or "none")
    offered = [one for one in formats if one != PDF or not language.is_right_to_left]
    for column, one in zip(st.columns(len(offered)), offered, strict=True):
        column.download_button(
            language.text(_FORMAT_NAMES[one]),
            data=partial(make, one, positions),
            file_name=f"{name}-{one}{suffixes[one]}",
            key=f"crops-file-{name}-{one}",
            # The page drawn anew would take away what makes the file before it is asked for.
            on_click="ignore",
            width="stretch",
        )
    if len(offered) < len(formats):
        widgets.text(language.text(_NO_PDF), "quiet")
