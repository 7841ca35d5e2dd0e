"""The output ``xray.archive``: an answer's objects, by the protocol of the peer that gets them.

What a peer may keep another time is sent again, for ever, as the same object, byte for byte; a kind
of object that it does not take at all holds nothing else up.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from core.errors import ConfigError
from core.records.outbox import Message, Part
from core.service.delivery.results import NOT_WANTED, PartResult
from core.settings import Settings
from domains.xray.answers.delivery import store_by_dimse, store_by_stow
from domains.xray.node.peers import peers_at


def send(message: Message, settings: Settings) -> Iterator[tuple[Part, PartResult]]:
    """Yield the objects that a peer does not have yet, as it takes them.

    Args:
        message: Its receiver is the name of the peer.
        settings: Their home folder holds the peers.

    Yields:
        Each of the objects with what became of it, as the peer answers.

    Raises:
        Unreachable: The peer does not answer.
        ConfigError: The peers cannot be read, or name that receiver no more.
        StoreError: A file is missing or altered.
    """
    from pydicom import dcmread

    peers = peers_at(settings.home)
    peer = next((one for one in peers.receivers() if one.name == message.receiver), None)
    if peer is None:
        raise ConfigError(
            f"Results wait for the peer {message.receiver}, which is not among those that get "
            "results.",
            hint="Enter it again among the peers, with send_results_to = true.",
        )
    wanted = [part for part in message.missing if part.kind in peer.results]
    yield from ((part, NOT_WANTED) for part in message.missing if part not in wanted)
    if not wanted:
        return
    # Our own files: untrusted input went through a disposable process before it got in.
    datasets = [dcmread(BytesIO(message.read(part))) for part in wanted]
    if peer.protocol == "dimse":
        results = store_by_dimse(datasets, peer, peers.node)
    else:
        results = store_by_stow(datasets, peer)
    yield from zip(wanted, results, strict=True)
