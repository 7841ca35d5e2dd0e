"""recertify and proposals as a person uses them: nothing changes before a second name."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from core.cli import recertify
from core.errors import ConfigError, DataError, PermissionDenied
from core.people import Person
from core.records import deployments
from core.service.bundles.archive import keep_recertified
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import make_policy
from core.types import Targets
from tests.core.service.recertify.arrivals import answer_all, arrive


@pytest.fixture
def settings(tiny_product, tmp_path):
    return tiny_product.settings_at(tmp_path / "home")


@pytest.fixture
def call(settings, monkeypatch):
    """Run a command and return what it prints as JSON, or the error."""
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    app = typer.Typer()
    recertify.register(app)

    def run(*words, error=None):
        result = CliRunner().invoke(app, [*map(str, words), *(() if error else ("--json",))])
        assert isinstance(result.exception, error or type(None)), result.output
        return str(result.exception) if error else json.loads(result.stdout)

    return run


def test_reviewed_cases_are_recertified_proposed_and_released_by_somebody_else(
    call, tiny_product, store, settings
):
    bundle = tiny_product.opened()[0]
    deploy_bundle(
        tiny_product.bundle, store, settings, product="left", signed=Signed(Person.alone("Ada"))
    )
    passes_none = make_policy(bundle, Targets(escape=0.001, overkill=0.2), 1)
    keep_recertified(bundle, passes_none, None, settings)
    assert call("proposals") == {"proposals": []}
    assert "20 of 20 cases" in call("recertify", "left", "--by", "Ada", error=DataError)
    answer_all(store, arrive(store, bundle, passes_none, 80))
    assert call("recertify", "left", "--no-propose")["counted"] == 30
    (made,) = call("recertify", "left", "--by", "Ada")["proposals"]
    assert (made["number"], made["by"], made["outcome"]) == (1, "Ada", "open")
    assert made["evidence"]["flips"]["cases"] == 80
    refused = call("proposals", "--release", "1", "--by", "Ada", error=PermissionDenied)
    assert made["policy"] in refused
    assert deployments.newest(store, "parts", "left").policy_id == made["before"]
    (done,) = call("proposals", "--release", "1", "--by", "Bo", "--comment", "seen")["proposals"]
    assert (done["outcome"], done["decided_by"], done["comment"]) == ("released", "Bo", "seen")
    assert deployments.newest(store, "parts", "left").policy_id == made["policy"]
    assert "released by Bo already" in call(
        "proposals", "--reject", "1", "--by", "Bo", error=ConfigError
    )
