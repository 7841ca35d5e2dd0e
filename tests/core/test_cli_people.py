"""`assay people`: roles from the server's own shell, the way in for a first admin."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from core.cli import people
from core.errors import ConfigError
from core.people import Role
from core.records.people import grants_of
from core.service.people.roles import Identity, person_of, sign_in

ISSUER = "https://login.example"
ADA = Identity(ISSUER, "1815", "Ada")


@pytest.fixture
def call(settings, monkeypatch):
    """Run a command; its output, or the error."""
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    app = typer.Typer()
    people.register(app)

    def run(*words, error=None):
        result = CliRunner().invoke(app, ["people", *words])
        assert isinstance(result.exception, error or type(None)), result.output
        return result.exception if error else result.output

    return run


def test_roles_are_given_listed_and_taken_away_by_id_name_or_subject(call, store, settings):
    assert "Nobody has signed in yet" in call("list")
    sign_in(store, settings, ADA)
    for role, person in ((Role.ADMIN, ADA.id), (Role.LEAD, "Ada"), (Role.VIEWER, "1815")):
        if role is Role.LEAD:
            call("grant", "1906", "admin", "--issuer", ISSUER, "--name", "Grace")
        assert f"has the role {role.value}" in call("grant", person, role.value, "--by", "root")
        assert person_of(store, ADA).role is role
    assert grants_of(store, ADA.id)[0].granted_by == "root"
    listed = json.loads(call("list", "--json"))["people"]
    assert [(one["name"], one["role"], one["subject"]) for one in listed] == [
        ("Ada", "viewer", "1815"),
        ("Grace", "admin", "1906"),
    ]
    call("revoke", "Ada")
    assert person_of(store, ADA).role is Role.NONE


def test_an_unknown_person_an_ambiguous_name_and_an_unknown_role_are_refused(call, store, settings):
    for subject in ("1", "2"):
        sign_in(store, settings, Identity(ISSUER, subject, "Ada"))
    assert "2 people are 'Ada'" in str(call("grant", "Ada", "lead", error=ConfigError))
    assert "0 people are 'Eve'" in str(call("revoke", "Eve", error=ConfigError))
    assert "There is no role 'boss'" in str(call("grant", "1", "boss", error=ConfigError))
