"""deliver: one message of the outbox to its receiver."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import cast

from core.errors import AssayError, PermanentFailure
from core.logs import Event, Word
from core.packs import MessageOutput, import_path, output_named
from core.records.connection import Store
from core.records.job import Job
from core.records.outbox import Message, Part, mark_taken, message
from core.service.delivery.alarm_messages import OUTPUTS
from core.service.delivery.results import PartResult, Unreachable
from core.settings import Settings

REST_S = 30.0

Send = Callable[[Message, Settings], Iterable[tuple[Part, PartResult]] | None]

logger = logging.getLogger(__name__)

# Until when a receiver that could not be reached is left alone: a thousand messages that wait for
# it must not take the time, a connection timeout each, in which others could have theirs.
_resting: dict[tuple[str, str], float] = {}


def deliver(job: Job, store: Store, settings: Settings) -> Message:
    """Return a message once its receiver has all that it is to get.

    Args:
        job: The claimed job; its key is the id of the message.
        store: The store.
        settings: Handed to the output.

    Raises:
        Unreachable: The receiver does not answer, or did not a moment ago.
        PermanentFailure: The receiver refuses it, and would again, or it was tried as often as the
            output allows.
        ConfigError: No installed pack has that output, or it does not import.
        StoreError: There is no such message, or the database failed.
        Exception: Whatever the output's function raises: it is sent again later.
    """
    one = message(store, job.key)
    output = OUTPUTS.get(one.output) or output_named(one.output)
    limit = output.max_tries
    if limit is not None and job.tries > limit:
        raise PermanentFailure(f"No worker survived sending it, in {limit} tries.")
    try:
        count = _send_unless_resting(one, output, store, settings)
    except PermanentFailure:
        raise
    except Exception as exc:
        if limit is None or job.tries < limit:
            raise
        # A message of a library may hold a patient's name: only the type leaves.
        problem = exc.message if isinstance(exc, AssayError) else type(exc).__name__
        raise PermanentFailure(f"Given up after {limit} tries: {problem}") from exc
    fields: dict[str, float | str] = {"job": job.id, "output": output.name, "count": count}
    logger.info(Event(Word.SENT, fields | ({"peer": one.receiver} if one.receiver else {})))
    return one


def _send_unless_resting(
    one: Message, output: MessageOutput, store: Store, settings: Settings
) -> int:
    place = (output.name, one.receiver)
    if monotonic() < _resting.get(place, 0.0):
        raise Unreachable(
            f"{_name_receiver(one)} was out of reach a moment ago.",
            hint="It is tried again by itself.",
        )
    try:
        return _send(one, output, store, settings)
    except Unreachable:
        _resting[place] = monotonic() + REST_S
        raise


def _send(one: Message, output: MessageOutput, store: Store, settings: Settings) -> int:
    """Return how much of what was missing the receiver took; keep it as it says so.

    Raises:
        PermanentFailure: The receiver refuses a part for good; everything else it has.
        AssayError: The receiver does not have one of the parts now.
    """
    results = cast("Send", import_path(output.send))(one, settings)
    if results is None:
        results = [(part, PartResult()) for part in one.missing]
    unanswered, failed, count = set(one.missing), [], 0
    for part, result in results:
        unanswered.discard(part)
        if result.problem:
            failed.append(result)
        elif result.is_wanted:
            mark_taken(store, one.id, part)
            count += 1
    if unanswered:
        failed.append(PartResult(f"no result came for {len(unanswered)} of its parts"))
    if failed:
        # What may be taken another time is sent again, and with it what will be refused again.
        raise _error(one, output, min(failed, key=lambda result: result.is_permanent))
    return count


def _error(one: Message, output: MessageOutput, result: PartResult) -> AssayError:
    if result.is_permanent:
        problem = f"{_name_receiver(one)} does not take all of a message: {result.problem}."
        return PermanentFailure(f"{problem} {output.way_out}".rstrip())
    return AssayError(
        f"{_name_receiver(one)} does not have all of a message yet: {result.problem}.",
        hint="It is kept and sent again by itself.",
    )


def _name_receiver(one: Message) -> str:
    return f"The receiver {one.receiver}" if one.receiver else f"The output {one.output}"
