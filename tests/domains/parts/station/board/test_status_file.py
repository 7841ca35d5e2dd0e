"""A board finds the status of a station that lives, and none of one that does not."""

from __future__ import annotations

import json
from dataclasses import replace
from time import monotonic

import pytest

from domains.parts.station.board.status_file import (
    ShownStatus,
    StatusFile,
    boot_id,
    is_answering,
    read_status,
    stations_in,
    status_path,
)
from domains.parts.station.plc.blocks import StatusBlock, encode_status
from domains.parts.station.recipe import CameraOptions, ChallengeOptions, Recipe, StationFile
from tests.domains.parts.station.inspected import wait_for

CAMERA = CameraOptions(source="camera")
STATION = StationFile(
    name="line-1",
    recipes=(
        Recipe(number=1, product="bracket", cameras=(CAMERA,)),
        Recipe(
            number=2, product="lid", cameras=(CAMERA,), allow_uncertified=True,
            challenge=ChallengeOptions(good=("a", "b", "c"), bad=("d", "e", "f"), hours=4),
        ),
    ),
)  # fmt: skip
BLOCK = StatusBlock(online=True, recipe_active=2, acq_id=17)


def test_what_the_loop_hands_in_is_what_a_board_reads(tmp_path):
    assert stations_in(tmp_path) == []
    output = StatusFile(tmp_path, STATION, lambda: ("b1", "g2"))
    output.open()
    path = status_path(tmp_path, "line-1")
    before = monotonic()
    output.show(encode_status(BLOCK), {})
    wait_for(lambda: read_status(path) is not None, "a status")
    shown = read_status(path)
    assert stations_in(tmp_path) == ["line-1"]
    assert (shown.station, shown.block, shown.boot) == ("line-1", BLOCK, boot_id())
    assert before <= shown.at <= monotonic()
    assert [one.product for one in shown.recipes] == ["bracket", "lid"]
    assert shown.outstanding == ("b1", "g2")
    recipe = shown.recipe
    assert (recipe.number, recipe.allows_uncertified, recipe.references, recipe.hours) == (
        2, True, 6, 4.0,
    )  # fmt: skip
    assert shown.problems == ()
    lost = ("The folder is gone.",)
    output.show(encode_status(replace(BLOCK, acq_id=18)), {"Problems": lost})
    wait_for(lambda: read_status(path).block.acq_id == 18, "the next status")
    assert read_status(path).problems == lost
    output.close()


def test_a_loop_that_hangs_lets_the_status_grow_old_though_the_process_lives(tmp_path):
    output = StatusFile(tmp_path, STATION, lambda: ("b1", "g2"))
    output.open()
    output.show(encode_status(BLOCK), {})
    path = status_path(tmp_path, "line-1")
    wait_for(lambda: read_status(path) is not None, "a status")
    handed_in = read_status(path).at
    wait_for(lambda: monotonic() - handed_in > 0.5, "half a second")
    assert read_status(path).at == handed_in
    output.close()


@pytest.mark.parametrize(
    ("age", "boot", "is_alive"),
    [(0.0, "b", True), (1.0, "b", True), (1.01, "b", False), (-0.1, "b", False), (0.1, "c", False)],
)
def test_a_status_older_than_a_second_or_of_another_start_is_no_life(age, boot, is_alive):
    shown = ShownStatus("line", 100.0, "b", BLOCK, ())
    assert is_answering(shown, 100.0 + age, boot) is is_alive
    assert not is_answering(None, 100.0, boot)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"station": "x"}', b"\xff"])
def test_what_cannot_be_read_is_no_status(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert read_status(path) is None
    path.write_text(json.dumps({"station": "x", "at": 1, "boot": "", "words": [1], "recipes": []}))
    assert read_status(path) is None
