"""A station as a process: everything that its file asks for, started, run and let go in order."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from threading import Thread

from core.errors import AssayError, ConfigError, StoreError
from core.jobs.kinds import DELIVER_LANE, TRAIN_LANE
from core.jobs.monitor_process import MonitorProcess
from core.jobs.worker import work
from core.records.connection import Store
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.board.commands import CommandPoller
from domains.parts.station.board.status_file import StatusFile, boot_id
from domains.parts.station.challenge.runner import challenge_of
from domains.parts.station.judging.capture import OnCapture
from domains.parts.station.judging.inspector import Inspector
from domains.parts.station.judging.judges import Judges
from domains.parts.station.line.changeover import Changeover
from domains.parts.station.line.equipment import equipment_of, make_gate, make_outputs, make_sources
from domains.parts.station.line.loop import Item, Line, OnPart
from domains.parts.station.outputs.group import OnProblems, OutputGroup
from domains.parts.station.outputs.outbox import StationOutbox
from domains.parts.station.plc.handshake import Handshake
from domains.parts.station.ports import OutboxOutput, StationOutput
from domains.parts.station.recipe import Recipe, StationFile, keep_station
from domains.parts.station.records.answers import AnswerLog, begin_numbers, reconcile
from domains.parts.station.records.parts import PartRecorder
from domains.parts.station.records.reserve import ReserveFile
from domains.parts.station.records.retention_sweep import Sweeper

HOUSEKEEPING_S = 60.0
CLOSE_S = 5.0

log = logging.getLogger(__name__)


def run_station(
    station: StationFile,
    settings: Settings,
    *,
    stop: Flag,
    recipe: int | None = None,
    on_part: OnPart = lambda _: None,
    on_problems: OnProblems = lambda _: None,
    on_capture: OnCapture | None = None,
) -> None:
    """Run a station until the flag is set.

    Args:
        station: The station file.
        settings: Where things run.
        stop: Set to end; what is under way is answered first.
        recipe: Number of the recipe to begin with; the first when None.
        on_part: Called with every part that was answered.
        on_problems: Called with what the station has lost whenever that changes.
        on_capture: Called with every part that was captured, where parts are not judged but
            captured to learn from: each is answered FAIL.

    Raises:
        ConfigError: It cannot work as configured, or another process runs it.
        StoreError: The database failed at the start.
    """
    first = station.recipes[0] if recipe is None else station.recipe(recipe)
    if first is None:
        raise ConfigError(f"There is no recipe {recipe} in the station file.")
    with ExitStack() as stack:
        stack.enter_context(_usable(settings.home))
        stack.enter_context(only_process(settings.home, station.name))
        store = stack.enter_context(open_store(settings))
        keep_station(settings.home, station)
        listeners = Listeners(on_part, on_problems, on_capture)
        _Running(station, store, settings, first, stack, listeners).run(stop, first.number)


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who hears of a running station besides its outputs; `run_station` says of what."""

    on_part: OnPart
    on_problems: OnProblems
    on_capture: OnCapture | None


