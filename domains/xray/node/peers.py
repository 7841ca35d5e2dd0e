"""Who may send objects here and who gets results: ``peers.toml``, checked as a whole.

    [node]
    ae_title = "ASSAY"
    hosts = ["assay.hospital.example"]
    tls = { certificate = "node.pem", key = "node.key", ca = "hospital.pem" }

    [[peers]]
    name = "PACS"
    ae_title = "ORTHANC"
    host = "10.1.2.3"
    port = 104
    may_send = true
    send_results_to = true

    [[peers]]
    name = "ARCHIVE"
    protocol = "stow"
    url = "https://archive.example/dicom-web"
    token_env = "ARCHIVE_TOKEN"
    send_results_to = true
    results = ["capture"]

Paths are relative to the file. A token is never written into it: ``token_env`` names the
environment variable that holds it.
"""

from __future__ import annotations

import os
import re
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    model_validator,
)

from core.errors import ConfigError
from core.service.intake.tls import Tls, TomlTable

_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def _ae_title(text: str) -> str:
    title = text.strip(" ")
    # PS3.5 table 6.2-1: the default repertoire without backslash and control characters.
    if not re.fullmatch(r"[ -\[\]-~]{1,16}", title):
        raise ValueError("an AE title has 1 to 16 printable ASCII characters and no backslash")
    return title


AeTitle = Annotated[str, AfterValidator(_ae_title)]

Kind = Literal["report", "capture"]
KINDS: tuple[Kind, ...] = ("report", "capture")
"""A structured report and pictures with heat maps."""


def _host(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.:_-]{1,253}", text):
        raise ValueError("a host is a name or an address, without scheme, port or brackets")
    return text


Host = Annotated[str, AfterValidator(_host)]


class Node(TomlTable):
    """Ourselves, as others call us.

    Attributes:
        ae_title: By associations.
        hosts: By web requests, besides the address that is bound and those of this machine alone.
        tls: Our certificate, and who must have signed the callers'.
    """

    ae_title: AeTitle = "ASSAY"
    hosts: tuple[Host, ...] = ()
    tls: Tls | None = None


class Peer(TomlTable):
    """One system that we talk with.

    Attributes:
        name: What it is called in logs and in the store: at most 16 capitals, digits, - and _.
        protocol: ``dimse`` (C-STORE) or ``stow`` (DICOMweb).
        ae_title: Its AE title.
        host: Its address or name; objects are taken from there only.
        port: Where it takes results by C-STORE.
        url: Root of its DICOMweb service, without ``/studies``.
        token_env: Environment variable that holds the bearer token for it.
        may_send: Whether objects are taken from it.
        send_results_to: Whether results are sent to it.
        results: Which kinds of results it gets: not every archive takes reports.
        tls: For calling it; with none, DIMSE goes in the clear.
    """

    name: str = Field(pattern=r"^[A-Z0-9_-]{1,16}$")
    protocol: Literal["dimse", "stow"] = "dimse"
    ae_title: AeTitle | None = None
    host: str = ""
    port: int = Field(default=0, ge=0, le=65535)
    url: str = ""
    token_env: str = ""
    may_send: bool = False
    send_results_to: bool = False
    results: tuple[Kind, ...] = Field(default=KINDS, min_length=1)
    tls: Tls | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        dimse = self.protocol == "dimse"
        if dimse and (self.ae_title is None or not self.host):
            raise ValueError("a dimse peer needs ae_title and host")
        if dimse and self.send_results_to and not self.port:
            raise ValueError("results go to a port: give port")
        if not dimse and self.may_send and not self.host:
            raise ValueError("a stow peer that may send needs host")
        parts = urlsplit(self.url)
        if not dimse and self.send_results_to and (parts.scheme, bool(parts.netloc)) not in _WEB:
            raise ValueError('results go to a url such as "https://host/dicom-web"')
        return self

    @property
    def token(self) -> str:
        """Read the bearer token from the environment; empty when none is needed.

        Raises:
            ConfigError: The variable is not set.
        """
        if not self.token_env:
            return ""
        if not (found := os.environ.get(self.token_env, "")):
            raise ConfigError(
                f"The token for peer {self.name} is expected in ${self.token_env}, which is empty.",
                hint="Set the variable in the environment of the process.",
            )
        return found

    def addresses(self) -> frozenset[str]:
        """Return the host's addresses; asked anew each time, for names move.

        An empty set when the name cannot be resolved: nobody is let in on its behalf.
        """
        try:
            found = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
        except OSError:
            return frozenset()
        return frozenset(str(entry[4][0]) for entry in found)


