"""Units for systemd, as systemd itself reads them, whose commands are commands of ours."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from core.cli.app import app, register_commands
from core.errors import ConfigError
from core.service.units import list_units, render_unit, write_units
from core.settings import Settings
from tests.needed import skip_without

BACKUP = Path("/var/backups/assay")


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


def test_no_mark_is_left_and_every_command_exists(settings):
    for pack in ("xray", "parts"):
        register_commands([pack])
    command = typer.main.get_command(app)
    found = []
    for name in list_units():
        text = render_unit(name, settings, BACKUP)
        assert not re.search(r"@[A-Z]+@", text)
        found += re.findall(r"^ExecStart=\S*assay (.+)$", text, re.MULTILINE)
    assert len(found) == 5
    for line in found:
        here, words = command, line.split()
        while words and isinstance(here, typer.core.TyperGroup) and words[0] in here.commands:
            here = here.commands[words.pop(0)]
        options = {one for param in here.params for one in param.opts}
        assert {one for one in words if one.startswith("--")} <= options, line
        assert not isinstance(here, typer.core.TyperGroup), line


@pytest.mark.service
def test_systemd_finds_nothing_wrong(settings, tmp_path):
    skip_without(shutil.which("systemd-analyze") is not None, "apt-get install systemd")
    written = write_units(tmp_path / "units", settings, BACKUP)
    assert len(written) == 6
    for path in written:
        named = path.with_name(path.name.replace("@.", "@line-1."))
        if named != path:
            shutil.copy(path, named)
        checked = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(named)], capture_output=True, text=True
        )
        assert (checked.returncode, checked.stderr) == (0, "")


def test_a_path_that_systemd_would_split_or_expand_is_refused(settings, tmp_path):
    home = settings.model_copy(update={"home": tmp_path / "two words"})
    with pytest.raises(ConfigError, match="cannot stand in a unit"):
        render_unit("assay-worker.service", home, BACKUP)
    with pytest.raises(ConfigError, match="There is no unit 'x'"):
        render_unit("x", settings, BACKUP)


def test_the_container_file_knows_no_path_of_this_machine(settings):
    text = render_unit("Containerfile", settings, BACKUP)
    assert str(settings.home) not in text
    assert text.count("USER assay") == 1
