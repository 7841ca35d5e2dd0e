"""A pack whose jobs last, and how they stand."""

import os
from contextlib import suppress
from pathlib import Path

from core.records import failed_jobs
from tests.core.jobs import running
from tests.core.jobs.running import until

PATIENT = '''
"""Parts, with jobs that last."""

import json
import os
import time
from dataclasses import replace

from core.errors import PermanentFailure
from core.packs import JobKind, MessageOutput
from domains.parts import pack as parts


def count(context):
    note(context)
    total = int(context.job.payload["steps"])
    for done in range(total):
        context.progress(done, total, "Counting", {"half": done / 2})
        time.sleep(0.05)
    return {"counted": total, "lane": context.job.kind}


def deaf(context):
    note(context)
    context.progress(3, 8, "Sleeping")
    time.sleep(600)


def large(context):
    return {"text": "x" * 600_000}


def send(message, settings):
    """Tell the line; the first message is lost on its way once, one is refused."""
    with open(settings.home / "line.txt", "a+") as file:
        file.seek(0)
        is_first = not file.read()
        file.write(f"{message.id} {message.body['seam']}\\n")
    if message.body["seam"] == 2:
        raise PermanentFailure("No such seam.")
    if is_first:
        raise ConnectionError("CANARY^JANE")


def note(context):
    with open(context.settings.home / "pids.txt", "a") as file:
        file.write(f"{context.job.kind} {os.getpid()}\\n")


pack = replace(
    parts,
    name="patient",
    outputs=(MessageOutput("patient.line", "patient_pack:send"),),
    jobs=(
        JobKind("patient.count", "patient_pack:count", max_tries=2, lane="slow"),
        JobKind("patient.quick", "patient_pack:count", lane="quick"),
        JobKind("patient.deaf", "patient_pack:deaf", max_tries=2, lane="slow"),
        JobKind("patient.late", "patient_pack:deaf", deadline_s=0.5, max_tries=1, lane="slow"),
        JobKind("patient.large", "patient_pack:large", lane="quick"),
    ),
)
'''


def ask(store, kind, key="it", **payload):
    return running.ask(store, "patient", kind, key, **payload)


def status(store, job):
    found = failed_jobs.job_status(store, job)
    assert found is not None
    return found


def until_begun(store, job, tries):
    until(lambda: status(store, job).job.tries == tries)


def pid(settings, kind):
    """Return the process that runs a kind; 0 before it has begun."""
    with suppress(FileNotFoundError):
        for line in reversed((settings.home / "pids.txt").read_text().splitlines()):
            name, number = line.split()
            if name == kind:
                return int(number)
    return 0


def is_alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
