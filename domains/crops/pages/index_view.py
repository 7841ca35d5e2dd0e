"""The vegetation indices of a mosaic, pixel by pixel: asked for, then a picture and the file."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.service.intake.resumable import Upload
from core.service.review.review import ReviewSession
from dashboard import widgets
from dashboard.enlarge import Enlarged
from dashboard.present import escape_markdown
from domains.crops.fields.folder import FieldFolder
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import jobs
from domains.crops.survey.index_job import (
    INDEX_MAPS,
    MappedIndices,
    mapped_indices,
    submit_indices,
)

_TITLE, _MAP = N_("Vegetation indices"), N_("Map the indices")
_INDEX, _FILE = N_("Index"), N_("GeoTIFF of {index}")
_LARGE = N_("The file is too large for a browser: `assay crops index` writes it.")
_MOST_BYTES = 256 * 1024**2


def show(session: ReviewSession, field: FieldFolder, upload: Upload, language: Language) -> None:
    """Show the index maps of a mosaic, how far they are, or a button that asks for them."""
    with st.expander(language.text(_TITLE)):
        asked = jobs.asked(session, INDEX_MAPS, upload.id)
        if asked and jobs.is_open(asked[-1]):
            jobs.follow(session, asked[-1], language)
            return
        if asked and asked[-1].problem:
            name = Path(upload.announced.name).name
            widgets.text(jobs.name_file(asked[-1].problem, upload.path, name), "error")
        out = field.indices_of(upload.id)
        if made := mapped_indices(out):
            _draw(out, made, upload, language)
            return
        st.button(
            language.text(_MAP),
            key=f"crops-indices-{upload.id}",
            on_click=_submit,
            args=(session, field, upload, len(asked) + 1),
        )


def _submit(session: ReviewSession, field: FieldFolder, upload: Upload, number: int) -> None:
    out, by = field.indices_of(upload.id), widgets.person_or_account()
    try:
        key = jobs.key_of(upload.id, number)
        submit_indices(session.store, upload.path, out, by=by, key=key)
    except AssayError as exc:
        st.toast(escape_markdown(f"{exc.message} {exc.hint}"))


def _draw(out: Path, made: MappedIndices, upload: Upload, language: Language) -> None:
    name = st.radio(
        language.text(_INDEX),
        made.names,
        format_func=str.upper,
        horizontal=True,
        key=f"crops-index-{upload.id}",
    )
    picture = b64encode((out / f"{name}.png").read_bytes()).decode()
    widgets.html(
        f'<img {Enlarged().attributes()} class="crops-index" '
        f'alt="{escape(str(name).upper())}" style="max-width:100%" '
        f'src="data:image/png;base64,{picture}">'
    )
    file = out / f"{name}.tif"
    if file.stat().st_size > _MOST_BYTES:
        widgets.text(language.text(_LARGE), "quiet")
    else:
        st.download_button(
            language.render(Sentence(_FILE, {"index": str(name).upper()})),
            data=file.read_bytes,
            file_name=f"{Path(upload.announced.name).stem}-{name}.tif",
            mime="image/tiff",
            on_click="ignore",
        )
    for refused, reason in made.refused.items():
        widgets.text(f"{refused.upper()}: {reason}", "quiet")