_WEB = {("http", True), ("https", True)}


class Peers(TomlTable):
    """The whole file. Without one, objects are taken from this machine alone, whoever calls."""

    node: Node = Node()
    peers: tuple[Peer, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [peer.name for peer in self.peers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"every peer has a name of its own, twice: {', '.join(twice)}")
        return self

    def called(self, ae_title: str) -> Peers:
        """Return the same peers, who call us by another AE title.

        Raises:
            ConfigError: It is no AE title.
        """
        try:
            title = Node(ae_title=ae_title).ae_title
        except ValidationError as exc:
            raise ConfigError(
                f"{ae_title!r} is no AE title.", hint="Give 1 to 16 printable ASCII characters."
            ) from exc
        return self.model_copy(update={"node": self.node.model_copy(update={"ae_title": title})})

    def named(self, name: str) -> Peer:
        """Return a peer by our name for it.

        Raises:
            ConfigError: Nobody is called that.
        """
        for peer in self.peers:
            if peer.name == name:
                return peer
        known = ", ".join(peer.name for peer in self.peers) or "none"
        raise ConfigError(
            f"No peer is called {name!r}; known peers: {known}.",
            hint="Peers are named in peers.toml in the home folder.",
        )

    def receivers(self) -> tuple[Peer, ...]:
        """Return who gets results."""
        return tuple(peer for peer in self.peers if peer.send_results_to)

    def knows(self, address: str, protocol: Literal["dimse", "stow"]) -> bool:
        """Return whether anybody may send from an address."""
        if not self.peers:
            return address in _LOOPBACK
        senders = (peer for peer in self.peers if peer.may_send and peer.protocol == protocol)
        return any(address in peer.addresses() for peer in senders)

    def sender(self, address: str, ae_title: str | None = None) -> Peer | None:
        """Return who is calling; None when nobody known may send from there.

        Args:
            address: Numeric address of the connection.
            ae_title: Calling AE title of an association; None for DICOMweb.
        """
        protocol: Literal["dimse", "stow"] = "stow" if ae_title is None else "dimse"
        for peer in self.peers:
            named = peer.protocol == protocol and ae_title in (None, peer.ae_title)
            if peer.may_send and named and address in peer.addresses():
                return peer
        if not self.peers and address in _LOOPBACK:
            return Peer(
                name="LOCAL", protocol=protocol, ae_title=ae_title, host=address, may_send=True
            )
        return None


def load_peers(path: Path) -> Peers:
    """Return the peers of a file.

    Raises:
        ConfigError: It cannot be read, or something in it is wrong; all errors are named.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigError(
            f"The peers cannot be read from {path}: {exc}.",
            hint="Give a TOML file; domains/xray/README.md shows one.",
        ) from exc
    try:
        return Peers.model_validate(tables, context={"folder": path.parent})
    except ValidationError as exc:
        errors = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'file'}: {error['msg']}"
            for error in exc.errors()
        )
        raise ConfigError(f"{path} does not say who the peers are: {errors}.") from exc


def peers_at(home: Path) -> Peers:
    """Return the peers of ``peers.toml`` in the home folder, shared by node and workers.

    Raises:
        ConfigError: As in `load_peers`.
    """
    path = home / "peers.toml"
    return load_peers(path) if path.is_file() else Peers()
