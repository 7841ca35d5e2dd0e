"""A sign-in: what of the provider's claims a browser keeps, and until when it counts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import PermissionDenied
from core.people import Person, Role
from core.records import people as records
from core.records.connection import Store
from core.records.values import now
from core.service.people.roles import Identity, person_of

LEEWAY_S = 300
"""How far the provider's clock may be from ours."""

MAX_CLAIM = 255
"""Longest issuer and subject; OpenID Connect Core allows a subject of 255 characters."""

NOBODY = Person("", "", Role.NONE)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in as the browser's signed cookie has it.

    Attributes:
        who: The person.
        session: Random text that names this sign-in.
        expires_at: Until when it counts, in UTC.
    """

    who: Identity
    session: str
    expires_at: datetime


def kept_claims(
    claims: Mapping[str, object], *, minutes: float = 0.0, at: datetime | None = None
) -> dict[str, object]:
    """Return what of a validated ID token is kept: who, a random name, and until when.

    Groups, pictures and whatever else a provider adds stay out, so that the cookie passes proxies
    with small buffers. The token's lifetime counts from our own clock: the provider's may differ.

    Args:
        claims: Those of the token.
        minutes: How long a sign-in counts; 0 for as long as the token.
        at: When; now, unless given.

    Raises:
        PermissionDenied: Issuer or subject is missing or too long, or the token has no lifetime.
    """
    issuer, subject = (claims.get(name) for name in ("iss", "sub"))
    for name, value in (("issuer", issuer), ("subject", subject)):
        if not isinstance(value, str) or not 0 < len(value) <= MAX_CLAIM:
            raise PermissionDenied(
                f"The provider's token has no {name} of 1 to {MAX_CLAIM} characters.",
                hint="Whoever runs the provider can mend that.",
            )
    issued, expires = (claims.get(name) for name in ("iat", "exp"))
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise PermissionDenied(
            "The provider's token does not say when it ends.",
            hint="Whoever runs the provider can mend that.",
        )
    lifetime = timedelta(minutes=minutes) if minutes else timedelta(seconds=expires - issued)
    who = Identity.from_claims(str(issuer), str(subject), claims)
    return {
        "iss": who.issuer,
        "sub": who.subject,
        "name": who.name,
        "sid": secrets.token_urlsafe(16),
        "exp": int(((at or now()) + lifetime).timestamp()),
    }


def signed_in_from(claims: Mapping[str, object]) -> SignedIn | None:
    """Return the sign-in of a cookie whose signature was checked; None where it is no such one."""
    text = [claims.get(name) for name in ("iss", "sub", "name", "sid")]
    expires = claims.get("exp")
    if not all(isinstance(one, str) and one for one in text) or not isinstance(expires, int):
        return None
    issuer, subject, name, session = map(str, text)
    who = Identity(issuer, subject, name)
    return SignedIn(who, session, datetime.fromtimestamp(expires, now().tzinfo))


def is_over(store: Store, found: SignedIn, at: datetime | None = None) -> bool:
    """Return whether a sign-in counts no more: its time is up, or it was ended.

    Raises:
        StoreError: The database failed.
    """
    return (at or now()) >= found.expires_at or records.has_ended(store, found.session)


def person_signed_in(store: Store, found: SignedIn | None, at: datetime | None = None) -> Person:
    """Return who has signed in, in the role that counts now; NOBODY where the sign-in is over.

    Raises:
        StoreError: The database failed.
    """
    if found is None or is_over(store, found, at):
        return NOBODY
    return person_of(store, found.who)


def end(store: Store, found: SignedIn, reason: str) -> None:
    """End a sign-in, so that its cookie counts no more wherever it is.

    Args:
        store: The store.
        found: The sign-in.
        reason: Why: ``sign out`` or ``idle``.

    Raises:
        StoreError: The database failed.
    """
    records.end_session(store, found.session, found.who.id, reason)
