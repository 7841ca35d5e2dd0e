"""worker, queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import say, say_json
from core.cli.train import Json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.jobs.worker import Tell
    from core.records.failed_jobs import Trouble

    Counts = Mapping[tuple[str, str], int]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(worker)
    app.command()(queue)


def worker(
    bundles: Annotated[
        list[Path], typer.Argument(metavar="BUNDLE...", help="Bundles, one a pack at most.")
    ],
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is left to do.")] = False,
    json: Json = False,
) -> None:
    """Judge what was received and do what follows; SIGTERM ends it after the batch under way."""
    import signal
    from threading import Event, Thread

    from core.jobs.worker import current_policy, work
    from core.logs import confined
    from core.service.bundles.open import open_bundle
    from core.service.store import open_store
    from core.settings import Settings

    settings = Settings()
    opened = [open_bundle(path, settings) for path in bundles]
    for one in opened:
        current_policy(one, settings)
    store, stop = open_store(settings), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: the main one may be inside the very lock that the flag needs.
        signal.signal(number, lambda *_: Thread(target=stop.set).start())
    with confined():
        work(opened, store, settings, stop=stop, once=once, progress=_status(json=json))


def queue(
    retry: Annotated[str, typer.Option(metavar="ID", help="Try this job again at once.")] = "",
    json: Json = False,
) -> None:
    """Show what waits, and what went wrong; a quarantined job waits for --retry."""
    from core.errors import StoreError
    from core.records.failed_jobs import reopen, troubles
    from core.records.queue import waiting
    from core.service.store import open_store
    from core.settings import Settings

    store = open_store(Settings())
    if retry and not reopen(store, retry):
        raise StoreError(
            f"No job {retry!r} is quarantined or waits.", hint="`assay queue` lists those that are."
        )
    counts, listed = waiting(store), troubles(store)
    if json:
        say_json(
            {
                "jobs": [{"kind": k, "state": s, "count": n} for (k, s), n in counts.items()],
                "troubles": [_trouble_line(one) for one in listed],
            }
        )
        return
    say(_counted(counts))
    for one in listed:
        tried = f"{one.job.kind}, {one.job.tries} tries"
        say(f"{one.state.value:<12} {one.job.id} {tried}: {one.problem}")


def _trouble_line(one: Trouble) -> dict[str, str | int]:
    return {
        "id": one.job.id,
        "kind": one.job.kind,
        "pack": one.job.pack,
        "state": one.state.value,
        "tries": one.job.tries,
        "problem": one.problem,
        "not_before": one.not_before.isoformat(),
    }


def _status(*, json: bool) -> Tell:
    """Say on stdout how the queue stands, whenever that changed."""
    last: list[Counts] = []

    def show(counts: Counts) -> None:
        if last == [counts]:
            return
        last[:] = [counts]
        if json:
            say_json({f"{kind} {state}": n for (kind, state), n in counts.items()})
        else:
            say(_counted(counts))

    return show


def _counted(counts: Counts) -> str:
    by_state = {
        state: sum(n for (_, one), n in counts.items() if one == state)
        for state in ("waiting", "leased", "done", "quarantined")
    }
    words = {"leased": "under way"}
    return ", ".join(f"{n} {words.get(state, state)}" for state, n in by_state.items()) + "."
