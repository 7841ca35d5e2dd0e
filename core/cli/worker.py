"""worker, queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options import Json
from core.cli.output import print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.jobs.worker import ShowCounts
    from core.records.failed_jobs import FailedJob, JobStatus

    Counts = Mapping[tuple[str, str], int]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(worker)
    queue = typer.Typer(help="Show waiting, running and failed jobs; cancel or retry one.")
    queue.callback(invoke_without_command=True)(show)
    queue.command()(cancel)
    app.add_typer(queue, name="queue")


def worker(
    bundles: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[BUNDLE...]",
            help="Bundles for products without a deployment, one for each pack; without any, "
            "deployments alone decide.",
        ),
    ] = None,
    lane: Annotated[
        list[str] | None,
        typer.Option(help="Work in this lane alone (repeatable)."),
    ] = None,
    health_port: Annotated[
        int, typer.Option(help="Answer /healthz and /metrics at this port; 0 for none.")
    ] = 0,
    health_host: Annotated[str, typer.Option(help="At this address.")] = "127.0.0.1",
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
    json: Json = False,
) -> None:
    """Assess received pictures and run the queue's jobs.

    SIGTERM stops it after the batch under way.
    """
    import signal
    from threading import Event, Thread

    from core.jobs.kinds import installed_kinds, lanes_of
    from core.jobs.worker import work
    from core.logs import confined
    from core.service.bundles.deployments import current_policy
    from core.service.bundles.open import open_bundle
    from core.service.health.routes import HealthListener
    from core.service.store import open_store
    from core.settings import Settings

    settings = Settings()
    opened = [open_bundle(path, settings) for path in bundles or ()]
    for one in opened:
        current_policy(one, settings)
    lanes_of(installed_kinds().values(), lane or ())  # raises while stderr still shows why
    stop = Event()
    listener = HealthListener(settings, (health_host, health_port)) if health_port else None
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: the main one may be inside the very lock that the flag needs.
        signal.signal(number, lambda *_: Thread(target=stop.set).start())
    with open_store(settings) as store, confined():
        if listener is not None:
            listener.start()
        work(
            opened,
            store,
            settings,
            stop=stop,
            once=once,
            lanes=lane or (),
            progress=_status(json=json),
        )


def show(
    context: typer.Context,
    retry: Annotated[str, typer.Option(metavar="ID", help="Run this job again at once.")] = "",
    json: Json = False,
) -> None:
    """Show waiting, running and failed jobs.

    A failed job waits until --retry.
    """
    if context.invoked_subcommand is None:
        show_queue(retry, json=json)


def show_queue(retry: str = "", *, json: bool = False) -> None:
    """Print the queue, after opening a job again where one is named.

    Raises:
        StoreError: There is no such job, or the database failed.
    """
    from core.errors import StoreError
    from core.records.failed_jobs import failed_jobs, reopen, running_jobs
    from core.records.outbox import dead_letters
    from core.records.queue import waiting
    from core.service.store import open_store
    from core.settings import Settings

    with open_store(Settings()) as store:
        if retry and not reopen(store, retry):
            raise StoreError(
                f"No job {retry!r} has failed, was given up or waits.",
                hint="`assay queue` lists those that are.",
            )
        counts, running, failed = waiting(store), running_jobs(store), failed_jobs(store)
        letters = {job.job.id: message for message, job in dead_letters(store)}
    if json:
        print_json(
            {
                "jobs": [{"kind": k, "state": s, "count": n} for (k, s), n in counts.items()],
                "running": [_running_line(one) for one in running],
                "failed": [_failed_line(one) for one in failed],
            }
        )
        return
    print_line(_describe_counts(counts))
    for status in running:
        print_line(f"{'running':<12} {status.job.id} {status.job.kind}: {_progress(status)}")
    for one in failed:
        tried = f"{one.job.kind}, {one.job.tries} tries"
        print_line(f"{one.state.value:<12} {one.job.id} {tried}: {one.problem}")
        if one.job.id in letters:
            letter = letters[one.job.id]
            receiver = f" ({letter.receiver})" if letter.receiver else ""
            way = f"to {letter.output}{receiver}, case {letter.subject}"
            print_line(f"{'':<12} message {letter.id} {way}")


def cancel(job: Annotated[str, typer.Argument(metavar="ID", help="A job of the queue.")]) -> None:
    """Cancel a job.

    A waiting job ends at once, a running one within five seconds.
    """
    from core.errors import StoreError
    from core.records.queue import request_cancel
    from core.service.store import open_store
    from core.settings import Settings

    with open_store(Settings()) as store:
        is_cancelled = request_cancel(store, job)
    if not is_cancelled:
        raise StoreError(
            f"No job {job!r} runs or waits.", hint="`assay queue --json` lists those that do."
        )
    print_line(f"{job} is cancelled.")


def _progress(status: JobStatus) -> str:
    if status.is_cancel_requested:
        return "is being cancelled"
    one = status.progress
    return f"{one.sentence}, {one.done} of {one.total or '?'}" if one else "under way"


def _running_line(status: JobStatus) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "id": status.job.id,
        "kind": status.job.kind,
        "pack": status.job.pack,
        "tries": status.job.tries,
        "progress": asdict(status.progress) if status.progress else None,
        "heartbeat_at": status.heartbeat_at,
    }


def _failed_line(one: FailedJob) -> dict[str, str | int]:
    return {
        "id": one.job.id,
        "kind": one.job.kind,
        "pack": one.job.pack,
        "state": one.state.value,
        "tries": one.job.tries,
        "problem": one.problem,
        "not_before": one.not_before.isoformat(),
    }


def _status(*, json: bool) -> ShowCounts:
    """Return a callback that prints the queue's counts whenever they change."""
    last: list[Counts] = []

    def show(counts: Counts) -> None:
        if last == [counts]:
            return
        last[:] = [counts]
        if json:
            print_json({f"{kind} {state}": n for (kind, state), n in counts.items()})
        else:
            print_line(_describe_counts(counts))

    return show


def _describe_counts(counts: Counts) -> str:
    by_state = {
        state: sum(n for (_, one), n in counts.items() if one == state)
        for state in ("waiting", "leased", "done", "failed", "given up", "cancelled")
    }
    shown = {"leased": "under way"}
    return ", ".join(f"{n} {shown.get(state, state)}" for state, n in by_state.items()) + "."
