"""Roles: who gives them, what they are keyed by, and what stays on record."""

from __future__ import annotations

import pytest

from core.errors import ConfigError, PermissionDenied
from core.people import Person, Role
from core.records import audit
from core.records.people import grants_of
from core.service.people.roles import (
    Identity,
    grant,
    list_people,
    names_of,
    person_of,
    revoke,
    sign_in,
)

ISSUER = "https://login.example"
ADA = Identity(ISSUER, "1815", "Ada")
GRACE = Identity(ISSUER, "1906", "Grace")
ROOT = Person.alone("root")


def test_somebody_who_signs_in_has_no_role_until_an_admin_gives_one(store, settings):
    first = sign_in(store, settings, ADA)
    assert first == Person(ADA.id, "Ada", Role.NONE)
    with pytest.raises(PermissionDenied, match="Ada has no role and cannot look at cases"):
        first.require(Role.VIEWER, "look at cases")
    grant(store, ADA, Role.LEAD, by=ROOT)
    assert person_of(store, ADA).role is Role.LEAD
    assert sign_in(store, settings, ADA).role is Role.LEAD
    assert [one.role for one in grants_of(store, ADA.id)] == [Role.LEAD, Role.NONE]
    revoke(store, ADA, by=ROOT)
    assert person_of(store, ADA).role is Role.NONE
    assert audit.verify(store).faults == ()


def test_a_person_is_an_issuers_subject_and_never_an_address(store, settings):
    claims = {"email": "ada@example.org", "email_verified": True}
    first = Identity.from_claims(ISSUER, "1815", claims)
    namesake = Identity.from_claims(ISSUER, "1816", claims)
    elsewhere = Identity.from_claims("https://other.example", "1815", claims)
    grant(store, first, Role.ADMIN, by=ROOT)
    assert first.name == namesake.name == "ada@example.org"
    for other in (namesake, elsewhere):
        assert sign_in(store, settings, other).role is Role.NONE
    # Where one ends and the other begins counts too.
    assert Identity("a", "b c", "").id != Identity("a b", "c", "").id


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": " Ada L. ", "email": "ada@example.org"}, "Ada L."),
        ({"name": "", "preferred_username": "ada"}, "ada"),
        ({"name": 7}, "1815"),
        ({}, "1815"),
        ({"name": "x" * 5000}, "x" * 80),
    ],
)
def test_a_person_is_shown_by_the_first_claim_that_names_them(claims, name):
    assert Identity.from_claims(ISSUER, "1815", claims).name == name


@pytest.mark.parametrize("role", [Role.NONE, Role.VIEWER, Role.REVIEWER, Role.LEAD])
def test_only_an_admin_gives_takes_or_lists_roles(store, role):
    somebody = Person(GRACE.id, "Grace", role)
    for refused in (
        lambda: grant(store, GRACE, Role.ADMIN, by=somebody),
        lambda: revoke(store, ADA, by=somebody),
        lambda: list_people(store, by=somebody),
    ):
        with pytest.raises(PermissionDenied):
            refused()
    assert list_people(store, by=ROOT) == []


def test_the_only_admin_stays_one(store):
    grant(store, ADA, Role.ADMIN, by=ROOT)
    for role in (Role.NONE, Role.LEAD):
        with pytest.raises(ConfigError, match="Ada is the only admin"):
            grant(store, ADA, role, by=person_of(store, ADA))
    grant(store, GRACE, Role.ADMIN, by=person_of(store, ADA))
    revoke(store, ADA, by=person_of(store, GRACE))
    assert [(one.name, one.role) for one in list_people(store, by=ROOT)] == [
        ("Ada", Role.NONE),
        ("Grace", Role.ADMIN),
    ]


def test_the_first_admin_of_the_settings_is_one_only_while_nobody_else_is(store, settings):
    named = settings.model_copy(update={"admin": f"{ISSUER} 1815"})
    assert sign_in(store, named, GRACE).role is Role.NONE
    assert sign_in(store, named, ADA).role is Role.ADMIN
    grant(store, GRACE, Role.ADMIN, by=person_of(store, ADA))
    revoke(store, ADA, by=person_of(store, GRACE))
    assert sign_in(store, named, ADA).role is Role.NONE


def test_an_id_is_shown_by_the_newest_name_and_a_name_by_itself(store, settings):
    sign_in(store, settings, ADA)
    sign_in(store, settings, Identity(ISSUER, "1815", "Ada Lovelace"))
    shown = names_of(store, [ADA.id, "Eva"])
    assert shown == {ADA.id: "Ada Lovelace", "Eva": "Eva"}


def test_nobody_without_issuer_or_subject_gets_a_role(store):
    for who in (Identity("", "1815", "Ada"), Identity(ISSUER, " ", "Ada")):
        with pytest.raises(ConfigError, match="one of the two is empty"):
            grant(store, who, Role.VIEWER, by=ROOT)
