"""Takes from browsers what happens while a case is on the screen, without a run of the page.

The page names an address for each showing, which nobody can make up: what is sent there is of that
person and that case, whatever it states.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence

import anyio.to_thread
import streamlit as st
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit import config

from core.errors import AssayError
from core.people import Person
from core.records.cases import CaseDetail
from core.records.connection import Store
from core.records.view_log import Showing
from core.service.review.review import ReviewSession
from core.service.review.viewing import record_view
from dashboard.addresses import root_path

KEPT = 4096
LONGEST = 4096
_FOLDER = "/assay-views"

state = st.session_state


class Showings:
    """The showings that pages have begun last, by name; shared between threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._showings: OrderedDict[str, tuple[Store, Showing]] = OrderedDict()

    def begin(self, store: Store, person_id: str, case_id: str, revision: int) -> str:
        """Return the address that takes what happens in a showing which begins now."""
        name = secrets.token_hex(16)
        with self._lock:
            self._showings[name] = (store, Showing(name, person_id, case_id, revision))
            while len(self._showings) > self._most:
                self._showings.popitem(last=False)
        return f"{root_path()}{_FOLDER}/{name}"

    def find(self, name: str) -> tuple[Store, Showing] | None:
        """Return a showing with the store that records it; None where there is none."""
        with self._lock:
            return self._showings.get(name)


SHOWINGS = Showings()


def address_for(session: ReviewSession, detail: CaseDetail, person: Person) -> str:
    """Return the address that takes what happens while a case is shown; the same for every rerun.

    It is empty for nobody: what is not signed is not recorded.
    """
    item = detail.item
    showing = (person.id, item.case_id, item.revision)
    if not person.id:
        return ""
    if state.get("showing", ("", ""))[0] != showing:
        state["showing"] = (showing, SHOWINGS.begin(session.store, *showing))
    return str(state["showing"][1])


def routes() -> Sequence[Route]:
    """Return the route that takes them."""
    return [Route(f"{_FOLDER}/{{name}}", _take, methods=["POST"])]


async def _take(request: Request) -> Response:
    allowed = config.get_option("server.allowedHosts")
    if allowed and request.url.hostname not in allowed:
        return Response(status_code=403)
    found = SHOWINGS.find(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    if int(request.headers.get("content-length") or LONGEST + 1) > LONGEST:
        return Response(status_code=413)
    store, view = found
    try:
        sent = json.loads(await request.body())
        await anyio.to_thread.run_sync(record_view, store, view, sent)
    except (ValueError, ClientDisconnect):  # a window that closes may send a part
        return Response(status_code=400)
    except AssayError as exc:
        return Response(exc.message, status_code=400, media_type="text/plain")
    return Response(status_code=204)
