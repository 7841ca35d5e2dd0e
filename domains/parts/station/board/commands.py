"""What persons tell a station from its board: rows in the store that the station asks for.

The board runs in another process, often in another room. So a command is a record, with who gave it
and in which role; it holds for five seconds, and one that was given while the station was not there
is never carried out. The station's answer is a record under the same number.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Thread
from time import monotonic

from core.errors import AssayError, ConfigError, StoreError
from core.records import pack_rows
from core.records.connection import Store, writing
from core.records.pack_rows import PackRow
from core.records.values import now
from domains.parts.station.challenge.interlock import record_release
from domains.parts.station.ports import Command, Post
from domains.parts.station.records.parts import PACK
from domains.parts.station.user import StationRole, StationUser

COMMAND = "command"
ANSWER = "command answer"
VALID = timedelta(seconds=5)
POLL_S = 0.2
# Both processes read one machine's clock; what is this far ahead was given before it was set.
_AHEAD = timedelta(seconds=1)

log = logging.getLogger(__name__)


class CommandName(StrEnum):
    """What the board can ask for."""

    STOP = "stop"
    ACKNOWLEDGE = "acknowledge"
    RECIPE = "recipe"
    CHALLENGE = "challenge"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class BoardCommand:
    """A command as it is on record.

    Attributes:
        number: Its number among the station's commands.
        name: What is asked for.
        argument: The recipe's number; the reason of a release.
        by: Who; may be without a name for a stop, which waits for nobody's.
        sent_at: When, UTC.
    """

    number: int
    name: CommandName
    argument: str
    by: StationUser
    sent_at: datetime

    @property
    def valid_until(self) -> datetime:
        """When it is carried out no more."""
        return self.sent_at + VALID


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What the station answered."""

    number: int
    is_done: bool
    sentence: str


def objections(command: BoardCommand) -> Iterator[str]:
    """Yield why a command may not be given, whoever is there to carry it out."""
    if command.name is not CommandName.STOP and not command.by.is_named:
        yield "no name is given"
    if command.name is CommandName.RECIPE and not command.argument.isdecimal():
        yield f"a recipe has a number, got {command.argument!r}"
    if command.name is CommandName.RELEASE and not command.by.is_lead:
        yield f"a failed challenge is released by a lead, got the role {command.by.role.value!r}"
    if command.name is CommandName.RELEASE and not command.argument.strip():
        yield "a release needs a reason"


def refusal(command: BoardCommand, at: datetime) -> str:
    """Return why a station does not carry a command out; empty where it does.

    Args:
        command: As it is on record.
        at: When the station reads it, UTC.
    """
    if at > command.valid_until:
        late = (at - command.sent_at).total_seconds()
        return f"The command is {late:.0f} s old and holds for {VALID.total_seconds():.0f} s."
    if command.sent_at - at > _AHEAD:
        return "The command lies in the future: check the clock."
    return "; ".join(objections(command))


def send_command(
    store: Store,
    station: str,
    name: CommandName,
    *,
    argument: str = "",
    by: StationUser,
    at: datetime | None = None,
) -> BoardCommand:
    """Return a command that is on record, for the station to take.

    Args:
        store: The store.
        station: Name of the station.
        name: What is asked for.
        argument: The recipe's number; the reason of a release.
        by: Who asks.
        at: When; now, unless given.

    Raises:
        ConfigError: The person may not, or something is missing; everything is named at once.
        StoreError: The database failed.
    """
    draft = BoardCommand(0, name, argument.strip(), by, at or now())
    if found := list(objections(draft)):
        raise ConfigError(
            f"The command {name.value!r} was not given: {'; '.join(found)}.",
            hint="Complete the entry; nothing was sent to the station.",
        )
    with writing(store) as connection:
        number = pack_rows.last_number(connection, PACK, COMMAND, station) + 1
        body = {
            "argument": draft.argument,
            "role": by.role.value,
            "valid_until": draft.valid_until.isoformat(),
        }
        row = PackRow(
            PACK, COMMAND, station, number, draft.sent_at, by.name, name.value, None, body
        )
        pack_rows.add(connection, [row], actor=by.name or "board")
    return BoardCommand(number, name, draft.argument, by, draft.sent_at)


def answer_to(store: Store, station: str, number: int) -> CommandAnswer | None:
    """Return what the station answered to a command; None while it has not.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(
        store, PACK, ANSWER, station, after=number - 1, before=number + 1, limit=1
    )
    return _answer(rows[0]) if rows else None


class CommandPoller:
    """Reads a station's commands in a thread of its own, and puts its answers on record.

    Args:
        store: The store.
        station: Name of the station.
        post: Takes the commands.
        poll_s: Seconds between two looks.
    """

    def __init__(self, store: Store, station: str, post: Post, poll_s: float = POLL_S) -> None:
        self._store, self._station, self._post, self._poll_s = store, station, post, poll_s
        self._answers: SimpleQueue[CommandAnswer] = SimpleQueue()
        self._stop = Flag()
        self._after = 0
        self._thread = Thread(target=self._run, name="board commands", daemon=True)

    def start(self) -> None:
        """Begin with the commands that come from now on.

        Raises:
            StoreError: The database failed.
        """
        rows = pack_rows.rows_of(self._store, PACK, COMMAND, self._station, limit=1)
        self._after = rows[0].number if rows else 0
        self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """End; a command that has no answer yet gets none."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        is_failing = False
        while not self._stop.is_set():
            try:
                self._write(self._next_answer())
                self._poll()
                is_failing = False
            except StoreError as exc:
                if not is_failing:
                    log.error("commands of the board cannot be read: %s", exc.message)
                is_failing = True
                self._stop.wait(self._poll_s)
            except Exception:
                log.exception("a command of the board failed")
                self._stop.wait(self._poll_s)

    def _next_answer(self) -> CommandAnswer | None:
        try:
            return self._answers.get(timeout=self._poll_s)
        except Empty:
            return None

    def _poll(self) -> None:
        rows = pack_rows.rows_of(self._store, PACK, COMMAND, self._station, after=self._after)
        for row in reversed(rows):
            self._after = row.number
            self._take(row)

    def _take(self, row: PackRow) -> None:
        number = row.number

        def answer(is_done: bool, sentence: str) -> None:
            self._answers.put(CommandAnswer(number, is_done, sentence))

        try:
            command = _command(row)
            if problem := refusal(command, now()):
                answer(False, problem)
                return
            if command.name is CommandName.RELEASE:
                record_release(self._store, self._station, command.by, command.argument)
        except (AssayError, ValueError, KeyError) as exc:
            answer(False, exc.message if isinstance(exc, AssayError) else "It cannot be read.")
            return
        argument = command.argument or command.by.name
        self._post(Command(monotonic(), command.name.value, argument, answer))

    def _write(self, answer: CommandAnswer | None) -> None:
        if answer is None:
            return
        outcome = "done" if answer.is_done else "refused"
        row = PackRow(
            PACK, ANSWER, self._station, answer.number, now(), "", outcome, None,
            {"sentence": answer.sentence},
        )  # fmt: skip
        with writing(self._store) as connection:
            pack_rows.add(connection, [row], actor=self._station)


def _command(row: PackRow) -> BoardCommand:
    body = row.body
    return BoardCommand(
        row.number,
        CommandName(row.outcome),
        body["argument"],
        StationUser(row.subject, StationRole(body["role"])),
        row.at,
    )


def _answer(row: PackRow) -> CommandAnswer:
    return CommandAnswer(row.number, row.outcome == "done", row.body["sentence"])
