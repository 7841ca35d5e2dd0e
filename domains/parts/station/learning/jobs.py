"""Learning as two jobs that the board asks for: a look at good parts, and the learning itself.

Both run beside the line, in the lane in which everything is trained. There is one job of each kind
a recipe, so that every board shows the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from core.errors import ConfigError, DataError, PermanentFailure
from core.jobs.context import JobContext
from core.people import Person, Role
from core.records.connection import Store
from core.service.bundles.deployments import Signed
from core.service.summaries import list_remarks
from domains.parts.station.learning.asking import LearnSpec, LookSpec, Spec
from domains.parts.station.learning.folder import GOOD, LearningPlace, PartPicture, place_of
from domains.parts.station.learning.learn import find_odd, learn
from domains.parts.station.learning.named_defects import NamedDefect
from domains.parts.station.learning.sources import read_folder, read_parts
from domains.parts.station.line.station import only_process
from domains.parts.station.recipe import Recipe, StationFile, kept_station
from domains.parts.station.records.naming import check_defect

S = TypeVar("S", bound=Spec)


def look(context: JobContext) -> Mapping[str, Any]:
    """Return the parts, the oddest first, once their pictures wait to be accepted.

    Raises:
        PermanentFailure: There are too few, or none can be had.
        AssayError: It failed for another reason.
    """
    spec = _spec(context, LookSpec)
    refused: list[str] = []
    with _one_at_a_time(context, spec) as (station, recipe, place):
        place.incoming.clear()
        pictures = _pictures(context, spec, station, recipe, refused.append)
        place.incoming.add(GOOD, pictures)
        known = [one for one in place.data.pictures() if one.label == GOOD]
        ranked = find_odd(place.incoming.pictures(), known, context.settings, context.step)
    return {"parts": [asdict(one) for one in ranked], "refused": refused}


def learn_asked(context: JobContext) -> Mapping[str, Any]:
    """Return what was learned, certified and deployed, and what is not certified yet.

    Raises:
        PermanentFailure: The pictures cannot be learned from.
        AssayError: It failed for another reason.
    """
    spec = _spec(context, LearnSpec)
    with _one_at_a_time(context, spec) as (station, recipe, place):
        if spec.takes_good:
            place.data.take(place.incoming, GOOD, spec.left_out)
        refused = add_defects(context.store, station.name, recipe, place, spec.defects)
        learned = learn(
            station,
            recipe,
            context.settings,
            context.store,
            signed=Signed(Person(spec.by.name, spec.by.name, Role.LEAD)),
            left_out=len(spec.left_out),
            progress=context.step,
        )
    return {
        "parts": dict(learned.parts),
        "bundle": learned.bundle.label,
        "deployment": learned.deployment.number,
        "sentences": list(learned.sentences),
        "remarks": list_remarks(learned.bundle),
        "refused": refused,
        "seconds": round(learned.seconds, 1),
    }


def add_defects(
    store: Store,
    station: str,
    recipe: Recipe,
    place: LearningPlace,
    defects: tuple[NamedDefect, ...],
) -> list[str]:
    """Return a sentence on each defect that could not be added to what is learned from.

    Raises:
        StoreError: The database failed.
    """
    refused: list[str] = []
    for one in defects:
        try:
            check_defect(one.label)
            pictures = read_parts(
                store, station, recipe, last=0, numbers=[one.number], refuse=refused.append
            )
            place.data.add(one.label, pictures)
        except (ConfigError, DataError) as exc:
            refused.append(f"part {one.number}: {exc}")
    return refused


def _pictures(
    context: JobContext,
    spec: LookSpec,
    station: StationFile,
    recipe: Recipe,
    refuse: Callable[[str], None],
) -> Iterator[PartPicture]:
    if spec.folder is not None:
        return read_folder(spec.folder, recipe, context.settings, refuse)
    return read_parts(
        context.store, station.name, recipe, last=0, numbers=spec.numbers, refuse=refuse
    )


@contextmanager
def _one_at_a_time(
    context: JobContext, spec: Spec
) -> Iterator[tuple[StationFile, Recipe, LearningPlace]]:
    """Yield the station, the recipe and its place, which no other process changes meanwhile."""
    home = context.settings.home
    try:
        station = kept_station(home, spec.station)
        recipe = station.recipe(spec.recipe)
        if recipe is None:
            raise ConfigError(f"There is no recipe {spec.recipe} in the station {station.name}.")
        place = place_of(home, station, recipe)
        with only_process(home, place.lock):
            yield station, recipe, place
    except (ConfigError, DataError) as exc:
        raise PermanentFailure(str(exc)) from exc


def _spec(context: JobContext, kind: type[S]) -> S:
    try:
        return TypeAdapter(kind).validate_json(context.job.payload.get("spec", ""))
    except ValidationError as exc:
        raise PermanentFailure(
            f"The payload of the job is no {kind.__name__}: {exc.error_count()} errors.",
            hint="Ask for it anew with this version of Assay.",
        ) from exc
