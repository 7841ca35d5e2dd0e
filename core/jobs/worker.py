"""worker: what was received is judged, and the jobs of every lane are done, until it is stopped."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from threading import Event as Flag
from time import perf_counter

from core.errors import AssayError, StoreError
from core.jobs.anchor_lane import AnchorLane
from core.jobs.assess import judge
from core.jobs.benches import Benches
from core.jobs.comparisons import Comparisons
from core.jobs.kinds import ASSESS_LANE, NICENESS, installed_kinds, lanes_of
from core.jobs.lanes import Lane
from core.jobs.lease import LEASE_S, BatchHeartbeat
from core.jobs.process import JobProcess
from core.logs import Event, Word
from core.model.bundle.bundle import Bundle
from core.packs import installed
from core.records import queue
from core.records.connection import Store
from core.records.queue import Job
from core.service.anchors import anchor_file
from core.service.bundles.deployments import Deployed, current_policy
from core.service.monitoring.monitor import Monitor
from core.settings import Settings

_REST_S = 10.0

logger = logging.getLogger(__name__)

Turn = Callable[[], bool]
ShowCounts = Callable[[Mapping[tuple[str, str], int]], None]


def _ignore(counts: Mapping[tuple[str, str], int]) -> None:
    del counts


def work(
    bundles: Sequence[Bundle],
    store: Store,
    settings: Settings,
    *,
    stop: Flag,
    idle_s: float = 1.0,
    once: bool = False,
    lanes: Sequence[str] = (),
    progress: ShowCounts = _ignore,
) -> None:
    """Judge what is queued by what is deployed, and do the other jobs of the lanes.

    Each lane goes on beside the others, in a process of its own, so that neither a server that does
    not answer nor a training delays a verdict. Any number of workers may share a store. What is
    deployed or certified meanwhile counts from the next batch, which takes about a second.

    Args:
        bundles: Verified and certified bundles, one a pack at most: they judge the products of
            their packs that have no deployment, and no other pack is judged. Without any, every
            pack is judged by what is deployed.
        store: The store.
        settings: Where things run.
        stop: Ends the work once set: after the batch under way, and after at most ten seconds for
            any other job.
        idle_s: Seconds between two looks at an empty queue.
        once: Return when nothing is left that could be done now.
        lanes: The lanes to work in; all where it is empty.
        progress: Called now and then with how many jobs of each kind and state there are.

    Raises:
        BundleError: At the start, a bundle has no policy or is not the one certified.
        ConfigError: Two bundles are for the same pack, another one is deployed for it, two packs
            declare one kind of job, or there is no such lane.
        AssayError: With ``once``, judging as such or the database failed; otherwise both are tried
            again after a while.
    """
    lanes_with_kinds = lanes_of(installed_kinds().values(), lanes)
    worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    with ExitStack() as stack:
        turns: list[Turn] = []
        if ASSESS_LANE in lanes_with_kinds:
            for benches, pack in _open_benches(bundles, store, settings):
                turns.append(partial(_judge, stack.enter_context(benches), pack, worker))
            turns.append(Monitor(store, settings).turn)
            turns.append(Comparisons(store, settings).turn)
        for name, kinds in lanes_with_kinds.items():
            if name != ASSESS_LANE:
                process = stack.enter_context(JobProcess(settings, NICENESS.get(name, 0)))
                by_name = {kind.name: kind for kind in kinds}
                turns.append(Lane(by_name, process, store, worker, stop).turn)
        if (file := anchor_file(settings)) is not None:
            anchors = AnchorLane(store, file)
            turns.append(anchors.turn)
            stack.callback(anchors.note)
        logger.info(Event(Word.STARTED, {"count": len(bundles), "pid": os.getpid()}))
        if once:
            while not stop.is_set() and sum(turn() for turn in turns):
                progress(queue.waiting(store))
        else:
            _side_by_side(turns, stop, idle_s, lambda: progress(queue.waiting(store)))
        progress(queue.waiting(store))
        logger.info(Event(Word.STOPPED))


def _open_benches(
    bundles: Sequence[Bundle], store: Store, settings: Settings
) -> list[tuple[Benches, str]]:
    """Return benches for every pack: each is judged on a thread of its own."""
    for bundle in bundles:
        current_policy(bundle, settings)
    deployed = Deployed(store, settings, bundles)
    packs = [bundle.pack.name for bundle in bundles] or sorted(installed())
    return [(Benches(deployed), pack) for pack in packs]


def _judge(benches: Benches, pack: str, worker: str) -> bool:
    products = benches.deployed.products(pack)
    if products is not None and not products:
        return False
    store = benches.deployed.store
    claimed = queue.claim(
        store,
        [queue.ASSESS],
        worker=worker,
        lease_s=LEASE_S,
        limit=benches.most_of(pack),
        packs=[pack],
        products=products,
    )
    if claimed:
        began = perf_counter()
        with BatchHeartbeat(store, claimed) as heartbeat:
            _judge_by_product(benches, pack, claimed, heartbeat.cancelled)
        benches.note_time(pack, len(claimed), began)
    return bool(claimed)


def _judge_by_product(
    benches: Benches, pack: str, claimed: Sequence[Job], cancelled: Set[str]
) -> None:
    """Judge claimed jobs, those of each product by what is deployed for it.

    Raises:
        AssayError: No product could be judged; else it is logged for those that could not.
    """
    by_product: dict[str, list[Job]] = {}
    for job in claimed:
        by_product.setdefault(job.product, []).append(job)
    failed: list[AssayError] = []
    for jobs in by_product.values():
        try:
            bench = benches.bench_of(pack, jobs[0].product)
        except AssayError as exc:
            queue.release(benches.deployed.store, jobs, wait_s=_REST_S)
            logger.error(Event(Word.NOT_JUDGING, {"error": type(exc).__name__, "wait_s": _REST_S}))
            failed.append(exc)
        else:
            judge(bench, jobs, cancelled)
    if len(failed) == len(by_product):
        raise failed[0]


def _side_by_side(
    turns: Sequence[Turn], stop: Flag, idle_s: float, show: Callable[[], None]
) -> None:
    """Take turns of every kind, each on a thread of its own; if one ends, all do."""
    with ThreadPoolExecutor(len(turns)) as threads:
        loops = [threads.submit(_repeat, turn, stop, idle_s) for turn in turns]
        try:
            while not stop.wait(idle_s):
                with suppress(StoreError):
                    show()
        finally:
            stop.set()
    for loop in loops:
        loop.result()


def _repeat(turn: Turn, stop: Flag, idle_s: float) -> None:
    try:
        while not stop.is_set():
            try:
                wait_s = 0.0 if turn() else idle_s
            except (AssayError, OSError) as exc:
                # The store, a disk or a policy may be back in a while; the jobs are kept.
                word = Word.STORE_FAILED if isinstance(exc, StoreError) else Word.NOT_JUDGING
                wait_s = _REST_S
                logger.error(Event(word, {"error": type(exc).__name__, "wait_s": wait_s}))
            stop.wait(wait_s)
    finally:
        stop.set()
