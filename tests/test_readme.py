"""What the README states: its Python runs, its commands exist, its settings are all of them."""

import doctest
import re
import shutil
from pathlib import Path

import pytest
import typer

from core.cli.app import app, register_commands
from core.settings import Settings

README = Path(__file__).parents[1] / "README.md"
PAGES = (README, README.parent / "domains" / "xray" / "README.md")


@pytest.fixture(scope="module")
def command():
    """Every command of `assay`, those of the packs that these pages name included."""
    for pack in ("xray", "crops"):
        register_commands([pack])
    return typer.main.get_command(app)


def commands_in(page: Path) -> list[str]:
    """What stands behind `assay` in code spans and at the start of lines of code."""
    text = page.read_text()
    spans = re.findall(r"(?<!`)`assay ([^`]+)`", text)
    lines = re.findall(r"^assay ([^#\n]+)", text, re.MULTILINE)
    return [" ".join(one.split()) for one in (*spans, *lines)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_every_command_and_option_exists(command, page):
    found = commands_in(page)
    assert len(found) > 5
    for written in found:
        group = here = command
        words = written.split()
        for before, word in zip(["", *words], words, strict=False):
            if re.fullmatch(r"--?[a-z][a-z-]*", word):
                options = {name for p in here.params for name in (*p.opts, *p.secondary_opts)}
                assert word in options, written
            elif word == "|":
                here = group
            elif hasattr(here, "commands") and not before.startswith("-"):
                assert word in here.commands, written
                group, here = here, here.commands[word]


def test_the_three_lines_of_python_do_what_is_shown(tiny_product, tmp_path, monkeypatch):
    shutil.copytree(tiny_product.bundle, tmp_path / "my-part")
    for number, label in enumerate(("good", "scratched"), 1):
        shutil.copy(tiny_product.pictures("test", label)[0], tmp_path / f"plate-{number}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_HOME", str(tiny_product.settings.home))
    failed, tried = doctest.testfile(str(README), module_relative=False)
    assert tried >= 3
    assert failed == 0


def test_every_setting_is_documented_with_its_default():
    text = README.read_text()
    for name, field in Settings.model_fields.items():
        row = next(x for x in text.splitlines() if x.startswith(f"| `ASSAY_{name.upper()}`"))
        shown = row.split("|")[2].strip().strip("`")
        default = int(field.default) if isinstance(field.default, bool) else field.default
        assert shown in (str(default), f"{default:g}" if isinstance(default, float) else shown)
