"""What left for each part, noted before it leaves, so that no kill leaves a wrong record.

One thread answers a part and another records it. A process that is killed between the two would
leave a PASS on record that never left, or a FAIL that left and is on no record. So each answer is a
line in a file before an output shows it, and the next start makes the record agree: what left
counts. A line survives the process. It is not flushed to the disk, which the loop must not wait
for; after a power cut the last of them may be missing, and those parts stay as they were recorded.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.records import pack_rows
from core.records.values import now
from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.records.origin import origin_of
from domains.parts.station.records.parts import (
    CHALLENGE_PART,
    NUMBERS_SKIPPED,
    PACK,
    PART,
    PartRecorder,
    from_row,
)
from domains.parts.station.result import LineReason, LineResult, LineVerdict

LINES = 10_000
"""So many answers stand in one file; the one before is kept beside it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answers:
    """What is noted of the process before.

    Attributes:
        origin: Of the store that it wrote to.
        boot: Which start of the machine it belonged to.
        first: Number of its first part.
        parts: What left, by the part's number.
    """

    origin: str = ""
    boot: str = ""
    first: int = 0
    parts: dict[int, InspectedPart] = field(default_factory=dict)


class AnswerLog:
    """The notes of one process; belongs to the thread of the loop.

    Args:
        path: The file; a second one beside it holds the answers before.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._before = path, path.with_suffix(".before")
        self._header, self._lines, self._is_failing = b"", 0, False
        self._file = -1

    def read(self) -> Answers:
        """Return what the process before noted; lines that were cut off are left out."""
        answers = Answers()
        for path in (self._before, self.path):
            for line in _lines(path):
                with suppress(ValueError, KeyError, TypeError):
                    answers = _with_line(answers, json.loads(line))
        return answers

    def begin(self, answers: Answers) -> None:
        """Begin anew, for the process whose origin, boot and first number these are.

        Raises:
            OSError: The file cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._before.unlink(missing_ok=True)
        header = {"origin": answers.origin, "boot": answers.boot, "first": answers.first}
        self._header = json.dumps(header).encode()
        self._open()

    def note(self, part: InspectedPart) -> None:
        """Note what leaves for a part; where that fails the part leaves all the same."""
        try:
            if self._lines >= LINES:
                os.close(self._file)
                self.path.replace(self._before)
                self._open()
            # A line begins with its end: one that a full disk cut off spoils no other.
            os.write(self._file, b"\n" + json.dumps(_body(part)).encode())
            self._lines += 1
            self._is_failing = False
        except OSError as exc:
            if not self._is_failing:
                log.error("what leaves for parts cannot be noted: %s", exc.strerror)
            self._is_failing = True

    def close(self) -> None:
        """Let the file go; it stays for the next process."""
        with suppress(OSError):
            os.close(self._file)
        self._file = -1

    def delete(self) -> None:
        """Delete what is noted: all of it is on record."""
        self.path.unlink(missing_ok=True)
        self._before.unlink(missing_ok=True)

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        self._file, self._lines = os.open(self.path, flags, 0o640), 0
        os.write(self._file, self._header)


def begin_numbers(notes: AnswerLog, recorder: PartRecorder, boot: str) -> int:
    """Return the number of a process's first part, once the record agrees with what left before.

    Args:
        notes: What the process before noted; begun anew.
        recorder: Writes what was wrong, and the start.
        boot: Which start of the machine this is.

    Raises:
        ConfigError: The notes cannot be written.
        StoreError: The database failed.
    """
    before = notes.read()
    is_same_store = before.origin == origin_of(recorder.store)
    if is_same_store:
        reconcile(recorder, before, boot)
    first = recorder.start(max(before.parts, default=0) if is_same_store else 0)
    try:
        notes.begin(Answers(origin_of(recorder.store), boot, first))
    except OSError as exc:
        raise ConfigError(
            f"What leaves for parts cannot be noted in {notes.path}: {exc.strerror}.",
            hint="Check that the home folder is writable and its disk has room.",
        ) from exc
    return first


