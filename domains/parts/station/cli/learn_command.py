"""What `assay parts station learn` does."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event as Flag

import typer

from core.cli.output import print_json, print_line, progress_bar
from core.errors import DataError
from core.people import Person
from core.records.connection import Store
from core.service.bundles.deployments import Signed
from core.service.store import open_store
from core.service.summaries import list_remarks
from core.settings import Settings
from domains.parts.station.learning.folder import GOOD, LearningPlace, PartPicture, place_of
from domains.parts.station.learning.learn import Learned, choose_parts, find_odd, learn
from domains.parts.station.learning.odd_parts import RankedPart
from domains.parts.station.learning.options import LearnOptions, recipe_of
from domains.parts.station.learning.sources import capture, read_folder, read_parts
from domains.parts.station.line.station import only_process
from domains.parts.station.part import InspectedPart
from domains.parts.station.recipe import Recipe, StationFile, read_station
from domains.parts.station.result import LineReason

_SHOWN = 3


def run_learn(file: Path, options: LearnOptions, *, json: bool) -> bool:
    """Return whether a bundle was learned and deployed; otherwise odd parts wait for a person.

    Args:
        file: The station file.
        options: What is asked.
        json: Whether one JSON object is written instead of text.

    Raises:
        ConfigError: The options contradict each other, or the station cannot work as configured.
        DataError: The pictures cannot be learned from.
        StoreError: The database failed.
    """
    settings, station = Settings(), read_station(file)
    recipe = recipe_of(station, options)
    place = place_of(settings.home, station, recipe)
    with only_process(settings.home, place.lock), open_store(settings) as store:
        return _Session(file, station, recipe, settings, store, place, options, json).run()


class _Session:
    """One run of the command, with what it prints at the end."""

    def __init__(
        self,
        file: Path,
        station: StationFile,
        recipe: Recipe,
        settings: Settings,
        store: Store,
        place: LearningPlace,
        options: LearnOptions,
        json: bool,
    ) -> None:
        self._file, self._station, self._recipe = file, station, recipe
        self._settings, self._store, self._place = settings, store, place
        self._options, self._json = options, json
        self._refused: list[str] = []
        self._ranked: list[RankedPart] = []

    def run(self) -> bool:
        left_out: list[str] = []
        if self._options.defect:
            self._add_defects()
        else:
            self._collect()
            answer = self._choose()
            if answer is None:
                return False
            left_out = answer
            self._place.data.take(self._place.incoming, GOOD, left_out)
        with progress_bar() as progress:
            learned = learn(
                self._station,
                self._recipe,
                self._settings,
                self._store,
                signed=Signed(Person.alone(self._options.by)),
                left_out=len(left_out),
                progress=progress,
            )
        self._print(learned, left_out)
        return True

    def _add_defects(self) -> None:
        name = self._options.defect
        if GOOD not in self._place.data.groups():
            raise DataError(
                f"Recipe {self._recipe.number} was shown no good parts yet.",
                hint="Show them first: the same command without --defect.",
            )
        new = self._place.data.add(name, self._pictures())
        self._tell(f"Added as {name}: {len(new)} (of parts: {len({one.group for one in new})}).")
        self._tell_refused()
        if not new:
            raise DataError(
                f"None of the pictures can be added as {name}, or all are there already.",
                hint="Name others by --from FOLDER, --last N or --part NUMBER.",
            )

    def _collect(self) -> None:
        """Bring good parts into the incoming folder; those that wait there are looked at first."""
        options, incoming = self._options, self._place.incoming
        waiting = len(incoming.groups()[GOOD])
        is_answer = options.accept_all or options.left_out
        if waiting and is_answer and not options.has_source:
            self._tell(f"{waiting} parts waited to be accepted.")
            return
        incoming.clear()
        if options.has_source:
            incoming.add(GOOD, self._pictures())
            self._tell_refused()
            return
        self._tell(f"Show {options.parts} good parts; Ctrl-C ends before.")
        stop = Flag()
        with _signals_set(stop):
            capture(
                self._station,
                self._recipe,
                self._settings,
                incoming,
                parts=options.parts,
                wait_s=options.wait_s,
                stop=stop,
                on_part=self._show_part,
            )

    def _pictures(self) -> Iterator[PartPicture]:
        options, recipe = self._options, self._recipe
        if options.folder is not None:
            return read_folder(options.folder, recipe, self._settings, self._refused.append)
        return read_parts(
            self._store,
            self._station.name,
            recipe,
            last=options.last,
            numbers=options.numbers,
            refuse=self._refused.append,
        )

    def _choose(self) -> list[str] | None:
        """Return which parts are left out; None where a person has to look first."""
        pictures = self._place.incoming.pictures()
        with progress_bar() as progress:
            known = [one for one in self._place.data.pictures() if one.label == GOOD]
            self._ranked = find_odd(pictures, known, self._settings, progress)
        groups = [one.group for one in self._ranked]
        left_out = choose_parts(self._options.left_out, groups)
        odd = [one for one in self._ranked if one.is_odd and one.group not in left_out]
        self._tell_odd(odd, len(groups))
        if not odd or self._options.accept_all or self._options.left_out:
            return left_out
        if sys.stdin.isatty() and not self._json:
            typed = typer.prompt(
                "Which are not learned? Names with commas between; Enter learns all", default=""
            )
            return choose_parts([one.strip() for one in typed.split(",") if one.strip()], groups)
        self._refer()
        return None

    def _tell_odd(self, odd: Sequence[RankedPart], count: int) -> None:
        self._tell(f"{count} good parts, {len(odd)} of which look odd.")
        others = [one for one in self._ranked if not one.is_odd]
        for one in [*odd, *others[: max(0, _SHOWN - len(odd))]]:
            self._tell(f"  {one.rank:>3}. {one.group} ({one.name}): {one.sentence}")

    def _refer(self) -> None:
        self._tell(
            f"Nothing is learned yet. Look at them in {self._place.incoming.root / GOOD}, then: "
            f"assay parts station learn {self._file} --accept-all, or --leave-out NAME."
        )
        if self._json:
            print_json({"learned": False, **self._noted([])})

    def _show_part(self, part: InspectedPart) -> None:
        reasons = [one.name for one in part.reasons if one is not LineReason.NOT_CERTIFIED]
        what = f"not captured: {' '.join(reasons)}" if reasons else "captured"
        self._tell(f"{part.trigger.number:>7}  {part.part_id or '-':<16}  {what}")

    def _tell_refused(self) -> None:
        for one in self._refused:
            self._tell(f"Left out: {one}")

    def _tell(self, text: str) -> None:
        typer.echo(text, err=self._json)

    def _noted(self, left_out: Sequence[str]) -> dict[str, object]:
        return {
            "recipe": self._recipe.number,
            "product": self._recipe.product,
            "refused": self._refused,
            "parts_ranked": [asdict(one) for one in self._ranked],
            "left_out": list(left_out),
        }

    def _print(self, learned: Learned, left_out: Sequence[str]) -> None:
        number = learned.deployment.number
        if self._json:
            figures = {
                "learned": True,
                **self._noted(left_out),
                "parts": dict(learned.parts),
                "bundle": learned.bundle.label,
                "bundle_sha256": learned.bundle.sha256,
                "policy": learned.policy.id,
                "deployment": number,
                "escape": asdict(learned.policy.escape),
                "overkill": asdict(learned.policy.overkill),
                "overkill_bound": learned.policy.good_only and learned.policy.good_only.level,
                "sentences": learned.sentences,
                "remarks": list_remarks(learned.bundle),
                "seconds": round(learned.seconds, 1),
            }
            print_json(figures)
            return
        parts = ", ".join(f"{count} {label}" for label, count in sorted(learned.parts.items()))
        print_line(
            f"Learned from {parts} in {learned.seconds:.0f} s: {learned.bundle.label} judges "
            f"{self._recipe.product} from now on (deployment {number})."
        )
        for sentence in (*learned.sentences, *list_remarks(learned.bundle)):
            print_line(sentence)


@contextmanager
def _signals_set(stop: Flag) -> Iterator[None]:
    """Yield while Ctrl-C and a plain kill set a flag, and end nothing."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda *_: stop.set()) for one in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
