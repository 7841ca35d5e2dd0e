"""The node: every door through which radiographs come in, opened and closed together."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.errors import ConfigError
from core.records.connection import Store
from core.settings import Settings
from domains.xray.node.object_comparison import Comparer
from domains.xray.node.peers import Peers
from domains.xray.node.reception import Budget, Limits, Reception

GRACE_S = 5.0

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_STOP = frozenset({signal.SIGTERM, signal.SIGINT})


class Door(Protocol):
    """One way in, bound when it is made."""

    @property
    def said(self) -> str:
        """Where it is, in one line."""

    @property
    def alive(self) -> bool:
        """Whether it still takes objects."""

    def start(self) -> None:
        """Take objects, in threads of its own."""

    def stop(self, grace_s: float) -> None:
        """Take no new ones, and let those under way come to their end."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Which doors to make, and how.

    Attributes:
        host: Address to listen at.
        port: Port for associations, 0 for any; None for no such door.
        stow_port: Port for DICOMweb, 0 for any; None for no such door.
        watch: Folder to take files from; None for no such door.
        token: What callers of DICOMweb must bear.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    stow_port: int | None = None
    watch: Path | None = None
    token: str = ""


def make_doors(
    wanted: Doors,
    peers: Peers,
    store: Store,
    settings: Settings,
    *,
    site: str,
    limits: Limits,
    oldest_days: int | None = None,
) -> list[Door]:
    """Bind every door that is wanted; none takes anything before it is started.

    Args:
        wanted: Which.
        peers: Who may call.
        store: Where objects go.
        settings: Limits of the process in which objects of one name are compared.
        site: Name of the place whose pictures these are; empty for none.
        limits: What senders may ask.
        oldest_days: Age in days at which a study is no new work there; None for the default.

    Raises:
        ConfigError: A port or folder cannot be had, or strangers could send from outside.
    """
    # pynetdicom and uvicorn take half a second to import: only a node pays.
    from domains.xray.node.folder import FolderDoor
    from domains.xray.node.scp import DicomDoor
    from domains.xray.node.stow import WebDesk
    from domains.xray.node.web import WebDoor

    if wanted.host not in _LOOPBACK and not peers.peers:
        raise ConfigError(
            f"At {wanted.host} anybody could send objects: no peers are configured.",
            hint="Name those who may send in peers.toml in the home folder.",
        )
    reception = Reception(store, site, limits, Comparer(settings), oldest_days)
    budget = Budget(limits.total_bytes)
    made: list[Door] = []
    if wanted.watch is not None:
        made.append(FolderDoor(wanted.watch, reception))
    if wanted.port is not None:
        made.append(DicomDoor((wanted.host, wanted.port), peers, reception, budget))
    if wanted.stow_port is not None:
        desk = WebDesk(peers, reception, budget, wanted.token, wanted.host)
        made.append(WebDoor((wanted.host, wanted.stow_port), desk, peers.node.tls))
    if not made:
        raise ConfigError("There is nothing to listen at.", hint="Give a port or a folder.")
    return made


def serve(doors: Sequence[Door], ready: Callable[[], None]) -> bool:
    """Take objects until SIGTERM or SIGINT, then close in good order.

    What was acknowledged is kept by then; a sender of anything else finds its association aborted
    and sends it again.

    Args:
        doors: Bound doors.
        ready: Called once all of them are open.

    Returns:
        Whether the end was asked for; False when a door broke.
    """
    # Waited for, not handled: a handler that touched a lock the main thread holds would hang.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    try:
        for door in doors:
            door.start()
        ready()
        asked = False
        while not asked and all(door.alive for door in doors):
            asked = signal.sigtimedwait(_STOP, 1.0) is not None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for door in doors:
        door.stop(GRACE_S)
    return asked
