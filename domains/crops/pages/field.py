"""A farmer's fields: what is sent, where to walk first, and files for the tractor."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.people import Role
from core.service.intake.limits import MEBI
from core.service.intake.resumable import Batch, BatchLimits
from dashboard import uploader, widgets
from dashboard.present import escape_markdown
from domains.crops.fields.folder import (
    FieldFolder,
    delete_field,
    fields,
    make_field,
    open_field,
)
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import gallery, language_choice, mosaics
from domains.crops.pages.sent_files import sent_files

_FIELDS, _NEW, _NAME = N_("Your fields"), N_("New field"), N_("Name of the field")
_CROP = N_("What grows there (may be left empty)")
_BEGIN, _OTHER, _SEND = N_("Begin"), N_("All fields"), N_("Send photos or a mosaic")
_PRIVATE = N_("Nothing leaves this computer.")
_SINCE = N_("since {date}")
_DELETE, _SURE = N_("Delete this field"), N_("Yes, delete all files of this field")
_DELETED_IS = N_(
    "Its photos, mosaics, maps and files go. Verdicts and corrections stay on record with the "
    "pictures that they are about."
)
_WORDS = {
    "choose": N_("Choose files"),
    "folder": N_("Choose a folder"),
    "camera": N_("Take a photo"),
    "drop": N_("or drop files, a folder or a zip here"),
    "progress": N_("{done} of {total} files have arrived"),
    "offline": N_("No network: the files wait here and go on by themselves."),
    "failed": N_("{name}: {why}"),
}
_ACCEPT = "image/*,.tif,.tiff,.zip,.heic,.dng"
_LIMITS = BatchLimits(free_bytes=512 * MEBI)
_PARAMETER = "field"


_STYLE = (Path(__file__).parent / "gallery.css").read_text()


def render() -> None:
    """Show one field, or all of them."""
    st.html(f"<style>{_STYLE}</style>")
    language = language_choice.choose()
    home = widgets.session().settings.home
    field = open_field(home, st.query_params.get(_PARAMETER, ""))
    if field is None:
        _choose(language)
        return
    st.button(
        f"{'→' if language.is_right_to_left else '←'} {language.text(_OTHER)}",
        key="crops-others",
        type="tertiary",
        on_click=_open,
        args=("",),
    )
    widgets.text(field.name, "title")
    if field.crop:
        widgets.text(field.crop, "quiet")
    batch = _batch(str(field.uploads))
    _upload(field, batch, language)
    sent = sent_files(field.uploads)
    gallery.show(widgets.session(), field, sent, language)
    mosaics.show(widgets.session(), field, sent, language)
    _offer_deletion(field, language)


def _offer_deletion(field: FieldFolder, language: Language) -> None:
    with st.expander(language.text(_DELETE)):
        widgets.text(language.text(_DELETED_IS))
        key = f"crops-sure-{field.id}"
        sure = st.checkbox(language.text(_SURE), key=key)
        st.button(
            language.text(_DELETE),
            key="crops-delete",
            disabled=not sure,
            on_click=_delete,
            args=(field,),
        )


def _delete(field: FieldFolder) -> None:
    try:
        delete_field(field, by=widgets.person())
    except AssayError as exc:
        st.toast(escape_markdown(str(exc)))
        return
    _open("")


def _choose(language: Language) -> None:
    home = widgets.session().settings.home
    known = list(fields(home))
    if known:
        widgets.text(language.text(_FIELDS), "title")
        for field in known:
            since = language.render(Sentence(_SINCE, {"date": f"{field.made:%Y-%m-%d}"}))
            st.button(
                f"{escape_markdown(field.name)} · {since}",
                key=f"crops-open-{field.id}",
                on_click=_open,
                args=(field.id,),
                width="stretch",
            )
    widgets.text(language.text(_NEW), "heading" if known else "title")
    with st.form("crops-new", border=False):
        st.text_input(language.text(_NAME), key="crops-name", max_chars=80)
        st.text_input(language.text(_CROP), key="crops-crop", max_chars=80)
        st.form_submit_button(language.text(_BEGIN), type="primary", on_click=_make)
    widgets.text(language.text(_PRIVATE), "quiet")


def _make() -> None:
    home = widgets.session().settings.home
    name, crop = st.session_state["crops-name"], st.session_state["crops-crop"]
    try:
        by = widgets.person_or_account()
        _open(make_field(home, name, crop, datetime.now(UTC), by=by).id)
    except AssayError as exc:
        st.toast(escape_markdown(f"{exc.message} {exc.hint}"))


def _open(field_id: str) -> None:
    if field_id:
        st.query_params[_PARAMETER] = field_id
    else:
        st.query_params.pop(_PARAMETER, None)


@st.cache_resource(show_spinner=False)
def _batch(folder: str) -> Batch:
    return Batch(Path(folder), _LIMITS)


def _upload(field: FieldFolder, batch: Batch, language: Language) -> None:
    if not widgets.may(Role.REVIEWER):
        return
    is_empty = not any(True for _ in batch.uploads())
    # Chosen once: it must not close over files that are just being sent.
    is_open = st.session_state.setdefault(f"crops-send-{field.id}", is_empty)
    with st.expander(language.text(_SEND), expanded=is_open):
        uploader.take_files(
            batch,
            key=field.id,
            accept=_ACCEPT,
            words={name: language.text(text) for name, text in _WORDS.items()},
            is_right_to_left=language.is_right_to_left,
        )


render()
