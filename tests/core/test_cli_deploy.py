"""deploy and deployments as a person uses them: an earlier one comes back in force."""

from __future__ import annotations

import json
import shutil

import pytest
import typer
from typer.testing import CliRunner

from core.cli import deploy
from core.errors import ConfigError, PermissionDenied
from core.people import Person, Role
from core.records import deployments
from core.records.proposals import list_proposals
from core.service.bundles.deployments import Deployed
from core.service.bundles.open import open_bundle, policy_of
from core.service.recertify.proposals import release
from core.settings import Settings
from core.types import Targets
from tests.ceilings import certify_above


@pytest.fixture
def settings(tiny_product, tmp_path):
    return tiny_product.settings_at(tmp_path / "home")


@pytest.fixture
def bundle(tiny_product, tmp_path):
    return shutil.copytree(tiny_product.bundle, tmp_path / "plates")


@pytest.fixture
def call(settings, monkeypatch):
    """Run a command and return its deployments as JSON, or the error."""
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    app = typer.Typer()
    deploy.register(app)

    def run(*words, error=None, key="deployments"):
        result = CliRunner().invoke(app, [*map(str, words), *(() if error else ("--json",))])
        assert isinstance(result.exception, error or type(None)), result.output
        return str(result.exception) if error else json.loads(result.stdout)[key]

    return run


def test_an_older_row_is_back_in_force_and_judges(call, bundle, settings, store):
    (old,) = call("deploy", bundle, "--product", "left", "--by", "Ada", "--audit", "0.1")
    first = policy_of(open_bundle(bundle, settings))
    second = certify_above(open_bundle(bundle, settings), Targets(escape=0.3, overkill=0.3))
    (new,) = call("deploy", bundle, "--product", "left", "--by", "Ada")
    assert (old["policy"], new["policy"]) == (first.id, second.id)
    assert (new["supersedes"] != "", new["number"]) == (True, 2)
    call("deploy", bundle, "--product", "right", "--by", "Ada")

    (back,) = call(
        "deployments", "--take-back", "--product", "left", "--by", "Bo", "--second", "Cy"
    )
    assert (back["number"], back["policy"], back["audit_share"]) == (4, first.id, 0.1)
    assert (back["by"], back["second"], back["second_typed"]) == ("Bo", "Cy", True)
    assert back["evidence"] == {"restores": 1, "second person typed": True}
    in_force = {one["product"]: one["policy"] for one in call("deployments")}
    assert in_force == {"left": first.id, "right": second.id}
    assert Deployed(store, settings).judge_of("parts", "left").policy == first

    (forth,) = call("deployments", "--take-back", "--to", 2, "--product", "left", "--by", "Bo")
    assert (forth["policy"], forth["second_typed"]) == (second.id, False)
    numbers = [one["number"] for one in call("deployments", "--history", "--product", "left")]
    assert numbers == [5, 4, 2, 1]


def test_what_cannot_come_back_is_refused_and_nothing_changes(call, bundle, store):
    taking = ("deployments", "--take-back", "--by", "Bo")
    assert "no pack" in call(*taking, error=ConfigError)
    call("deploy", bundle, "--product", "left", "--by", "Ada")
    assert "earlier ones are: none" in call(*taking, "--product", "left", error=ConfigError)
    assert "expected number 7" in call(*taking, "--product", "left", "--to", 7, error=ConfigError)
    alone = ("--by", "Bo", "--second", "bo")
    assert "second person" in call("deploy", bundle, *alone, error=ConfigError)
    assert len(deployments.history(store, "parts", "left")) == 1


def test_where_people_sign_in_a_typed_name_is_nobody_and_a_proposal_waits(
    call, bundle, store, settings, monkeypatch
):
    (first,) = call("deploy", bundle, "--product", "left", "--by", "Ada", "--second", "Bo")
    assert first["second_typed"] is True
    certify_above(open_bundle(bundle, settings), Targets(escape=0.3, overkill=0.3))
    for name, value in {
        "oidc_metadata_url": "https://idp.example.org/.well-known/openid-configuration",
        "oidc_client_id": "assay",
        "oidc_client_secret": "hush",
        "cookie_secret": 32 * "x",
        "base_url": "https://assay.example.org",
    }.items():
        monkeypatch.setenv(f"ASSAY_{name.upper()}", value)
    typed = ("--by", "Ada", "--second", "Bo")
    assert "People sign in here, and Bo" in call("deploy", bundle, *typed, error=PermissionDenied)
    back = ("deployments", "--take-back", "--product", "left", "--to", 1)
    assert "People sign in here" in call(*back, *typed, error=PermissionDenied)

    call("deploy", bundle, "--product", "left", "--by", "Ada", "--propose", key="proposals")
    (proposal,) = list_proposals(store)
    assert deployments.newest(store, "parts", "left").number == 1
    with_sign_in = Settings()
    with pytest.raises(PermissionDenied, match="Bo is a name that was typed"):
        release(store, with_sign_in, proposal, by=Person.alone("Bo"))
    made = release(store, with_sign_in, proposal, by=Person("id-grace", "Grace", Role.LEAD))
    assert (made.policy_id, made.deployed_by, made.second_person, made.is_second_typed) == (
        proposal.policy_id, "id-grace", "Ada", False,
    )  # fmt: skip
    assert made.policy_id != first["policy"]
    assert proposal.evidence["summary"]
