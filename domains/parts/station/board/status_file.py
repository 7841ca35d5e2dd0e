"""The station's status for a board on the same machine: a small file that is written anew.

It is no record: ten times a second into the store would drown what is. A board that finds it older
than a second says so, whatever else it knows: the loop hands the status in, so a loop that hangs
lets the file grow old as a dead process does.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import Any

from domains.parts.station.part import InspectedPart
from domains.parts.station.plc.blocks import StatusBlock, decode_status
from domains.parts.station.ports import Words
from domains.parts.station.recipe import Recipe, StationFile

STALE_S = 1.0
WRITE_S = 0.1
_FOLDER = Path("stations") / "status"
_SUFFIX = ".json"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShownRecipe:
    """What the board says of a recipe.

    Attributes:
        number: Its number.
        product: Its product.
        allows_uncertified: Whether parts may pass although their escape rate is not certified.
        references: How many reference parts it lists; 0 where it has no challenge.
        hours: For how many hours a challenge holds.
    """

    number: int
    product: str
    allows_uncertified: bool
    references: int
    hours: float


@dataclass(frozen=True, slots=True)
class ShownStatus:
    """A status as it was found.

    Attributes:
        station: Name of the station.
        at: When the loop handed it in, in seconds of this machine's monotonic clock.
        boot: Which start of the machine that clock counts from; empty where it is not known.
        block: The status block.
        recipes: The station's recipes, the first active at its start.
        outstanding: Reference parts that are still to be shown; empty while none is due.
        problems: What the station has lost, as sentences.
    """

    station: str
    at: float
    boot: str
    block: StatusBlock
    recipes: tuple[ShownRecipe, ...]
    outstanding: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def recipe(self) -> ShownRecipe | None:
        """The recipe that the next trigger is judged by."""
        active = self.block.recipe_active
        return next((one for one in self.recipes if one.number == active), None)


def is_answering(shown: ShownStatus | None, at: float, boot: str) -> bool:
    """Return whether a status is of a station that lives.

    Args:
        shown: What was found; None where nothing was.
        at: Seconds of the monotonic clock.
        boot: Which start of the machine that clock counts from.
    """
    return shown is not None and shown.boot == boot and 0.0 <= at - shown.at <= STALE_S


def boot_id() -> str:
    """Return what tells this start of the machine from others; empty where nothing does."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def stations_in(home: Path) -> list[str]:
    """Return the names of the stations that have run in a home folder."""
    found = (home / _FOLDER).glob(f"*{_SUFFIX}")
    return sorted(path.name.removesuffix(_SUFFIX) for path in found)


def status_path(home: Path, station: str) -> Path:
    """Return where a station's status lies."""
    return home / _FOLDER / f"{station}{_SUFFIX}"


def read_status(path: Path) -> ShownStatus | None:
    """Return the status that lies there; None where there is none, or none that can be read."""
    try:
        body = json.loads(path.read_bytes())
        return ShownStatus(
            body["station"],
            float(body["at"]),
            body["boot"],
            decode_status(tuple(body["words"])),
            tuple(ShownRecipe(**one) for one in body["recipes"]),
            tuple(body["outstanding"]),
            tuple(body["problems"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


class StatusFile:
    """Writes the status beside the line, at most ten times a second; an output of the station.

    Args:
        home: The home folder of the settings.
        station: The station file.
        outstanding: Returns the reference parts still to be shown; called by whoever shows.
    """

    name = "board"

    def __init__(
        self, home: Path, station: StationFile, outstanding: Callable[[], tuple[str, ...]]
    ) -> None:
        self._outstanding = outstanding
        self._path = status_path(home, station.name)
        self._fixed: dict[str, Any] = {
            "station": station.name,
            "boot": boot_id(),
            "recipes": [_recipe(one) for one in station.recipes],
        }
        self._latest: tuple[float, Words, tuple[str, ...], object] | None = None
        self._wake, self._stop = Flag(), Flag()
        self._thread = Thread(target=self._run, name="status file", daemon=True)

    def open(self) -> None:
        """Begin."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def show(self, words: Words, status: Mapping[str, object]) -> None:
        """Take the block as it is; never waits."""
        problems = status.get("Problems", ())
        self._latest = (monotonic(), words, self._outstanding(), problems)
        self._wake.set()

    def send(self, part: InspectedPart, words: Words) -> bool:
        """Return at once: the board reads results in the store."""
        del part, words
        return True

    def close(self) -> None:
        """Write the last status, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        is_failing = False
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._write()
                is_failing = False
            except OSError as exc:
                if not is_failing:
                    log.error("the status for the board cannot be written: %s", exc.strerror)
                is_failing = True
            self._stop.wait(WRITE_S)

    def _write(self) -> None:
        if self._latest is None:
            return
        at, words, outstanding, problems = self._latest
        shown = {"words": words, "outstanding": outstanding, "problems": problems}
        body = {**self._fixed, "at": at, **shown}
        # Not flushed to the disk: after a power cut the station is dead, which is what it says.
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps(body))
        os.replace(temporary, self._path)


def _recipe(recipe: Recipe) -> dict[str, object]:
    challenge = recipe.challenge
    return {
        "number": recipe.number,
        "product": recipe.product,
        "allows_uncertified": recipe.allow_uncertified,
        "references": len(challenge.good) + len(challenge.bad) if challenge else 0,
        "hours": challenge.hours if challenge else 0.0,
    }
