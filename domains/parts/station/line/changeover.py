"""Changing over to another recipe in two phases: prepared beside the running one, then switched."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Flag
from threading import Lock, Thread

from core.errors import AssayError, ConfigError, NothingDeployed
from domains.parts.station.capture.cameras import Cameras, WatchedCamera
from domains.parts.station.capture.part_id_reader import PartIdReader
from domains.parts.station.judging.capture import CapturingInspection, OnCapture
from domains.parts.station.judging.inspection import Inspection
from domains.parts.station.judging.judges import Judges
from domains.parts.station.ports import Camera, CameraIdentity
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile

log = logging.getLogger(__name__)

MakeCamera = Callable[[CameraOptions], Camera]
Answer = Callable[[bool, str], None]
MakeReader = Callable[[Recipe], PartIdReader]
Differences = Callable[[CameraIdentity, CameraOptions], Sequence[str]]


@dataclass(frozen=True, slots=True)
class PreparedRecipe:
    """What came of preparing a recipe.

    Attributes:
        number: Number of the recipe.
        recipe: The recipe; None where it could not be prepared.
        reader: Reads its parts' ids; entered.
        cameras: Its cameras, made and not open yet.
        problem: Why not; empty where it could.
        answer: Called with whether it was switched to, and why not.
        turn: Which request it answers; only the newest counts.
    """

    number: int
    answer: Answer
    turn: int
    recipe: Recipe | None = None
    reader: PartIdReader | None = None
    cameras: Mapping[CameraOptions, Camera] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Equipment:
    """What recipes are made to run with.

    Attributes:
        judges: What judges each product.
        make_camera: Makes a camera.
        make_reader: Makes what reads the parts' ids.
        differences: What of a camera is not as the recipe says.
        on_capture: Called with each part that is captured to learn from, where none are judged.
    """

    judges: Judges
    make_camera: MakeCamera
    make_reader: MakeReader
    differences: Differences
    on_capture: OnCapture | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    number: int
    made: Callable[..., PreparedRecipe]
    after_s: float


class Changeover:
    """Prepares recipes and switches between them.

    ``prepare`` opens and warms up what judges the recipe's product while the running recipe goes
    on. ``switch`` is called between parts: cameras that both recipes use in the same way stay open,
    others are closed and opened, since two handles on one device do not work.

    Args:
        station: The station file.
        equipment: What recipes are made to run with.
        prepared: Called with what came of ``prepare``, from a thread of its own.
    """

    def __init__(
        self, station: StationFile, equipment: Equipment, prepared: Callable[[PreparedRecipe], None]
    ) -> None:
        self._station, self._equipment, self._prepared = station, equipment, prepared
        self._cameras: Mapping[CameraOptions, WatchedCamera] = {}
        self._reader: PartIdReader | None = None
        self._turn = 0
        self._has_ended = Flag()
        self._lock = Lock()
        self._wanted: _Wanted | None = None
        self._is_working = False

    def prepare(
        self, number: int, answer: Answer = lambda *_: None, *, after_s: float = 0.0
    ) -> None:
        """Begin to prepare a recipe; ``prepared`` is called with it.

        Args:
            number: Number of the recipe.
            answer: To be called once it was switched to, or could not be.
            after_s: Seconds to wait before, where it is tried again.
        """
        self._turn += 1
        made = partial(PreparedRecipe, number, answer, self._turn)
        with self._lock:
            replaced, self._wanted = self._wanted, _Wanted(number, made, after_s)
            is_working, self._is_working = self._is_working, True
        if replaced is not None:
            self._prepared(replaced.made(problem="Another recipe was asked for since."))
        if not is_working:
            Thread(target=self._work, name="prepare recipes", daemon=True).start()

    def is_newest(self, prepared: PreparedRecipe) -> bool:
        """Return whether no other recipe was asked for since; else its reader is let go."""
        if prepared.turn != self._turn and prepared.reader is not None:
            prepared.reader.__exit__(None, None, None)
        return prepared.turn == self._turn

    def _work(self) -> None:
        """Prepare what is asked for, one after the other, until nothing is."""
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, None
                self._is_working = wanted is not None
            if wanted is None or self._has_ended.wait(wanted.after_s):
                return
            self._prepare(wanted.number, wanted.made)

    def _prepare(self, number: int, made: Callable[..., PreparedRecipe]) -> None:
        recipe = self._station.recipe(number)
        try:
            if recipe is None:
                known = ", ".join(str(one.number) for one in self._station.recipes)
                raise ConfigError(f"There is no recipe {number}; there are: {known}.")
            if self._equipment.on_capture is None:
                with suppress(NothingDeployed):  # its parts are captured until something is
                    self._equipment.judges.prepare(recipe.product)
            cameras = {one: self._equipment.make_camera(one) for one in recipe.cameras}
            reader = self._equipment.make_reader(recipe).__enter__()
        except AssayError as exc:
            self._prepared(made(problem=exc.message))
        except Exception as exc:
            log.exception("preparing a recipe failed")
            problem = f"{type(exc).__name__}: see the log."
            self._prepared(made(problem=problem))
        else:
            self._prepared(made(recipe, reader, cameras))

    def switch(
        self, recipe: Recipe, reader: PartIdReader, cameras: Mapping[CameraOptions, Camera]
    ) -> Inspection:
        """Return how a prepared recipe is inspected, its cameras being opened; between parts.

        Args:
            recipe: The recipe.
            reader: What ``prepare`` made for it, as the cameras.
            cameras: Those of the recipe.
        """
        if self._reader is not None:
            self._reader.__exit__(None, None, None)
        self._reader = reader
        kept = {one: self._cameras[one] for one in recipe.cameras if one in self._cameras}
        for options, camera in self._cameras.items():
            if options not in kept:
                camera.close()
        self._cameras = {
            one: kept.get(one) or self._opened(one, cameras[one]) for one in recipe.cameras
        }
        by_name = {options.name: camera for options, camera in self._cameras.items()}
        self._equipment.judges.keep_only({recipe.product})
        judges, on_capture = self._equipment.judges, self._equipment.on_capture
        if on_capture is not None:
            return CapturingInspection(
                recipe, Cameras(by_name), judges, reader, on_capture=on_capture
            )
        return Inspection(recipe, Cameras(by_name), judges, reader)

    def close(self) -> None:
        """Let every camera go, and what reads ids."""
        self._has_ended.set()
        if self._reader is not None:
            self._reader.__exit__(None, None, None)
        for camera in self._cameras.values():
            camera.close()

    def _opened(self, options: CameraOptions, camera: Camera) -> WatchedCamera:
        watched = WatchedCamera(camera, options, self._equipment.differences)
        watched.start()
        return watched
