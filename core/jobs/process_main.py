"""The process in which a worker runs the packs' functions: ``python -m core.jobs.process_main``.

They read strangers' files and talk to strangers' servers. Here they may hang, leak or crash; the
worker (`core.jobs.process`) ends this process and starts the next.

It reads lines of JSON, the settings and then one job each, and answers one line a job.
"""

from __future__ import annotations

import json
from contextlib import suppress

from core.child_process import end_after, take_channel
from core.errors import AssayError, ConfigError, PermanentFailure
from core.logs import confine
from core.packs import handlers
from core.records.connection import Store
from core.records.queue import Job
from core.service.store import open_store
from core.settings import Settings

_LONGEST_PROBLEM = 300


def main() -> None:
    """Answer jobs until the worker is gone."""
    channel = take_channel()
    confine()
    orders = channel.lines()
    first = json.loads(next(orders))
    settings = Settings.model_validate(first["settings"])
    with suppress(ConfigError):  # importing takes seconds; should it fail, each job says so
        handlers()
    store = None
    channel.send(b"ready\n")
    for line in orders:
        # Should nobody be left to watch the time, the kernel does.
        end_after(2 * first["deadline_s"])
        store, said = _answer(Job(**json.loads(line)), store, settings)
        end_after(0)
        channel.send(json.dumps(said).encode() + b"\n")


def _answer(
    job: Job, store: Store | None, settings: Settings
) -> tuple[Store | None, dict[str, str | bool]]:
    """Do one job, whatever that does: the border behind which a pack's function may raise."""
    try:
        store = store or open_store(settings)
        handlers()[job.kind](job, store, settings)
    except AssayError as exc:
        return store, {
            "error": type(exc).__name__,
            "problem": exc.message[:_LONGEST_PROBLEM],
            "is_permanent": isinstance(exc, PermanentFailure),
        }
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:
        # A stranger's words may hold a patient's name: only the type leaves.
        return store, {"error": type(exc).__name__, "problem": type(exc).__name__}
    return store, {"error": "", "problem": ""}


if __name__ == "__main__":
    main()
