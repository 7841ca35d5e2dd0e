"""Roles and ended sign-ins as rows: append-only, covered by the audit log, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.people import Role
from core.records import audit
from core.records.connection import writing
from core.records.people import (
    RoleGrant,
    add_grant,
    end_session,
    grants_of,
    has_ended,
    names_of,
    newest_grant,
    newest_grants,
)

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


def give(store, person_id: str, role: Role, name: str = "Ada") -> RoleGrant:
    made = RoleGrant(person_id, "https://login.example", f"s {person_id}", name, role, "root", AT)
    add_grant(store, made, "grant role")
    return made


def test_the_last_role_given_counts_whatever_the_clock_says(store):
    first = give(store, "a", Role.ADMIN)
    other = give(store, "b", Role.VIEWER, "Grace")
    last = give(store, "b", Role.ADMIN, "Grace H.")
    assert newest_grant(store, "b") == last
    assert newest_grant(store, "c") is None
    assert newest_grants(store) == [first, last]
    assert grants_of(store, "b") == [last, other]
    assert names_of(store, ["a", "b", "Eva"]) == {"a": "Ada", "b": "Grace H.", "Eva": "Eva"}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("UPDATE role_grants SET role = 'admin'", "row edited"),
        ("DELETE FROM role_grants", "row missing"),
        ("DELETE FROM ended_sessions", "row missing"),
        ("UPDATE ended_sessions SET person_id = 'b'", "row edited"),
    ],
)
def test_the_audit_log_notices_a_role_or_an_ended_sign_in_that_was_changed(store, change, kind):
    give(store, "a", Role.VIEWER)
    assert end_session(store, "secret", "a", "sign out")
    assert audit.verify(store).faults == ()
    with writing(store) as connection:
        connection.exec_driver_sql(change)
    assert {fault.kind for fault in audit.verify(store).faults} == {kind}


def test_a_sign_in_ends_once_and_its_secret_is_not_kept(store):
    assert not has_ended(store, "secret")
    assert end_session(store, "secret", "a", "sign out", AT)
    assert not end_session(store, "secret", "a", "idle", AT)
    assert has_ended(store, "secret")
    assert not has_ended(store, "secre")
    with writing(store) as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM ended_sessions").mappings()
    assert "secret" not in str(dict(row))
