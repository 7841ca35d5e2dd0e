"""A line beside the board: real pictures and decisions on record, one part after another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import cv2
import numpy as np

from core.records import deployments
from core.records.connection import Store
from core.service.assessment.assessor import Assessor
from core.service.bundles.archive import take
from core.service.bundles.open import policy_of
from core.service.store import open_store
from core.settings import Settings
from core.types import Assessment
from domains.parts.station.board.status_file import StatusFile
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.faults.rig import PRODUCT
from domains.parts.station.part import CapturedFrame, InspectedPart, Trigger
from domains.parts.station.plc.blocks import StatusBlock, encode_status
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.recipe import CameraOptions, ChallengeOptions, Recipe, StationFile
from domains.parts.station.records.parts import Draft, PartRecorder
from domains.parts.station.result import LineReason, LineVerdict

STATION = "line-1"
FILE = StationFile(
    name=STATION,
    recipes=(
        Recipe(
            number=1,
            product=PRODUCT,
            cameras=(CameraOptions(source="camera"),),
            challenge=ChallengeOptions(good=("g1", "g2", "g3"), bad=("b1", "b2", "b3")),
        ),
        Recipe(number=2, product="lids", cameras=(CameraOptions(source="camera"),)),
    ),
)


class BoardLine:
    """Puts parts on record as a station does, and keeps its status young.

    The pictures are drawn anew for every part, so that each has bytes and a decision of its own;
    what judged is copied from two pictures that the deployed bundle judged.
    """

    def __init__(self, settings: Settings) -> None:
        self.store: Store = open_store(settings)
        self._recorder = PartRecorder(self.store, STATION)
        self._rng = np.random.default_rng(11)
        self._judged = _judge(settings, self.store, self._rng)
        self.outstanding: tuple[str, ...] = ()
        self._output = StatusFile(settings.home, FILE, lambda: self.outstanding)
        self._number = self._recorder.start() - 1
        self.block = StatusBlock(online=True, trigger_ready=True, recipe_active=1)
        self.is_silent = False

    def inspect(
        self, *reasons: LineReason, part_id: str | None = None, challenge: str = ""
    ) -> InspectedPart:
        """Put one part on record; it passes where no reason is given."""
        self._number += 1
        bad = LineReason.DEFECT in reasons
        data = _encoded(draw_plate(self._rng, 0.8 if bad else 0.0))
        digest = hashlib.sha256(data).hexdigest()
        frame = CapturedFrame("top", data, self._number, monotonic(), None, digest, 9, "top.png")
        name = f"A{self._number:06}" if part_id is None else part_id
        verdict = LineVerdict.because(*reasons) if reasons else LineVerdict.passed()
        trigger = Trigger(self._number, monotonic() - 0.08, recipe=1, challenge=challenge)
        made = self._with_score(replace(self._judged[bad], sha256=digest, group=name))
        part = self._recorder.commit(Draft(trigger, verdict, name, PRODUCT, [frame], [made]))
        self.block = replace(self.block, acq_id=self._number & 0xFFFF)
        return part

    def fill(self, count: int, every: int = 12) -> None:
        """Put many parts on record, some of them rejected."""
        for at in range(count):
            self.inspect(*([LineReason.DEFECT] if at % every == every - 1 else []))

    def go_offline(self, reason: OfflineReason) -> None:
        """Show another status."""
        online = reason is OfflineReason.NONE
        self.block = replace(self.block, online=online, offline_reason=int(reason))

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Yield while the status is handed in twenty times a second."""
        stop = Event()

        def beat() -> None:
            while not stop.wait(0.05):
                if not self.is_silent:
                    self._output.show(encode_status(self.block), {})

        thread = Thread(target=beat, daemon=True)
        self._output.open()
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self._output.close()

    def _with_score(self, made: Assessment) -> Assessment:
        assert made.prediction is not None
        bad = made.prediction.positive_probability > 0.5
        mean = 2.0 if bad else -3.0
        p = float(1.0 / (1.0 + np.exp(-mean - 0.5 * self._rng.standard_normal())))
        probabilities = np.array([1.0 - p, p])
        prediction = replace(made.prediction, probabilities=probabilities, positive_probability=p)
        return replace(made, prediction=prediction)


def _judge(settings: Settings, store: Store, rng: np.random.Generator) -> Sequence[Assessment]:
    found = deployments.newest(store, "parts", PRODUCT)
    assert found is not None
    bundle = take(found.bundle_sha256, settings)
    policy = policy_of(bundle, found.policy_id)
    with Assessor(bundle, policy, settings) as assessor:
        return [assessor.one(_encoded(draw_plate(rng, depth))) for depth in (0.0, 0.9)]


def _encoded(picture: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", picture)
    assert done
    return bytes(data)


def home_of(rig_home: Path, tmp_path: Path) -> Path:
    """Return a home of its own with the rig's product deployed in it."""
    import shutil

    home = tmp_path / "line"
    shutil.copytree(rig_home, home, symlinks=True)
    return home
