"""The part of the board that changes with every part: the browser asks for it and draws in place.

Five times a second it fetches a few kilobytes, without a run of the page's script; pictures go by
address, each one once. Nothing is taken off the screen to be drawn anew, and nothing is kept in the
session.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
import streamlit as st

from core.errors import AssayError
from core.records import store as records
from core.records.values import StoredDecision
from core.service.review.review import ReviewSession
from core.types import Reason
from dashboard import present, widgets
from dashboard.enlarge import enlarge_marked
from dashboard.full_size import FullPictures
from dashboard.offered import JSON, OFFERS
from dashboard.overlay import jpeg
from dashboard.pictures import Pictures
from domains.parts.pages import station_choice
from domains.parts.station.board.data import BoardReader, LiveView
from domains.parts.station.records.naming import ANY_DEFECT, defect_names, name_defect
from domains.parts.station.result import LineResult

NAMES_S = 10.0
KEY = "assay_board"
_ANSWER = "assay_board_answer"
_SMALL = 144
_NOTHING = {"full": "", "heat": ""}
_REMEMBERED = 64
_HERE = Path(__file__).parent


class LivePictures:
    """The pictures of the last parts, by address, and where a defect is once that is worked out.

    One map is worked out at a time, of the newest rejected part: at ten parts a second the others
    are past before their turn comes.
    """

    def __init__(self, session: ReviewSession, pictures: Pictures, full: FullPictures) -> None:
        self._session, self._pictures, self._full = session, pictures, full
        self._decisions: OrderedDict[str, StoredDecision] = OrderedDict()
        self._marked: OrderedDict[str, None] = OrderedDict()
        self._names, self._names_at = [ANY_DEFECT], float("-inf")
        self._lock = threading.RLock()

    def decision(self, decision_id: str) -> StoredDecision:
        """Return a decision, read once.

        Raises:
            StoreError: There is none.
        """
        with self._lock:
            if decision_id not in self._decisions:
                self._decisions[decision_id] = records.decision(self._session.store, decision_id)
                while len(self._decisions) > _REMEMBERED:
                    self._decisions.popitem(last=False)
            return self._decisions[decision_id]

    def is_readable(self, decision_id: str) -> bool:
        """Return whether there is a picture to show: bytes that nobody could read are none."""
        findings = self.decision(decision_id).findings
        return all(one.reason is not Reason.UNREADABLE for one in findings)

    def whole(self, decision_id: str) -> str:
        """Return the address of a picture."""
        made = self.decision(decision_id)
        return OFFERS.put(f"{decision_id} whole", lambda: self._pictures.of(made))

    def small(self, decision_id: str) -> str:
        """Return the address of a picture as a thumbnail."""
        made = self.decision(decision_id)
        return OFFERS.put(f"{decision_id} small", lambda: _thumbnail(self._pictures.of(made)))

    def marked(self, decision_id: str) -> str:
        """Return the address of a picture with its marked region; empty while there is none."""
        if decision_id not in self._marked:
            return ""
        made = self.decision(decision_id)
        if not self._pictures.is_explained(made):
            return ""
        return OFFERS.put(f"{decision_id} marked", lambda: _heat(self._pictures, made))

    def enlarged(self, decision_id: str) -> dict[str, str]:
        """Return the addresses of what a picture opens as."""
        made = self.decision(decision_id)
        if not self.marked(decision_id):
            return {"full": self._full.colours_at(made), "heat": ""}
        found = enlarge_marked(made, self._pictures, self._full)
        return {"full": found.full, "heat": found.heat}

    def mark(self, decision_id: str) -> None:
        """Begin to mark a picture, unless another is under way."""
        with self._lock:
            if decision_id in self._marked or not self._is_idle():
                return
            self._pictures.prepare(self.decision(decision_id))
            self._marked[decision_id] = None
            while len(self._marked) > _REMEMBERED:
                self._marked.popitem(last=False)

    def names(self, decision_id: str) -> list[str]:
        """Return the names that a defect can get by one tap, read anew every few seconds."""
        if monotonic() - self._names_at > NAMES_S:
            self._names_at = monotonic()
            try:
                made = self.decision(decision_id) if decision_id else None
                self._names = defect_names(self._session.store, made)
            except AssayError:
                self._names = [ANY_DEFECT]
        return self._names

    def _is_idle(self) -> bool:
        if not self._marked:
            return True
        return self._pictures.is_explained(self.decision(next(reversed(self._marked))))


def mount(reader: BoardReader, pictures: LivePictures) -> None:
    """Draw the live part of the board; the browser keeps it up to date by itself."""
    # Registered in every run of the page: a server knows only the components that it was given.
    component = st.components.v2.component(
        KEY,
        html='<div class="board"></div>',
        css=(_HERE / "board.css").read_text(),
        js=(_HERE / "board.js").read_text(),
    )
    address = OFFERS.put(
        f"board {reader.station}", lambda: json.dumps(message(reader, pictures)).encode(), JSON
    )

    @st.fragment
    def board() -> None:
        component(
            key=KEY,
            data={
                "address": address,
                "can_name": bool(widgets.reviewer()),
                "answer": st.session_state.get(_ANSWER),
            },
            on_named_change=_named(reader),
            on_opened_change=_opened(reader, pictures),
        )

    board()


def message(reader: BoardReader, pictures: LivePictures) -> dict[str, Any]:
    """Return what the browser draws."""
    try:
        view = reader.live()
    except AssayError as exc:
        return {"problem": exc.message}
    tiles = [asdict(one) for one in view.tiles]
    for one in tiles:
        _add_pictures(one, pictures)
    shown = next((one for one in tiles if one["small"]), None)
    _mark_newest(view, pictures)
    return {
        "problem": "",
        "head": asdict(view.headline),
        "shown": shown["number"] if shown else None,
        "tiles": tiles,
        "names": pictures.names(shown["decision"] if shown else ""),
    }


def _add_pictures(tile: dict[str, Any], pictures: LivePictures) -> None:
    made = tile["decision"]
    try:
        made = made if made and pictures.is_readable(made) else ""
        tile["small"] = pictures.small(made) if made else ""
        tile["whole"] = pictures.whole(made) if made else ""
        tile["marked"] = pictures.marked(made) if made else ""
        tile |= pictures.enlarged(made) if made else _NOTHING
    except AssayError:
        tile |= {"small": "", "whole": "", "marked": ""} | _NOTHING


def _mark_newest(view: LiveView, pictures: LivePictures) -> None:
    newest = view.newest
    if newest is None or newest.result is LineResult.PASS or not newest.decisions:
        return
    try:
        pictures.mark(newest.decisions[0])
    except AssayError:
        return


def _named(reader: BoardReader) -> Callable[[], None]:
    """Return what keeps the name that a person gave a defect by one tap.

    What came of it goes to the board with the number of the tap, and stands there until the next:
    a message that goes by itself is easily missed beside a line.
    """

    def keep() -> None:
        asked = st.session_state[KEY].get("named") or {}
        part = reader.part(int(asked.get("number", 0)))
        try:
            if part is None:
                raise AssayError("This part is no longer among the last ones. Nothing was kept.")
            line = name_defect(
                reader.store,
                widgets.session().explainer,
                part,
                str(asked.get("label", ""))[:80],
                by=station_choice.person(),
            )
        except AssayError as exc:
            line = str(exc)
        st.session_state[_ANSWER] = {"tap": asked.get("tap"), "line": line}

    return keep


def _opened(reader: BoardReader, pictures: LivePictures) -> Callable[[], None]:
    """Return what marks the picture that a person has opened."""

    def mark() -> None:
        part = reader.part(int(st.session_state[KEY].get("opened") or 0))
        if part is not None and part.decisions and part.result is not LineResult.PASS:
            try:
                pictures.mark(part.decisions[0])
            except AssayError as exc:
                st.toast(present.escape_markdown(exc.message))

    return mark


def _thumbnail(data: bytes) -> bytes:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise AssayError("The picture cannot be drawn small.")
    height, width = picture.shape[:2]
    scale = _SMALL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return jpeg(np.asarray(small[:, :, ::-1], np.uint8))


def _heat(pictures: Pictures, made: StoredDecision) -> bytes:
    explained = pictures.explained(made)
    if explained is None:
        raise AssayError("The region is not marked yet.")
    return explained.heat
