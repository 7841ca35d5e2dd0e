"""A whole station on drawn plates: everything is real but the camera and the PLC."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Any, Self

from sqlalchemy import event

from core.people import Person
from core.records.connection import Store
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.progress import Progress, silent
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from domains.parts.station.board.status_file import boot_id
from domains.parts.station.capture.identity import differences
from domains.parts.station.capture.part_id_reader import PartIdReader
from domains.parts.station.challenge.runner import challenge_of
from domains.parts.station.faults.belt import GATE, Belt
from domains.parts.station.faults.broker import BrokerProcess
from domains.parts.station.faults.camera import DrawingCamera
from domains.parts.station.faults.plates import write_plates
from domains.parts.station.faults.plc import Plc, PlcAnswer
from domains.parts.station.judging.inspector import Inspector
from domains.parts.station.judging.judges import Judges
from domains.parts.station.line.changeover import Changeover, Equipment
from domains.parts.station.line.gate_runner import GateRunner
from domains.parts.station.line.loop import Line
from domains.parts.station.options import MqttOptions
from domains.parts.station.outputs.group import OutputGroup
from domains.parts.station.outputs.mqtt import MqttOutput
from domains.parts.station.plc.handshake import Handshake
from domains.parts.station.ports import StationOutput
from domains.parts.station.recipe import CameraOptions, ChallengeOptions, Recipe, StationFile
from domains.parts.station.records.answers import AnswerLog, begin_numbers
from domains.parts.station.records.parts import PartRecorder
from domains.parts.station.result import LineResult

PRODUCT = "plates"
DEADLINE_MS = 150
READY_S = 20.0
OTHER_RECIPE = 2
MOST_PAGES = 2**31 - 2


def make_product(settings: Settings, progress: Progress = silent) -> Path:
    """Return the folder of a bundle that is trained on drawn plates, certified and deployed."""
    data, out = settings.home / "plates", settings.home / "plates-bundle"
    if not out.exists():
        write_plates(data)
        train(TrainSpec("parts", data, out), settings, progress)
        certify_bundle(open_bundle(out, settings), Targets(escape=0.15, overkill=0.3))
    with open_store(settings) as store:
        deploy_bundle(out, store, settings, product=PRODUCT, signed=Signed(Person.alone("rig")))
    return out


class Rig:
    """A running station with its camera and its PLC at hand.

    Args:
        settings: A home folder in which `make_product` was done.
        deadline_ms: From trigger to output.
        challenge: The recipe's reference parts.
        ready_s: For how long it is waited to be ready; None where it is not to be ready at once.
        gate: Follows the parts to a reject gate.
        broker: A broker that runs, which the station publishes to.
        has_belt: Whether parts go on to a gate with an encoder; instead of ``gate``.

    Attributes:
        wrong: What was found wrong besides the answers, as sentences.
        most_pages: How many pages the database may have.
    """

    def __init__(
        self,
        settings: Settings,
        deadline_ms: int = DEADLINE_MS,
        challenge: ChallengeOptions | None = None,
        ready_s: float | None = READY_S,
        gate: GateRunner | None = None,
        broker: BrokerProcess | None = None,
        *,
        has_belt: bool = False,
    ) -> None:
        self.settings, self._ready_s, self._gate = settings, ready_s, gate
        self._broker, self._has_belt = broker, has_belt
        self.wrong: list[str] = []
        self.most_pages = MOST_PAGES
        options = CameraOptions(
            name="top", kind="video", source="drawn", serial="plate-1", discard=0
        )
        self.recipe = Recipe(
            number=1,
            product=PRODUCT,
            deadline_ms=deadline_ms,
            cameras=(options,),
            challenge=challenge,
        )
        self.camera = DrawingCamera("top")
        self.free_disk = lambda: False
        self._open = ExitStack()
        self._stop = Flag()
        self._part = 0

    def __enter__(self) -> Self:
        """Return itself, the station started and ready for the first part."""
        with ExitStack() as stack:
            self.store: Store = stack.enter_context(open_store(self.settings))
            event.listen(self.store.engine.pool, "checkout", self._limit_pages)
            self.judges = Judges(self.store, self.settings)
            self.judges.start()
            stack.callback(self.judges.close)
            self._start(stack)
            self._open = stack.pop_all()
        is_waited_for = self._ready_s is not None
        if not (self.plc.enable(self._ready_s or 0.0) or self.recipe.challenge) and is_waited_for:
            self._open.close()
            raise TimeoutError(f"expected the station to be ready within {self._ready_s:g} s")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self._open.close()

    def next_part(self) -> int:
        """Return the next part's number, 1 to 65535 and then 1 again."""
        self._part = self._part % 0xFFFF + 1
        return self._part

    @property
    def broker(self) -> BrokerProcess:
        """The broker that it was made with."""
        if self._broker is None:
            raise ValueError("expected a rig with a broker, got one without")
        return self._broker

    @property
    def has_broker(self) -> bool:
        """Whether it was made with one."""
        return self._broker is not None

    @property
    def is_broker_connected(self) -> bool:
        """Whether the station has published what it shows on a connection that stands."""
        return any(isinstance(one, MqttOutput) and one.is_connected for one in self._outputs)

    def claim(self, is_true: bool, otherwise: str) -> None:
        """Note what is wrong where something is not so."""
        if not is_true:
            self.wrong.append(otherwise)

    def inspect(self, timeout_s: float) -> PlcAnswer:
        """Return what a PLC gets for the next part, once it has gone through the gate."""
        answer = self.plc.inspect(self.next_part(), timeout_s)
        if self._has_belt:
            went_on = self.belt.carry(is_followed=answer.was_taken)
            is_pass = answer.result is LineResult.PASS
            self.claim(is_pass or not went_on, "the gate stood open for a part without a PASS")
        return answer

    def _start(self, stack: ExitStack) -> None:
        recorder = PartRecorder(self.store, "rig")
        answers = AnswerLog(self.settings.home / "stations" / "rig.answers")
        first = begin_numbers(answers, recorder, boot_id())
        stack.callback(answers.close)
        self.inspector = Inspector(recorder, self._post, lambda: self.free_disk())
        self.inspector.start()
        stack.callback(self.inspector.close, 5.0)
        equipment = Equipment(
            self.judges,
            lambda _: self.camera,
            partial(PartIdReader, settings=self.settings),
            differences,
        )
        other = self.recipe.model_copy(update={"number": OTHER_RECIPE})
        station = StationFile(name="rig", recipes=(self.recipe, other))
        changeover = Changeover(station, equipment, self._post)
        stack.callback(changeover.close)
        self.plc = Plc(self._post)
        self.belt = Belt(self.plc)
        if self._has_belt:
            self._gate = GateRunner(GATE, self.belt.show_gate)
        self._outputs: list[StationOutput] = [self.plc]
        if self._broker is not None:
            options = MqttOptions(port=self._broker.port)
            self._outputs.append(MqttOutput("rig", options, self._post))
        for output in self._outputs:
            output.open()
            stack.callback(output.close)
        self.challenge = challenge_of(self.store, "rig", self.inspector)
        self.line = Line(
            Handshake(needs_enable=True),
            self.inspector,
            changeover,
            OutputGroup(self._outputs, leaving=answers.note),
            first_number=first,
            waits=False,
            challenge=self.challenge,
            gate=self._gate,
        )
        thread = Thread(
            target=self.line.run, args=(self._stop, self.recipe.number), name="line", daemon=True
        )
        thread.start()
        stack.callback(thread.join, 5.0)
        stack.callback(self._stop.set)

    def _limit_pages(self, connection: Any, *_: object) -> None:  # noqa: ANN401 - of the driver
        connection.execute(f"PRAGMA max_page_count={self.most_pages}").close()

    def _post(self, item: object) -> None:
        self.line.post(item)  # type: ignore[arg-type]
