"""The dashboard: the pages that every pack shares, and each installed pack's own."""

from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.packs import installed
from dashboard import widgets

VIEWS = Path(__file__).parent / "views"


def main() -> None:
    """Lay out the frame and run the chosen page."""
    st.set_page_config(page_title="Assay", layout="wide")
    widgets.styles()
    try:
        own = {
            name: st.Page(pack.page, title=name.capitalize(), url_path=name)
            for name, pack in installed().items()
            if pack.page is not None
        }
        st.session_state["own_pages"] = own
        page = st.navigation(
            [
                st.Page(VIEWS / "review.py", title="Review", default=True),
                st.Page(VIEWS / "overview.py", title="Overview"),
                *own.values(),
            ]
        )
        widgets.sidebar(widgets.session())
        page.run()
    except AssayError as exc:
        widgets.error(exc)


if __name__ == "__main__":
    main()
