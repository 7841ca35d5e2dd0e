"""people: who has which role."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import Json
from core.cli.output import print_json, print_line

if TYPE_CHECKING:
    from core.people import Role
    from core.records.connection import Store
    from core.records.people import RoleGrant
    from core.service.people.roles import Identity

people = typer.Typer(
    no_args_is_help=True, help="People who sign in: list them, give and take away roles."
)

Who = Annotated[
    str,
    typer.Argument(metavar="PERSON", help="Id or name of the list, or the provider's subject."),
]
Issuer = Annotated[str, typer.Option(help="Provider of somebody who has not signed in yet.")]
By = Annotated[str, typer.Option(help="Who decides; the account's name by default.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(people, name="people")


@people.command("list")
def list_(json: Json = False) -> None:
    """List everybody who has signed in or was given a role."""
    from core.people import Person
    from core.service.people.roles import list_people
    from core.service.store import open_store
    from core.settings import Settings

    with open_store(Settings()) as store:
        found = list_people(store, by=Person.alone(getpass.getuser()))
    if json:
        print_json({"people": [_line(one) for one in found]})
        return
    if not found:
        print_line("Nobody has signed in yet, and nobody was given a role.")
    for one in found:
        print_line(f"{one.person_id}  {one.role.value:<9} {one.name}  ({one.issuer} {one.subject})")


@people.command()
def grant(
    person: Who,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, reviewer, lead or admin.")],
    issuer: Issuer = "",
    name: Annotated[str, typer.Option(help="Name of somebody who has not signed in yet.")] = "",
    by: By = "",
) -> None:
    """Give somebody a role, in the place of the one they have.

    It counts at once, in open pages too.
    """
    from core.service.store import open_store
    from core.settings import Settings

    with open_store(Settings()) as store:
        _give(store, _identity(store, person, issuer, name), _role(role), by)


@people.command()
def revoke(person: Who, by: By = "") -> None:
    """Take somebody's role away.

    It counts at once, in open pages too.
    """
    from core.people import Role
    from core.service.store import open_store
    from core.settings import Settings

    with open_store(Settings()) as store:
        _give(store, _identity(store, person, "", ""), Role.NONE, by)


def _give(store: Store, who: Identity, role: Role, by: str) -> None:
    from core.people import Person
    from core.service.people.roles import grant as give

    made = give(store, who, role, by=Person.alone(by or getpass.getuser()))
    print_line(f"{made.name} ({made.person_id}) has the role {made.role.value} from now on.")


def _identity(store: Store, person: str, issuer: str, name: str) -> Identity:
    from core.errors import ConfigError
    from core.people import Person
    from core.service.people.roles import Identity, list_people

    if issuer:
        return Identity(issuer, person, name or person)
    known = list_people(store, by=Person.alone(getpass.getuser()))
    found = [one for one in known if person in (one.person_id, one.name, one.subject)]
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} people are {person!r}; expected one.",
            hint="Give the id that `assay people list` shows, or --issuer and the subject.",
        )
    return Identity(found[0].issuer, found[0].subject, found[0].name)


def _role(name: str) -> Role:
    from core.errors import ConfigError
    from core.people import Role

    try:
        return Role(name)
    except ValueError:
        raise ConfigError(
            f"There is no role {name!r}; roles are: {', '.join(Role)}.", hint="Name one of them."
        ) from None


def _line(one: RoleGrant) -> dict[str, str]:
    return {
        "id": one.person_id,
        "name": one.name,
        "role": one.role.value,
        "issuer": one.issuer,
        "subject": one.subject,
        "granted_by": one.granted_by,
        "granted_at": one.granted_at.isoformat(),
    }
