"""The administrator's page: its examples are read by the product, its figures are the code's."""

import inspect
import re
import shlex
from pathlib import Path

import pytest
import typer.main

import domains.xray
from core.cli import info, worker
from core.service.intake.limits import Limits
from core.settings import MEBI, Settings
from domains.xray.commands import app as xray
from domains.xray.commands import listen
from domains.xray.node.node import NodeOptions
from domains.xray.node.peers import Node, load_peers
from domains.xray.worklist.history import OLDEST_DAYS

TEXT = (Path(domains.xray.__file__).parent / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.M | re.S)
TABLES = [block for kind, block in BLOCKS if kind == "toml"]
LINES = "".join(block for kind, block in BLOCKS if not kind).splitlines()
COMMANDS = [line for line in LINES if line.startswith("assay ")]


@pytest.mark.parametrize("table", TABLES)
def test_the_examples_of_the_peers_file_are_some(tmp_path, table):
    for name in ("node.pem", "node.key", "hospital.pem"):
        (tmp_path / name).write_text("")
    (tmp_path / "peers.toml").write_text(table)
    assert load_peers(tmp_path / "peers.toml").node.ae_title == "ASSAY"


def test_the_first_example_says_what_its_remarks_say(tmp_path):
    (tmp_path / "peers.toml").write_text(TABLES[0])
    peers = load_peers(tmp_path / "peers.toml")
    assert {one.name for one in peers.peers if one.may_send} == {"PACS", "CR1"}
    assert {one.name: one.results for one in peers.receivers()} == {
        "PACS": ("report", "capture"),
        "ARCHIVE": ("capture",),
    }


@pytest.fixture(scope="module")
def command():
    """The command line as it is with this pack."""
    whole = typer.Typer()
    for module in (info, worker):
        module.register(whole)
    whole.add_typer(xray, name="xray")
    return typer.main.get_command(whole)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_exists_with_its_options(line, command):
    words, context = shlex.split(line)[1:], None
    while words and words[0] in getattr(command, "commands", {}):
        context = command.make_context(words[0], [*words], parent=context, resilient_parsing=True)
        command = command.commands[words.pop(0)]
    # Raises for an option or an argument that the command does not know.
    assert command.make_context(command.name, words, parent=context).command is command


def test_the_page_has_commands_and_the_figures_of_the_code():
    assert len(COMMANDS) > 7
    defaults = {name: one.default for name, one in inspect.signature(listen).parameters.items()}
    rows = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", TEXT, re.M))
    assert rows["port for C-STORE and C-ECHO"] == str(defaults["port"])
    assert rows["address listened at"].startswith(f"`{NodeOptions().host}`")
    assert (rows["port for STOW-RS"], defaults["stow_port"]) == ("none", None)
    assert rows["AE title"] == f"`{Node().ae_title}`"
    assert rows["studies counted as new work"] == f"at most {OLDEST_DAYS} days old"
    assert rows["free disk space kept"] == f"{Limits().free_bytes // MEBI // 1024} GiB"
    assert rows["largest object"] == f"{Settings().max_bytes // MEBI} MiB"
    assert "127.0.0.1:8501" in TEXT
