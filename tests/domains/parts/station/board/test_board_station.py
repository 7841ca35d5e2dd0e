"""A whole station and its board, which know each other by the home folder alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic

import cv2
import numpy as np
import pytest

from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.board.commands import CommandName, answer_to, send_command
from domains.parts.station.board.headline import headline
from domains.parts.station.board.status_file import boot_id, is_answering, read_status, status_path
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.faults.rig import PRODUCT
from domains.parts.station.line.station import run_station
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile
from domains.parts.station.records.parts import parts_of
from domains.parts.station.user import StationRole, StationUser
from tests.domains.parts.station.inspected import wait_for

pytestmark = pytest.mark.trained


@contextmanager
def running(home: Path, folder: Path) -> Iterator[None]:
    folder.mkdir()
    camera = CameraOptions(name="top", source=str(folder))
    recipe = Recipe(number=5, product=PRODUCT, deadline_ms=5000, cameras=(camera,))
    station = StationFile(name="board-line", recipes=(recipe,), reserve_mb=1)
    stop = Flag()
    thread = Thread(target=run_station, args=(station, Settings(home=home)), kwargs={"stop": stop})
    thread.start()
    yield
    stop.set()
    thread.join(20.0)
    assert not thread.is_alive()


def test_a_board_follows_stops_and_restarts_a_station(rig_home, tmp_path):
    path = status_path(rig_home, "board-line")
    records = open_store(Settings(home=rig_home))

    def block():
        return read_status(path).block

    def ask(name: CommandName, argument: str = ""):
        sent = send_command(
            records,
            "board-line",
            name,
            argument=argument,
            by=StationUser("Eva", StationRole.OPERATOR),
        )
        wait_for(lambda: answer_to(records, "board-line", sent.number) is not None, "an answer")
        return answer_to(records, "board-line", sent.number)

    with running(rig_home, tmp_path / "camera"):
        wait_for(lambda: read_status(path) is not None and block().online, "the station", 60.0)
        assert is_answering(read_status(path), monotonic(), boot_id())
        assert read_status(path).recipe.product == PRODUCT
        plate = draw_plate(np.random.default_rng(3), 0.9)
        cv2.imwrite(str(tmp_path / "camera" / "A7.png"), plate)
        wait_for(lambda: len(parts_of(records, "board-line")) == 1, "the part", 60.0)
        (part,) = parts_of(records, "board-line")
        wait_for(lambda: block().acq_id == part.trigger.number, "its status")
        shown = headline(block(), part, is_answering=True)
        assert (shown.word, shown.number) == ("FAIL", part.trigger.number)
        assert ask(CommandName.STOP).is_done
        wait_for(lambda: block().offline_reason == OfflineReason.OPERATOR, "the stop")
        assert headline(block(), part, is_answering=True).word == "STOP"
        assert ask(CommandName.ACKNOWLEDGE).is_done
        wait_for(lambda: block().online, "the line to go on")
        unknown = ask(CommandName.RECIPE, "9")
        assert (unknown.is_done, unknown.sentence) == (
            False, "There is no recipe 9; there are: 5.",
        )  # fmt: skip
        assert not ask(CommandName.CHALLENGE).is_done
        assert block().recipe_active == 5
    assert not is_answering(read_status(path), monotonic() + 1.0, boot_id())
    assert not block().online
    records.close()
