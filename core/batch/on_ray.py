"""Parts of a batch judged on a Ray cluster, or on one of its own on this machine."""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from time import monotonic
from types import ModuleType
from typing import Any, cast

from core.batch.judge import BatchWork, PartJudge
from core.batch.output import Summary
from core.batch.spec import BatchSpec
from core.errors import AssayError, ConfigError

logger = logging.getLogger(__name__)

_OBJECT_STORE = 128 * 1024 * 1024  # part numbers and counts pass through it, never a picture
_ENDS_S = 60.0
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it calls its makers otherwise
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # what still runs once Ray is shut down would start it again
    "OMP_NUM_THREADS": "1",
}
_ALONE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # where it is 0, Ray keeps to loopback on any system


def judge_on_ray(work: BatchWork, count: int) -> Iterator[Summary]:
    """Yield summaries of parts that actors judge, one Assessor an actor.

    A part is a row of its own block, so that Ray gives it to whichever actor is free, and to
    another when that one dies or its machine does. What passes through Ray's object store are the
    numbers of parts and their counts: pictures are read where they are judged.
    """
    ray = import_ray(work.spec.address)
    with _cluster(ray, work.spec) as processors, _thread_awaited():
        try:
            with closing(iter(_dataset(ray, work, count, processors).iter_rows())) as rows:
                for row in rows:
                    if row["problem"]:
                        raise AssayError(row["problem"], hint=row["hint"])
                    yield json.loads(row["summary"])
        except ray.exceptions.RayError as exc:
            raise AssayError(
                f"Ray gave the batch up: {str(exc).strip().splitlines()[-1]}",
                hint="Run it again: what is written stays. --debug shows the trace.",
            ) from exc


@contextmanager
def _thread_awaited() -> Iterator[None]:
    """Yield, and wait for the thread that deals out work before Ray is shut down.

    Ray gives it two seconds. On a busy machine, or where a machine of the cluster died, it takes
    longer; a shutdown under it ends the process, or it connects to whichever cluster there is.
    """
    try:
        yield
    finally:
        until = monotonic() + _ENDS_S
        for thread in threading.enumerate():
            if thread.name.startswith("StreamingExecutor"):
                thread.join(max(0.0, until - monotonic()))


def _dataset(ray: ModuleType, work: BatchWork, count: int, processors: int) -> Any:  # noqa: ANN401
    """Return Ray's dataset of a plan's parts, judged once it is iterated over."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.log_internal_stack_trace_to_stdout = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    most = min(work.spec.workers or processors, count)
    pool = ray.data.ActorPoolStrategy(
        min_size=1,
        max_size=most,
        initial_size=min(most, processors),
        max_tasks_in_flight_per_actor=2,
    )
    return ray.data.range(count, override_num_blocks=count).map(
        _PartWorker, fn_constructor_args=(work,), compute=pool, num_cpus=1
    )


class _PartWorker:
    """What an actor runs: a judge, opened with its first part so that what fails is a row too."""

    def __init__(self, work: BatchWork) -> None:
        self._work = work
        self._judge: PartJudge | None = None

    def __call__(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return the summary of the part that a row's ``id`` numbers, or why there is none."""
        try:
            self._judge = self._judge or PartJudge(self._work)
            summary = self._judge.judge(int(row["id"]))
        except AssayError as exc:
            return {"summary": "", "problem": exc.message, "hint": exc.hint}
        return {"summary": json.dumps(dict(summary)), "problem": "", "hint": ""}


@contextmanager
def _cluster(ray: ModuleType, spec: BatchSpec) -> Iterator[int]:
    """Yield how many processors there are, connected to a cluster."""
    own = len(os.sched_getaffinity(0))
    here = {
        "address": "local",  # not whichever cluster was started on this machine last
        "num_cpus": max(own, spec.workers),
        "object_store_memory": _OBJECT_STORE,
        "include_dashboard": False,
    }
    # It prints on stdout that a worker died, which loses nothing: it would stand amid --json.
    ray._private.worker.print_to_stdstream = _log
    try:
        with _silenced():
            ray.init(
                **({"address": spec.address} if spec.address else here),
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
    except (ConnectionError, ValueError, RuntimeError) as exc:
        raise ConfigError(
            f"No Ray cluster answers at {spec.address or 'this machine'}: {exc}.",
            hint="`ray start --head` starts one; without --address one is started here.",
        ) from exc
    try:
        yield max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        with suppress(Exception):
            ray.shutdown()


def _log(data: Mapping[str, Any], ignore_prefix: bool) -> None:
    del ignore_prefix
    logger.debug("%s", data["lines"])


@contextmanager
def _silenced() -> Iterator[None]:
    """Yield while native code writes no stderr: Ray reports there which level of logs it took."""
    own, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(own, 2)
        os.close(own)
        os.close(nothing)


def import_ray(address: str = "") -> ModuleType:
    """Return Ray, imported and quiet.

    A cluster of its own stays on this machine: whoever reaches Ray's ports runs what he likes, so
    they are opened on loopback alone and ask for a token.

    Args:
        address: Of the cluster that is meant; one of its own when empty.

    Raises:
        ConfigError: It is not installed.
    """
    own = {_ALONE: "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    for name, value in (_QUIET if address else _QUIET | own).items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as exc:
        raise ConfigError(
            "Ray is not installed.",
            hint="pip install 'assay-inspection[ray]', or --engine threads on this machine alone.",
        ) from exc
    return cast("ModuleType", ray)
