"""Pictures of several folders become one part each, whole or with what is missing named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.parts.station.capture.pairing import Pairing
from domains.parts.station.capture.part_id import part_in_file
from domains.parts.station.part import CapturedFrame
from domains.parts.station.ports import TriggerSignal
from domains.parts.station.result import LineReason

CAMERAS = ("top", "side", "back")
MISSING = LineReason.VIEW_MISSING


def view(camera: str, number: int = 0, at: float = 0.0, *faults: LineReason) -> TriggerSignal:
    frame = CapturedFrame(camera, b"", None, at, None, f"{camera} {number}", 1, f"{number}.png")
    return TriggerSignal(at, frames=(frame,), faults=faults)


def views_of(signal: TriggerSignal) -> list[str]:
    return [frame.raw_sha256 for frame in signal.frames]


@pytest.mark.parametrize(
    ("name", "camera", "pattern", "part"),
    [
        ("17-top.png", "top", "", "17"),
        ("17_TOP.PNG", "top", "", "17"),
        ("17.png", "top", "", "17"),
        ("17.5-side.tif", "side", "", "17.5"),
        ("top.png", "top", "", "top"),
        ("-top.png", "top", "", "-top"),
        ("17-side.png", "top", "", "17-side"),
        ("A1_top.png", "top", r"(?P<id>A\d)_\w+", "A1_top"),
    ],
)
def test_the_name_of_a_file_names_its_part(name, camera, pattern, part):
    assert part_in_file(name, camera, pattern) == part


def test_a_part_is_whole_once_each_camera_gave_a_view_whatever_came_between():
    pairing = Pairing(CAMERAS, 2.0)
    assert pairing.add("1", "top", view("top", 1, 10.0)) == []
    assert pairing.add("2", "side", view("side", 2, 10.5)) == []
    assert pairing.add("1", "back", view("back", 1, 11.0)) == []
    (whole,) = pairing.add("1", "side", view("side", 1, 11.5, LineReason.UNREADABLE))
    assert views_of(whole) == ["top 1", "back 1", "side 1"]
    assert (whole.at, whole.faults) == (11.5, (LineReason.UNREADABLE,))
    assert pairing.due_at == 12.5
    assert pairing.expire(12.4) == []
    (lacking,) = pairing.expire(12.5)
    assert (views_of(lacking), lacking.faults) == (["side 2"], (MISSING,))
    assert pairing.due_at is None


def test_a_second_view_of_one_camera_never_replaces_the_first():
    pairing = Pairing(("top", "side"), 2.0)
    pairing.add("1", "top", view("top", 1))
    (lacking,) = pairing.add("1", "top", view("top", 2))
    assert (views_of(lacking), lacking.faults) == (["top 1"], (MISSING,))
    (whole,) = pairing.add("1", "side", view("side", 2))
    assert (views_of(whole), whole.faults) == (["top 2", "side 2"], ())


arrivals = st.lists(
    st.tuples(st.sampled_from("1234"), st.sampled_from(CAMERAS), st.floats(0.0, 1.5)), max_size=40
)


@given(arrivals)
def test_every_view_is_in_exactly_one_part_and_only_whole_parts_have_no_fault(arrivals):
    pairing, at, ended, given_views = Pairing(CAMERAS, 1.0), 0.0, [], []
    for number, (key, camera, step) in enumerate(arrivals):
        at += step
        ended += pairing.expire(at)
        made = view(camera, number, at)
        given_views += views_of(made)
        ended += pairing.add(key, camera, made)
    ended += pairing.expire(at + 2.0)
    assert sorted(one for part in ended for one in views_of(part)) == sorted(given_views)
    for part in ended:
        cameras = {frame.camera for frame in part.frames}
        assert len(cameras) == len(part.frames)
        assert (MISSING in part.faults) == (cameras != set(CAMERAS))
