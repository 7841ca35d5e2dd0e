"""Roles: given and taken away by an admin, and looked up anew for whatever a person does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import ConfigError
from core.people import Person, Role
from core.records import people as records
from core.records.connection import Store
from core.records.people import RoleGrant
from core.records.values import now
from core.settings import Settings

FIRST_ADMIN = "ASSAY_ADMIN"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody as an OpenID provider knows them.

    Attributes:
        issuer: The provider.
        subject: What the provider calls the person; the same address under another subject is
            another person.
        name: As the person is shown; counts for nothing else.
    """

    issuer: str
    subject: str
    name: str

    @classmethod
    def from_claims(cls, issuer: str, subject: str, claims: Mapping[str, object]) -> Identity:
        """Return an identity, shown by the first of the claims that names it."""
        named = (claims.get(key) for key in ("name", "preferred_username", "email"))
        shown = next((one.strip() for one in named if isinstance(one, str) and one.strip()), "")
        return cls(issuer, subject, shown[:80] or subject[:80])

    @property
    def id(self) -> str:
        """Hash of issuer and subject, by which the store knows the person."""
        pair = json.dumps([self.issuer, self.subject])
        return hashlib.sha256(pair.encode()).hexdigest()[:20]


def grant(
    store: Store, who: Identity, role: Role, *, by: Person, at: datetime | None = None
) -> RoleGrant:
    """Return the grant by which a person has a role from now on.

    Args:
        store: The store.
        who: The person; need not have signed in before.
        role: The role.
        by: Who gives it, an admin.
        at: When; now, unless given.

    Raises:
        PermissionDenied: Whoever gives it is no admin.
        ConfigError: Issuer or subject is empty, or the only admin would lose the role.
        StoreError: The database failed.
    """
    by.require(Role.ADMIN, "give people roles")
    if not who.issuer.strip() or not who.subject.strip():
        raise ConfigError(
            "A person is the subject of an issuer; one of the two is empty.",
            hint="Both stand on the page that a person without a role sees after signing in.",
        )
    new = _grant_of(who, role, by.id, at)
    records.add_grant(store, new, "revoke role" if role is Role.NONE else "grant role")
    return new


def revoke(store: Store, who: Identity, *, by: Person, at: datetime | None = None) -> RoleGrant:
    """Return the row by which a person has no role from now on.

    Raises:
        PermissionDenied: Whoever takes it away is no admin.
        ConfigError: It is the only admin.
        StoreError: The database failed.
    """
    return grant(store, who, Role.NONE, by=by, at=at)


def list_people(store: Store, *, by: Person) -> Sequence[RoleGrant]:
    """Return who has which role, those who asked for one included, by name.

    Raises:
        PermissionDenied: Whoever asks is no admin.
        StoreError: The database failed.
    """
    by.require(Role.ADMIN, "see who has which role")
    found = records.newest_grants(store)
    return sorted(found, key=lambda one: (one.name.casefold(), one.person_id))


def names_of(store: Store, ids: Collection[str]) -> Mapping[str, str]:
    """Return the names of people by the ids that rows hold; in single-user mode these are names.

    Raises:
        StoreError: The database failed.
    """
    return records.names_of(store, ids)


def person_of(store: Store, who: Identity) -> Person:
    """Return a person in the role that counts now, read anew; NONE where none was given.

    Raises:
        StoreError: The database failed.
    """
    found = records.newest_grant(store, who.id)
    return Person(who.id, who.name, found.role if found else Role.NONE)


def sign_in(store: Store, settings: Settings, who: Identity) -> Person:
    """Return a person who has just signed in, on record from now on even without a role.

    The person whom the settings name as the first admin becomes one while nobody else is.

    Raises:
        StoreError: The database failed.
    """
    found = records.newest_grant(store, who.id)
    role = found.role if found else Role.NONE
    granted_by, action = who.id, "sign in"
    if role is not Role.ADMIN and _is_first_admin(store, settings, who):
        role, granted_by, action = Role.ADMIN, FIRST_ADMIN, "grant role"
    if found is None or (found.role, found.name) != (role, who.name):
        records.add_grant(store, _grant_of(who, role, granted_by, None), action)
    return Person(who.id, who.name, role)


def _is_first_admin(store: Store, settings: Settings, who: Identity) -> bool:
    named = settings.admin.split()
    if named != [who.issuer, who.subject]:
        return False
    return all(one.role is not Role.ADMIN for one in records.newest_grants(store))


def _grant_of(who: Identity, role: Role, by: str, at: datetime | None) -> RoleGrant:
    return RoleGrant(who.id, who.issuer, who.subject, who.name, role, by, at or now())
