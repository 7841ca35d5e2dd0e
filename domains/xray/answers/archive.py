"""The job ``xray.send``: one version of an answer to one receiver.

What the receiver keeps is noted in the job and not sent again. What it may keep another time is
tried again, for ever, as the same object, byte for byte; a kind of object that it does not take at
all holds nothing else up and puts the job aside for a person.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from io import BytesIO
from time import monotonic

from core.errors import ConfigError, PermanentFailure
from core.jobs.context import JobContext
from core.logs import Event, Word
from core.records import blobs, queue
from core.records.connection import Store
from domains.xray.answers.delivery import (
    OutOfReach,
    StoreResult,
    delivery_error,
    store_by_dimse,
    store_by_stow,
)
from domains.xray.answers.outbox import version_of
from domains.xray.node.peers import Node, Peer, peers_at

REST_S = 30.0
_KEPT = "kept"

logger = logging.getLogger(__name__)

# Until when a receiver that could not be reached is left alone: a thousand results that wait for it
# must not take the time, a connection timeout each, in which others could have theirs.
_resting: dict[str, float] = {}


def send(context: JobContext) -> None:
    """Deliver one version of an answer.

    Args:
        context: The payload of its job names the peer and the version.

    Raises:
        AssayError: The receiver cannot be reached or does not keep an object.
        PermanentFailure: It takes no objects of a kind that it is to get.
        ConfigError: The peers cannot be read, or name that receiver no more.
        StoreError: A file is missing or altered.
    """
    job, store = context.job, context.store
    peers = peers_at(context.settings.home)
    name = job.payload["peer"]
    peer = next((one for one in peers.receivers() if one.name == name), None)
    if peer is None:
        raise ConfigError(
            f"Results wait for the peer {name}, which is not among those that get results.",
            hint="Enter it again among the peers, with send_results_to = true.",
        )
    if monotonic() < _resting.get(name, 0.0):
        raise delivery_error(peer, "it was out of reach a moment ago")
    kept = job.payload.get(_KEPT, "").split()
    missing = [one for one in version_of(job).of_kinds(peer.results) if one not in kept]
    try:
        if missing:
            _deliver(missing, kept, store, peer, peers.node)
    except OutOfReach:
        _resting[name] = monotonic() + REST_S
        raise
    finally:
        queue.note(store, job, {**job.payload, _KEPT: " ".join(kept)})
    logger.info(Event(Word.SENT, {"job": job.id, "peer": name, "count": len(missing)}))


def _deliver(missing: Sequence[str], kept: list[str], store: Store, peer: Peer, node: Node) -> None:
    """Send files, and append those that the peer keeps to ``kept`` as it says so.

    Raises:
        OutOfReach: It does not answer.
        PermanentFailure: It takes no objects of the kind; everything else it has.
        AssayError: It does not keep one of them now.
    """
    from pydicom import dcmread

    # Our own files: untrusted input went through a disposable process before it got in.
    datasets = [dcmread(BytesIO(blobs.get(store.blobs, one))) for one in missing]
    if peer.protocol == "dimse":
        results = store_by_dimse(datasets, peer, node)
    else:
        results = store_by_stow(datasets, peer)
    failed: list[StoreResult] = []
    for sha256, result in zip(missing, results, strict=True):
        if result.problem:
            failed.append(result)
        else:
            kept.append(sha256)
    # Those that it may take another time are tried again, and with them those that it will not.
    passing = [one for one in failed if not one.is_permanent]
    if passing:
        raise delivery_error(peer, passing[0].problem)
    if failed:
        raise PermanentFailure(
            f"The peer {peer.name} does not take all results: {failed[0].problem}. Write what it "
            'takes into peers.toml, such as results = ["capture"], and try the job again.'
        )