def reconcile(recorder: PartRecorder, answers: Answers, boot: str) -> list[InspectedPart]:
    """Return the parts whose record had to be made to agree with what left, the lowest first.

    A FAIL or STOP that left is recorded where nothing or a PASS is. A PASS that is on record but
    never left is FAIL INTERRUPTED: nobody let that part pass.

    Args:
        recorder: Writes them; the numbers are those of its station.
        answers: What left.
        boot: Which start of the machine this is; after another one the notes may lack the last.

    Raises:
        StoreError: The database failed.
    """
    low = min(answers.parts, default=answers.first)
    found = {part.trigger.number: part for part in _recorded_since(recorder, low)}
    wrong = [
        _as_it_left(found.get(number), left)
        for number, left in answers.parts.items()
        if _differs(found.get(number), left)
    ]
    if boot == answers.boot:
        wrong += [_interrupted(part) for part in found.values() if _never_left(part, answers)]
    wrong.sort(key=lambda part: part.trigger.number)
    for part in wrong:
        recorder.add(part)
        log.warning("part %d is on record as what left: %s", part.trigger.number, part.result)
    return wrong


def _recorded_since(recorder: PartRecorder, low: int) -> Iterator[InspectedPart]:
    for kind in (PART, CHALLENGE_PART):
        rows = pack_rows.rows_of(recorder.store, PACK, kind, recorder.station, after=low - 1)
        yield from map(from_row, rows)


def _differs(recorded: InspectedPart | None, left: InspectedPart) -> bool:
    if recorded is None:
        return not left.is_recorded
    return recorded.result is LineResult.PASS is not left.result


def _as_it_left(recorded: InspectedPart | None, left: InspectedPart) -> InspectedPart:
    if recorded is None:
        return left
    trigger = replace(recorded.trigger, at=left.trigger.at)
    return replace(
        recorded,
        trigger=trigger,
        verdict=left.verdict,
        recorded_at=left.recorded_at,
        elapsed_us=left.elapsed_us,
    )


def _never_left(part: InspectedPart, answers: Answers) -> bool:
    """Return whether a PASS is on record of which no output heard.

    Only the last parts can be such, and only they are in the notes for sure.
    """
    number = part.trigger.number
    since = max(answers.first, max(answers.parts, default=0) - NUMBERS_SKIPPED)
    return part.result is LineResult.PASS and number >= since and number not in answers.parts


def _interrupted(part: InspectedPart) -> InspectedPart:
    return replace(part, verdict=LineVerdict.because(LineReason.INTERRUPTED), recorded_at=now())


def _body(part: InspectedPart) -> dict[str, Any]:
    trigger = part.trigger
    body: dict[str, Any] = {
        "number": trigger.number,
        "reasons": [reason.name for reason in part.reasons],
        "at": trigger.at,
        "recorded_at": part.recorded_at.isoformat(),
        "elapsed_us": part.elapsed_us,
        "is_recorded": part.is_recorded,
    }
    if part.is_recorded:
        return body
    return body | {
        "part_seq": trigger.part_seq,
        "recipe": trigger.recipe,
        "challenge": trigger.challenge,
        "part_id": part.part_id,
        "product": part.product,
        "detail": part.detail,
    }


def _part_of(body: dict[str, Any]) -> InspectedPart:
    reasons = [LineReason[name] for name in body["reasons"]]
    trigger = Trigger(
        body["number"],
        body["at"],
        part_seq=body.get("part_seq", 0),
        recipe=body.get("recipe", 0),
        challenge=body.get("challenge", ""),
    )
    return InspectedPart(
        trigger,
        LineVerdict.because(*reasons) if reasons else LineVerdict(LineResult.PASS, ()),
        part_id=body.get("part_id", ""),
        product=body.get("product", ""),
        decisions=(),
        score=None,
        bundle_sha256="",
        policy="",
        recorded_at=datetime.fromisoformat(body["recorded_at"]),
        elapsed_us=body["elapsed_us"],
        detail=body.get("detail", ""),
        is_recorded=body["is_recorded"],
    )


def _with_line(answers: Answers, body: dict[str, Any]) -> Answers:
    if "origin" not in body:
        part = _part_of(body)
        answers.parts[part.trigger.number] = part
        return answers
    is_same = (body["origin"], body["boot"]) == (answers.origin, answers.boot)
    kept = answers.parts if is_same else {}
    return Answers(body["origin"], body["boot"], body["first"], kept)


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError:
        return []