class _Running:
    """What a running station holds; closed by the stack, the last started first."""

    def __init__(
        self,
        station: StationFile,
        store: Store,
        settings: Settings,
        recipe: Recipe,
        stack: ExitStack,
        listeners: Listeners,
    ) -> None:
        self._station, self._store = station, store
        reserve = ReserveFile(settings.home / "reserve", station.reserve_mb << 20)
        reserve.hold()
        judges = Judges(store, settings)
        stack.callback(judges.close)
        outbox = StationOutbox(store, station.name, station.outputs)
        recorder = PartRecorder(store, station.name, outbox.put)
        self._answers = AnswerLog(settings.home / "stations" / f"{station.name}.answers")
        first_number = begin_numbers(self._answers, recorder, boot_id())
        stack.callback(self._settle, recorder)
        self._inspector = Inspector(recorder, self._post, reserve.free)
        monitor = MonitorProcess(settings)
        stack.callback(monitor.close)
        challenge = challenge_of(store, station.name, self._inspector)
        status = StatusFile(settings.home, station, lambda: challenge.outstanding)
        outputs = [*make_outputs(station, self._post), status]
        self._sources = make_sources(station, recipe, settings, self._post)
        equipment = equipment_of(station, recipe, judges, settings, listeners.on_capture)
        changeover = Changeover(station, equipment, self._post)
        self._line = Line(
            Handshake(needs_enable=station.trigger.kind == "modbus"),
            self._inspector,
            changeover,
            OutputGroup(
                outputs,
                outbox.note_ids,
                outbox.note,
                leaving=self._answers.note,
                on_problems=listeners.on_problems,
            ),
            first_number=first_number,
            waits=station.trigger.kind == "file",
            challenge=challenge,
            sources=self._sources,
            gate=make_gate(station, outputs),
            on_part=listeners.on_part,
            monitor_problem=lambda: monitor.problem,
        )
        self._start(stack, judges, outbox, changeover, outputs)
        monitor.start()
        self._housekeeping(stack, settings, reserve)

    def run(self, stop: Flag, recipe: int) -> None:
        self._line.run(stop, recipe)

    def _start(
        self,
        stack: ExitStack,
        judges: Judges,
        outbox: StationOutbox,
        changeover: Changeover,
        outputs: Sequence[StationOutput],
    ) -> None:
        judges.start()
        outbox.start()
        stack.callback(outbox.stop, CLOSE_S)
        for output in outputs:
            output.open()
            stack.callback(_close, output, outbox)
        self._inspector.start()
        stack.callback(self._inspector.close, CLOSE_S)
        stack.callback(changeover.close)
        for source in self._sources:
            source.open()
            stack.callback(source.close)
        commands = CommandPoller(self._store, self._station.name, self._post)
        commands.start()
        stack.callback(commands.close)

    def _housekeeping(self, stack: ExitStack, settings: Settings, reserve: ReserveFile) -> None:
        """Send history, learn, delete what may go, and hold the reserve again, beside the line."""
        ended = Flag()
        threads = [
            Thread(target=self._keep_house, args=(reserve, ended), daemon=True),
            Thread(target=self._do_jobs, args=(settings, ended), daemon=True),
        ]
        for thread in threads:
            thread.start()
            stack.callback(thread.join, CLOSE_S)
        stack.callback(ended.set)

    def _keep_house(self, reserve: ReserveFile, ended: Flag) -> None:
        sweeper: Sweeper | None = None
        while not ended.wait(HOUSEKEEPING_S):
            try:
                reserve.hold()
                sweeper = sweeper or Sweeper(
                    self._store, self._station.name, self._station.retention
                )
                if problem := sweeper.sweep().problem:
                    log.warning("retention: %s", problem)
            except AssayError as exc:
                log.error("housekeeping failed: %s", exc.message)

    def _do_jobs(self, settings: Settings, ended: Flag) -> None:
        while not ended.is_set():
            try:
                work([], self._store, settings, stop=ended, lanes=[DELIVER_LANE, TRAIN_LANE])
            except AssayError as exc:
                log.error("jobs could not be done: %s", exc.message)
                ended.wait(HOUSEKEEPING_S)

    def _settle(self, recorder: PartRecorder) -> None:
        """Let the record agree with what left last; what cannot be now is at the next start."""
        self._answers.close()
        if not self._inspector.has_ended:
            return
        try:
            reconcile(recorder, self._answers.read(), boot_id())
        except StoreError as exc:
            log.error("the last parts could not be recorded: %s", exc.message)
        else:
            self._answers.delete()

    def _post(self, item: Item) -> None:
        self._line.post(item)


def _close(output: StationOutput, outbox: StationOutbox) -> None:
    """Close an output, and note what its receiver has: it is not to come again as history."""
    output.close()
    if isinstance(output, OutboxOutput):
        outbox.note_ids(output.name, output.confirmed())


@contextmanager
def _usable(home: Path) -> Iterator[None]:
    """Yield while a file that cannot be written is named, as on a disk mounted read-only.

    Raises:
        ConfigError: The system refuses a file.
    """
    try:
        yield
    except OSError as exc:
        raise ConfigError(
            f"The station cannot use {exc.filename or home}: {exc.strerror or exc}.",
            hint="Check that the home folder is writable and its disk has room.",
        ) from exc


@contextmanager
def only_process(home: Path, station: str) -> Iterator[None]:
    """Yield with the station's lock, which goes with the process.

    Args:
        home: The home folder.
        station: Name of the station, or of a work for it that only one process may do.

    Raises:
        ConfigError: Another process holds it.
    """
    path = home / "stations" / f"{station}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise ConfigError(
                f"The station {station} runs already in {home}.",
                hint="Stop the other process, or give this station another name.",
            ) from exc
        yield
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
