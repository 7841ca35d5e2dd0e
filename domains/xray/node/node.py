"""The node: which listeners take radiographs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError
from core.records.connection import Store
from core.service.intake.addressing import LOOPBACK_NAMES
from core.service.intake.limits import Budget, Limits
from core.service.intake.listener import Listener
from core.settings import Settings
from domains.xray.node.object_comparison import Comparer
from domains.xray.node.object_intake import ObjectIntake
from domains.xray.node.peers import Peers


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Which listeners to bind, and where.

    Attributes:
        host: Address to listen at.
        port: Port for associations, 0 for any; None for none.
        stow_port: Port for DICOMweb, 0 for any; None for none.
        watch: Folder to take files from; None for none.
        token: Bearer token that callers of DICOMweb must present; empty for none.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    stow_port: int | None = None
    watch: Path | None = None
    token: str = ""


def bind_listeners(
    options: NodeOptions,
    peers: Peers,
    store: Store,
    settings: Settings,
    *,
    site: str,
    limits: Limits,
    oldest_days: int | None = None,
) -> list[Listener]:
    """Return every listener asked for, bound; none takes anything before it is started.

    Args:
        options: Which.
        peers: Who may call.
        store: Where objects go.
        settings: Limits of the process in which objects of one name are compared.
        site: Name of the place whose pictures these are; empty for none.
        limits: What senders may ask.
        oldest_days: Age in days at which a study is no new work there; None for the default.

    Raises:
        ConfigError: A port or folder cannot be had, or anybody could send from outside.
    """
    # pynetdicom and uvicorn take half a second to import: only a node pays.
    from core.service.intake.http import HttpListener
    from core.service.intake.watched_folder import WatchedFolder
    from domains.xray.node.scp import DicomListener
    from domains.xray.node.stow import StowService

    if options.host not in LOOPBACK_NAMES and not peers.peers:
        raise ConfigError(
            f"At {options.host} anybody could send objects: no peers are configured.",
            hint="Name those who may send in peers.toml in the home folder.",
        )
    intake = ObjectIntake(store, site, limits, Comparer(settings), oldest_days)
    budget = Budget(limits.total_bytes)
    listeners: list[Listener] = []
    if options.watch is not None:
        listeners.append(
            WatchedFolder(options.watch, intake.take_file, max_bytes=limits.object_bytes)
        )
    if options.port is not None:
        listeners.append(DicomListener((options.host, options.port), peers, intake, budget))
    if options.stow_port is not None:
        stow = StowService(peers, intake, budget, options.token, options.host)
        address = (options.host, options.stow_port)
        listeners.append(HttpListener(address, stow.service(), limits, peers.node.tls))
    if not listeners:
        raise ConfigError("There is nothing to listen at.", hint="Give a port or a folder.")
    return listeners
