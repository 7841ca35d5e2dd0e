"""The language of the farmer's pages: the browser's, until another one is chosen."""

from __future__ import annotations

import streamlit as st

from domains.crops.locale import LANGUAGES, N_, Language, language, preferred

_LANGUAGE = N_("Language")
_PARAMETER = "lang"


def choose() -> Language:
    """Return the language of this browser, after drawing the choice of others."""
    wished = st.query_params.get(_PARAMETER) or preferred(st.context.locale or "")
    code = wished if wished in LANGUAGES else "en"
    shown = language(code)
    chosen = st.sidebar.selectbox(
        shown.text(_LANGUAGE),
        list(LANGUAGES),
        index=list(LANGUAGES).index(code),
        format_func=LANGUAGES.__getitem__,
        key="crops-language",
    )
    if chosen != code:
        st.query_params[_PARAMETER] = chosen
        shown = language(chosen)
    if shown.is_right_to_left:
        st.html("<style>.stMain { direction: rtl; text-align: start; }</style>")
    return shown
