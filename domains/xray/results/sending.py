"""The job ``xray.send``: one version of an answer to one receiver.

Whatever goes wrong raises, and the worker tries again, for ever. All files of a version go again
then: a resend is the same object, byte for byte.
"""

from __future__ import annotations

import logging
from io import BytesIO
from time import monotonic

from core.errors import ConfigError
from core.logs import Event, Word
from core.records import blobs
from core.records.connection import Store
from core.records.jobs import Job
from core.settings import Settings
from domains.xray.node.peers import Node, Peer, peers_at
from domains.xray.results.delivery import OutOfReach, store_by_dimse, store_by_stow, undelivered
from domains.xray.results.outbox import version_of

REST_S = 30.0

logger = logging.getLogger(__name__)

# Until when a receiver that could not be reached is left alone: a thousand results that wait for it
# must not take the time, a connection timeout each, in which others could have theirs.
_resting: dict[str, float] = {}


def send(job: Job, store: Store, settings: Settings) -> None:
    """Deliver one version of an answer.

    Args:
        job: Its payload names the peer and the version.
        store: The store.
        settings: Where things run.

    Raises:
        AssayError: The receiver cannot be reached or does not keep an object.
        ConfigError: The peers cannot be read, or name that receiver no more.
        StoreError: A file is missing or altered.
    """
    peers = peers_at(settings.home)
    name = job.payload["peer"]
    peer = next((one for one in peers.receivers() if one.name == name), None)
    if peer is None:
        raise ConfigError(
            f"Results wait for the peer {name}, which is not among those that get results.",
            hint="Enter it again among the peers, with send_results_to = true.",
        )
    if monotonic() < _resting.get(name, 0.0):
        raise undelivered(peer, "it was out of reach a moment ago")
    files = [blobs.get(store.blobs, sha256) for sha256 in version_of(job).files]
    try:
        _deliver(files, peer, peers.node)
    except OutOfReach:
        _resting[name] = monotonic() + REST_S
        raise
    logger.info(Event(Word.SENT, {"job": job.id, "peer": name, "count": len(files)}))


def _deliver(files: list[bytes], peer: Peer, node: Node) -> None:
    from pydicom import dcmread

    # Our own files: what a stranger wrote went through a disposable process before it got in.
    datasets = [dcmread(BytesIO(content)) for content in files]
    if peer.protocol == "dimse":
        store_by_dimse(datasets, peer, node)
    else:
        store_by_stow(datasets, peer)
