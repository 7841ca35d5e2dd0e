"""Asking for the learning of a recipe, and how it stands; what does it is in `jobs`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from core.errors import ConfigError
from core.people import Person, Role
from core.records.connection import Store, writing
from core.records.failed_jobs import JobStatus, job_status, reopen
from core.records.job import State, add
from core.records.values import name_of, now
from domains.parts.station.learning.named_defects import NamedDefect
from domains.parts.station.records.parts import PACK
from domains.parts.station.user import StationUser

LOOK, LEARN = "parts.look", "parts.learn"


@dataclass(frozen=True)
class LookSpec:
    """Which good parts are looked at before they are learned.

    Attributes:
        station: Name of the station.
        recipe: Number of the recipe.
        folder: Where their pictures are; None where they are on record.
        numbers: Their numbers.
    """

    station: str
    recipe: int
    folder: Path | None = None
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class LearnSpec:
    """What is learned besides what a recipe was shown before.

    Attributes:
        station: Name of the station.
        recipe: Number of the recipe.
        by: Who answers for it, in which role.
        takes_good: Whether the good parts that were looked at are learned.
        left_out: Groups of those that are not.
        defects: Defects named on parts.
    """

    station: str
    recipe: int
    by: StationUser
    takes_good: bool = False
    left_out: tuple[str, ...] = ()
    defects: tuple[NamedDefect, ...] = ()


Spec = LookSpec | LearnSpec


def ask(store: Store, spec: Spec, by: Person) -> None:
    """Ask for a job, whatever became of the last one of its kind for the recipe.

    Args:
        store: The store.
        spec: What is to be done.
        by: Who asks; what is learned is deployed, which takes a lead.

    Raises:
        PermissionDenied: The person may not.
        ConfigError: Nobody answers for what is to be learned.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "have good parts looked at")
    if isinstance(spec, LearnSpec):
        by.require(Role.LEAD, "have parts learned and deployed")
    if isinstance(spec, LearnSpec) and not spec.by.is_named:
        raise ConfigError("Nobody answers for what is learned.", hint="Give your name.")
    kind, key = (LOOK if isinstance(spec, LookSpec) else LEARN), _key(spec.station, spec.recipe)
    last = job_status(store, name_of(kind, key))
    if last is not None and last.state in {State.FAILED, State.GIVEN_UP}:
        reopen(store, last.job.id)
    text = TypeAdapter(type(spec)).dump_json(spec).decode()
    with writing(store) as connection:
        add(connection, kind, key, pack=PACK, payload={"spec": text}, at=now())


def status_of(store: Store, kind: str, station: str, recipe: int) -> JobStatus | None:
    """Return where the last job of a kind for a recipe stands; None where none was asked for.

    Raises:
        StoreError: The database failed.
    """
    return job_status(store, name_of(kind, _key(station, recipe)))


def _key(station: str, recipe: int) -> str:
    return f"{station}/{recipe}"
