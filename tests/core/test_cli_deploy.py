"""deploy and deployments as a person uses them: an earlier one comes back in force."""

from __future__ import annotations

import json
import shutil

import pytest
import typer
from typer.testing import CliRunner

from core.cli import deploy
from core.errors import ConfigError
from core.records import deployments
from core.service.bundles.deployments import Deployed
from core.service.bundles.open import open_bundle, policy_of
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

    def run(*words, error=None):
        result = CliRunner().invoke(app, [*map(str, words), *(() if error else ("--json",))])
        assert isinstance(result.exception, error or type(None)), result.output
        return str(result.exception) if error else json.loads(result.stdout)["deployments"]

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
    assert (back["by"], back["second"], back["evidence"]) == ("Bo", "Cy", {"restores": 1})
    in_force = {one["product"]: one["policy"] for one in call("deployments")}
    assert in_force == {"left": first.id, "right": second.id}
    assert Deployed(store, settings).judge_of("parts", "left").policy == first

    (forth,) = call("deployments", "--take-back", "--to", 2, "--product", "left", "--by", "Bo")
    assert forth["policy"] == second.id
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
