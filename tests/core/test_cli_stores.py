"""Every command lets go of the store that it opened, also when it fails."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil
import pytest
import typer
from typer.testing import CliRunner

from core.cli import admin, assess, batch, deploy, info, people, recertify, worker


@pytest.fixture(scope="module")
def app():
    made = typer.Typer()
    for module in (admin, assess, batch, deploy, info, people, recertify, worker):
        module.register(made)
    return made


@pytest.fixture
def files_left_open(app, tiny_product, tmp_path, monkeypatch):
    """Run a command in this process; the files of its store that stay open."""
    home = tiny_product.settings_at(tmp_path / "home").home
    monkeypatch.setenv("ASSAY_HOME", str(home))

    def run(*words, code=0):
        gc.disable()  # it would close what nobody holds any longer, sooner or later
        try:
            result = CliRunner().invoke(app, [*map(str, words)])
            files = [Path(one.path) for one in psutil.Process().open_files()]
        finally:
            gc.enable()
        assert result.exit_code == code, (result.output, result.exception)
        assert (home / "assay.sqlite").exists()
        return [file.name for file in files if file.name.startswith("assay.sqlite")]

    return run


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("audit head", 0),
        ("deployments", 0),
        ("deployments --take-back", 1),
        ("doctor", 0),
        ("people grant 1815 lead --issuer https://login.example", 0),
        ("people list", 0),
        ("people revoke nobody", 1),
        ("proposals", 0),
        ("proposals --release 7", 1),
        ("queue", 0),
        ("recertify", 1),
        ("replay 0", 1),
        ("worker --once", 0),
    ],
)
def test_no_command_leaves_its_store_open(files_left_open, words, code):
    assert files_left_open(*words.split(), code=code) == []


def test_no_command_with_a_bundle_leaves_its_store_open(files_left_open, tiny_product, tmp_path):
    bundle, pictures = tiny_product.bundle, tiny_product.data / "test"
    picture = tiny_product.pictures("test", "good")[0]
    assert files_left_open("assess", bundle, picture) == []
    assert files_left_open("deploy", bundle) == []
    assert files_left_open("deploy", bundle, "--propose") == []
    assert files_left_open("batch", bundle, pictures, "-o", tmp_path / "rows", "--queue") == []
    archive = ("batch", bundle, picture.parent, "--engine", "threads", "--store")
    assert files_left_open(*archive, "-o", tmp_path / "own") == []
