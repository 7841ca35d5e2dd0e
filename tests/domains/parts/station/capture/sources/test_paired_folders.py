"""A station with two folders: one part for the pictures of one name, judged once over restarts."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.judging.capture import CapturedPart
from domains.parts.station.line.station import run_station
from domains.parts.station.options import TriggerOptions
from domains.parts.station.part_id_options import PartIdOptions
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile
from domains.parts.station.records.parts import parts_of
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import wait_for

pytestmark = pytest.mark.slow
CAMERAS = ("top", "side")


def picture(number: int) -> bytes:
    rng = np.random.default_rng(number)
    return cv2.imencode(".png", rng.integers(0, 255, (24, 32, 3), np.uint8))[1].tobytes()


class Captured:
    """A station that captures what comes; nothing judges it, so every part is answered FAIL."""

    def __init__(self, home, folders, **part_id) -> None:
        cameras = tuple(CameraOptions(name=n, source=str(f)) for n, f in folders.items())
        recipe = Recipe(
            number=1, product="cell", cameras=cameras, part_id=PartIdOptions(**part_id),
            deadline_ms=10_000,
        )  # fmt: skip
        trigger = TriggerOptions(settle_ms=50, rescan_s=0.2, pair_s=1.0)
        self.station = StationFile(name="line-1", trigger=trigger, recipes=(recipe,))
        self.settings, self.stop = Settings(home=home), threading.Event()
        self.whole: list[CapturedPart] = []
        self.answered: list[tuple[tuple[LineReason, ...], list[str]]] = []
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        def answered(part) -> None:
            names = [frame.name for frame in part.trigger.frames]
            self.answered.append((part.reasons, names))

        run_station(
            self.station, self.settings, stop=self.stop, on_part=answered,
            on_capture=self.whole.append,
        )  # fmt: skip

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop.set()
        self.thread.join(60)


@pytest.fixture
def folders(tmp_path):
    made = {name: tmp_path / name for name in CAMERAS}
    for folder in made.values():
        folder.mkdir()
    return made


def test_views_of_one_name_are_one_part_and_a_missing_one_fails_it(tmp_path, folders):
    home = tmp_path / "home"
    number = 0
    # Not in the same order, and one view of the part 5 alone.
    for camera, parts in (("top", (1, 2, 3, 5)), ("side", (3, 1, 2))):
        for part in parts:
            number += 1
            (folders[camera] / f"{part}-{camera}.png").write_bytes(picture(number))
    with Captured(home, folders, source="file_name") as line:
        wait_for(lambda: len(line.answered) == 4, "four parts", 60.0)
        assert sorted(part.group for part in line.whole) == ["1", "2", "3"]
        for part in line.whole:
            assert {f"{part.group}-{camera}.png" for camera in CAMERAS} == {
                frame.name for frame in part.frames
            }
        (lacking,) = [one for one in line.answered if LineReason.VIEW_MISSING in one[0]]
        assert lacking[1] == ["5-top.png"]
    with Captured(home, folders, source="file_name") as again:
        (folders["top"] / "6-top.png").write_bytes(picture(90))
        (folders["side"] / "6-side.png").write_bytes(picture(91))
        wait_for(lambda: again.answered, "the new part", 60.0)
        assert [sorted(names) for _, names in again.answered] == [["6-side.png", "6-top.png"]]
    store = open_store(Settings(home=home))
    assert sorted(part.part_id for part in parts_of(store, "line-1")) == ["1", "2", "3", "5", "6"]
    store.close()


def test_files_of_the_same_name_in_two_folders_are_one_part(tmp_path, folders):
    with Captured(tmp_path / "home", folders) as line:
        (folders["top"] / "1.png").write_bytes(picture(1))
        (folders["side"] / "1.png").write_bytes(picture(2))
        wait_for(lambda: line.whole, "a part", 60.0)
        assert {frame.camera for frame in line.whole[0].frames} == set(CAMERAS)
