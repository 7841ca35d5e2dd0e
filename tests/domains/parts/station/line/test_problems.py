"""What a station has lost stands in its status: on outputs, board and terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

from core.settings import Settings
from domains.parts.station.board.status_file import read_status, status_path
from domains.parts.station.capture.sources.folder import FolderSource
from domains.parts.station.capture.sources.judged_files import JudgedFiles
from domains.parts.station.line.gate_runner import GateRunner
from domains.parts.station.line.problems import offline_reasons, problems_of
from domains.parts.station.options import TriggerOptions
from domains.parts.station.outputs.group import OutputGroup
from domains.parts.station.plc.blocks import (
    ControlBlock,
    StatusBlock,
    encode_control,
    encode_status,
)
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.recipe import RejectOptions
from tests.domains.parts.station.inspected import wait_for

WORDS = encode_status(StatusBlock(online=True))


class Watcher:
    """An output that keeps what it was shown, and has a problem of its own."""

    name = "seen"
    problem = ""

    def __init__(self) -> None:
        self.shown: list[list[str]] = []

    def open(self) -> None: ...
    def close(self) -> None: ...

    def send(self, part, words) -> bool:
        return True

    def confirmed(self) -> tuple[str, ...]:
        return ()

    def show(self, words, status) -> None:
        self.shown.append(list(status["Problems"]))


def test_a_problem_is_shown_at_once_and_told_only_when_it_changes():
    output, heard = Watcher(), []
    group = OutputGroup([output], on_problems=heard.append)
    group.show(WORDS, 0.0)
    group.show(WORDS, 0.01, ["The folder is gone."])
    group.show(WORDS, 0.02, ["The folder is gone."])
    output.problem = "The broker does not answer."
    group.show(WORDS, 0.03, ["The folder is gone."])
    output.problem = ""
    group.show(WORDS, 0.04)
    both = ["The folder is gone.", "The broker does not answer."]
    assert output.shown == [[], both[:1], both, []]
    assert [list(one) for one in heard] == [both[:1], both, []]


def test_that_nobody_watches_the_certificate_is_a_problem_after_those_that_stop_the_line():
    lost = problems_of([], "Nothing is deployed.", None, "Nobody watches.")
    assert lost == ("Nothing is deployed.", "Nobody watches.")
    assert problems_of([], "", None, "") == ()


def test_problems_stay_within_what_a_message_may_hold():
    output = Watcher()
    OutputGroup([output]).show(WORDS, 0.0, [f"{n} " + "x" * 1000 for n in range(50)])
    assert len(output.shown[0]) == 16
    assert max(map(len, output.shown[0])) == 300


def test_a_folder_that_is_gone_and_a_gate_that_stopped_are_named(tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    settings = Settings(home=tmp_path / "home")
    judged = JudgedFiles(tmp_path / "files.sqlite", folder)
    options = TriggerOptions(rescan_s=0.05)
    source = FolderSource("top", folder, options, settings, judged, lambda _: None)
    gate = GateRunner(RejectOptions(by="encoder", distance=100, tolerance=10), lambda _: None)
    source.open()
    try:
        assert problems_of([source], "", gate) == ()
        assert offline_reasons([source], gate) == set()
        folder.rmdir()
        wait_for(lambda: source.problem, "the loss of the folder")
        (lost,) = problems_of([source], "", gate)
        assert str(folder) in lost
        for count in (500, 0):
            gate.control(encode_control(ControlBlock(encoder_count=count)), 0.0)
        assert problems_of([source], "Nothing is deployed.", gate)[1:] == (
            "Nothing is deployed.",
            "The belt ran backwards beyond what is tracked.",
        )
        assert offline_reasons([source], gate) == {OfflineReason.STATION}
    finally:
        source.close()


STATION = """
name = "line-1"
trigger.rescan_s = 0.2

[[recipes]]
number = 1
product = "bracket"
cameras = [{{ source = "{folder}" }}]
"""


@pytest.mark.service
def test_a_running_station_says_what_it_lacks_on_the_terminal_and_to_the_board(tmp_path):
    folder, file = tmp_path / "camera", tmp_path / "line.toml"
    folder.mkdir()
    file.write_text(STATION.format(folder=folder))
    main = "from core.cli import main; main()"
    command = [sys.executable, "-c", main, "parts", "station", "run", str(file), "--json"]
    environment = {**os.environ, "ASSAY_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines: Queue[str] = Queue()
        reader = Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True)
        reader.start()
        try:
            body = next_with(lines, "Nothing is deployed for parts bracket")
            assert body["station"] == "line-1"
            folder.rmdir()
            next_with(lines, str(folder))
            path = status_path(tmp_path / "home", "line-1")
            wait_for(lambda: any(str(folder) in p for p in shown_at(path)), "the board's status")
            folder.mkdir()
            wait_for(lambda: not any(str(folder) in p for p in shown_at(path)), "its end")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def test_a_station_that_cannot_start_says_why_on_the_terminal(tmp_path):
    folder, file = tmp_path / "camera", tmp_path / "line.toml"
    folder.mkdir()
    file.write_text(STATION.format(folder=folder))
    home = tmp_path / "home"
    home.mkdir()
    (home / "stations").write_text("in the way")
    main = "from core.cli import main; main()"
    command = [sys.executable, "-c", main, "parts", "station", "run", str(file)]
    environment = {**os.environ, "ASSAY_HOME": str(home), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"The station cannot use {home / 'stations'}" in ended.stdout
    assert "Traceback" not in ended.stderr + ended.stdout


def next_with(lines: Queue[str], text: str) -> dict:
    while True:
        try:
            body = json.loads(lines.get(timeout=90))
        except Empty:
            pytest.fail(f"no line with {text}")
        if any(text in problem for problem in body["problems"]):
            return body


def shown_at(path: Path) -> tuple[str, ...]:
    status = read_status(path)
    return () if status is None else status.problems
