"""worker: what was received is judged, and the jobs of every lane are done, until it is stopped."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from threading import Event as Flag

from core.errors import AssayError, BundleError, ConfigError, StoreError
from core.jobs.assess import Bench, judge
from core.jobs.kinds import ASSESS_LANE, NICENESS, installed_kinds, lanes_of
from core.jobs.lanes import Lane
from core.jobs.lease import LEASE_S, Heartbeat
from core.jobs.process import JobProcess
from core.logs import Event, Word
from core.model.bundle.bundle import Bundle
from core.records import queue
from core.records.connection import Store
from core.service.assessment.assessor import Assessor
from core.service.bundles.archive import keep
from core.service.bundles.open import policy_of
from core.settings import Settings
from core.types import Policy

BATCH = 32

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
    """Judge what is queued for the bundles' packs, and do the other jobs of the lanes.

    Each lane goes on beside the others, in a process of its own, so that neither a server that does
    not answer nor a training delays a verdict. Any number of workers may share a store. A policy
    that is certified meanwhile counts from the next batch.

    Args:
        bundles: Verified and certified bundles, one a pack at most.
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
        ConfigError: Two bundles are for the same pack, two packs declare one kind of job, or there
            is no such lane.
        AssayError: With ``once``, judging as such or the database failed; otherwise both are tried
            again after a while.
    """
    _refuse_rivals(bundles)
    lanes_with_kinds = lanes_of(installed_kinds().values(), lanes)
    worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    with ExitStack() as stack:
        turns: list[Turn] = []
        for bundle in bundles if ASSESS_LANE in lanes_with_kinds else ():
            assessor = Assessor(bundle, current_policy(bundle, settings), settings)
            bench = Bench(stack.enter_context(assessor), store)
            turns.append(partial(_judge, bench, worker, settings))
        for name, kinds in lanes_with_kinds.items():
            if name != ASSESS_LANE:
                process = stack.enter_context(JobProcess(settings, NICENESS.get(name, 0)))
                by_name = {kind.name: kind for kind in kinds}
                turns.append(Lane(by_name, process, store, worker, stop).turn)
        logger.info(Event(Word.STARTED, {"count": len(bundles), "pid": os.getpid()}))
        if once:
            while not stop.is_set() and sum(turn() for turn in turns):
                progress(queue.waiting(store))
        else:
            _side_by_side(turns, stop, idle_s, lambda: progress(queue.waiting(store)))
        progress(queue.waiting(store))
        logger.info(Event(Word.STOPPED))


def current_policy(bundle: Bundle, settings: Settings) -> Policy:
    """Read the policy that counts now, and put it on the shelf with its bundle.

    Raises:
        BundleError: There is none, it was altered, or it belongs to another bundle.
    """
    policy = policy_of(bundle)
    if policy.bundle != bundle.label:
        raise BundleError(
            f"The policy {policy.id} was certified on {policy.bundle}, not on {bundle.label}.",
            hint="If the bundle was trained anew, start the worker anew.",
        )
    keep(bundle, policy, settings)
    return policy


def _refuse_rivals(bundles: Sequence[Bundle]) -> None:
    names = [bundle.pack.name for bundle in bundles]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"Expected one bundle a pack, got several for: {', '.join(twice)}.",
            hint="Start one worker a store and pack, with the bundle that is to decide.",
        )


def _judge(bench: Bench, worker: str, settings: Settings) -> bool:
    policy = current_policy(bench.bundle, settings)
    claimed = queue.claim(
        bench.store,
        [queue.ASSESS],
        worker=worker,
        lease_s=LEASE_S,
        limit=BATCH,
        packs=[bench.bundle.pack.name],
    )
    if claimed:
        with Heartbeat(bench.store, claimed):
            judge(bench, claimed, policy)
    return bool(claimed)


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
