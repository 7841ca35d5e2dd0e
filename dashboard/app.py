"""The dashboard: the pages that every pack shares, and each installed pack's own."""

import logging
from itertools import chain
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.errors import AssayError
from core.logs import Event, Word
from core.packs import DomainPack, installed
from core.people import Role
from dashboard import connection, enlarge, entrance, sidebar, sign_in, widgets
from dashboard.alarm_banner import show_banner

VIEWS = Path(__file__).parent / "views"
_TITLES = {"activity": "Your work"}
_OF_ONE_PACK = {"overview", "quality", "monitor", "readers", "policies"}


def pack_pages(pack: DomainPack) -> list[StreamlitPage]:
    """Return a pack's own pages: the first under its name, others under their file's as well."""
    first, *others = pack.pages
    name = pack.name.capitalize()
    return [
        st.Page(first, title=name, url_path=pack.name),
        *(
            st.Page(
                page,
                title=f"{name}: {page.stem.replace('_', ' ')}",
                url_path=f"{pack.name}-{page.stem}",
            )
            for page in others
        ),
    ]


def shared_pages() -> list[StreamlitPage]:
    """Return the pages that every pack shares, but for the queue itself."""
    names = ["cases", "overview", "quality", "monitor", "readers", "activity", "policies", "audit"]
    if sign_in.has_sign_in() and widgets.person().may(Role.ADMIN):  # the page asks as well
        names.append("people")
    return [_page(name) for name in names]


def _page(name: str) -> StreamlitPage:
    title = _TITLES.get(name, name.capitalize())
    return st.Page(VIEWS / f"{name}.py", title=title)


def main() -> None:
    """Lay out the frame and run the chosen page."""
    st.set_page_config(page_title="Assay", layout="wide")
    widgets.styles()
    st.session_state[widgets.WINDOW] = False  # whatever was open, a run of the page closes it
    try:
        connection.watch()
        session = widgets.session()
        if not entrance.admit(session):
            return
        enlarge.mount()
        own = {name: pack_pages(pack) for name, pack in installed().items() if pack.pages}
        st.session_state["own_pages"] = own
        review = st.Page(VIEWS / "review.py", title="Review", default=True)
        st.session_state["review_page"] = review
        shared = shared_pages()
        # One list, all of it shown: Streamlit's groups are no lists to a screen reader (axe).
        pages = [review, *shared, *chain.from_iterable(own.values())]
        page = st.navigation(pages, expanded=True)
        sidebar.draw(session, asks_pack=page is review or page.url_path in _OF_ONE_PACK)
        show_banner(session)
        if page in shared:
            st.title(page.title, anchor=False)
        page.run()
    except AssayError as exc:
        widgets.error(exc)
    except Exception as exc:
        # Its text may quote a patient's name: a log of fixed words gets the type alone.
        logging.getLogger("dashboard").error(Event(Word.FAILED, {"error": type(exc).__name__}))
        raise


if __name__ == "__main__":
    main()
