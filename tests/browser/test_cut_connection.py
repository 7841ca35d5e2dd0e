"""A connection that is cut while the server lives: the page says so and comes back to its case."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from core.records.final_reads import final_reads
from core.records.worklist import next_case
from tests.browser.test_review_page import TITLE, shows

BACK_MS = 60_000


class Wire:
    """What stands between a browser and a server: it can be cut, and made deaf on one side.

    Args:
        port: Where the server is.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: list[socket.socket] = []
        self._open, self._hears, self._speaks = (threading.Event() for _ in range(3))
        for one in (self._open, self._hears, self._speaks):
            one.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow_requests(self) -> None:
        """Let nothing more reach the server."""
        self._hears.clear()

    def swallow_answers(self) -> None:
        """Let nothing more reach the browser."""
        self._speaks.clear()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        self._open.clear()
        for one in self._ends:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._ends.clear()

    def mend(self) -> None:
        """Let everything through again."""
        for one in (self._open, self._hears, self._speaks):
            one.set()

    def close(self) -> None:
        """Cut, and listen no more."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self._open.is_set():
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._port))
                self._ends += [near, far]
                for one, other, passes in ((near, far, self._hears), (far, near, self._speaks)):
                    thread = threading.Thread(target=self._carry, args=(one, other, passes))
                    thread.daemon = True
                    thread.start()

    def _carry(self, one: socket.socket, other: socket.socket, passes: threading.Event) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if passes.is_set():
                    other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
        one.close()  # the other direction closes the other end


@pytest.fixture
def wire(serve) -> Iterator[Wire]:
    """A wire to a server that a reviewer uses."""
    port = urlsplit(serve("Ada")).port
    assert port is not None
    made = Wire(port)
    yield made
    made.close()


def test_a_press_on_a_cut_connection_is_kept_once_or_not_at_all_and_the_page_says_which(
    page, wire, store
):
    torn = next_case(store, "parts")
    first = next_case(store, "parts", after=torn.case_id)
    page.goto(wire.address)
    shows(page, torn)
    page.keyboard.press("j")
    shows(page, first)
    answered = [torn.case_id]
    assert written(store) == answered

    # The press never arrives.
    wire.swallow_requests()
    page.keyboard.press("f")
    page.wait_for_timeout(500)
    wire.cut()
    expect(page.get_by_text("the connection to it is cut")).to_be_visible(timeout=30_000)
    assert written(store) == answered
    wire.mend()
    expect(page.get_by_text("Not kept: ")).to_be_visible(timeout=BACK_MS)
    shows(page, first)

    # The press arrives and its answer does not.
    wire.swallow_answers()
    page.keyboard.press("f")
    page.wait_for_timeout(2000)
    answered.append(first.case_id)
    assert written(store) == answered
    wire.cut()
    expect(page.get_by_text("the connection to it is cut")).to_be_visible(timeout=30_000)
    wire.mend()
    expect(page.locator("#assay-notice")).to_contain_text("Kept: ", timeout=BACK_MS)
    shows(page, first)
    page.keyboard.press("f")  # it stands already: nothing is written twice
    second = next_case(store, "parts")
    shows(page, second)
    page.wait_for_timeout(
        1500
    )  # a browser that asks once more with the old address changes nothing
    shows(page, second)
    assert written(store) == answered

    # A short cut without a press: the same case, and the keys go on working.
    wire.cut()
    page.wait_for_timeout(300)
    wire.mend()
    expect(page.get_by_text("Connected again.")).to_be_visible(timeout=BACK_MS)
    shows(page, second)
    page.keyboard.press("f")
    expect(page.locator(TITLE)).not_to_have_text(second.key, timeout=BACK_MS)
    assert written(store) == [*answered, second.case_id]


def written(store) -> list[str]:
    """Return the cases that were answered, the first first."""
    return [one.case_id for one in final_reads(store, "parts")][::-1]
