"""What a station file asks for is made; a recipe whose cameras cannot be made changes nothing."""

from __future__ import annotations

import re
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from core.errors import ConfigError
from core.settings import Settings
from domains.parts.station.capture.sources.announced import AnnouncedCamera
from domains.parts.station.capture.sources.folder import FolderSource
from domains.parts.station.capture.sources.free_running import FreeRunningSource
from domains.parts.station.capture.sources.video import VideoCamera
from domains.parts.station.line.changeover import Changeover
from domains.parts.station.line.equipment import equipment_of, make_camera, make_sources
from domains.parts.station.options import TriggerOptions
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile, read_station

VIDEO = CameraOptions(name="top", kind="video", source="0")


def a_recipe(*cameras, number=1):
    return Recipe(number=number, product="cell", cameras=cameras)


def a_station(kind, *recipes):
    return StationFile(trigger=TriggerOptions(kind=kind), recipes=recipes)


def sources_of(kind, tmp_path, *cameras):
    recipe = a_recipe(*cameras)
    settings = Settings(home=tmp_path / "home")
    return make_sources(a_station(kind, recipe), recipe, settings, lambda _: None)


def test_each_kind_of_camera_is_made(tmp_path, monkeypatch):
    assert type(make_camera(VIDEO)) is VideoCamera
    monkeypatch.setenv("GENICAM_GENTL64_PATH", "")
    with pytest.raises(ConfigError, match="needs"):
        make_camera(CameraOptions(kind="genicam", source="CAM-1"))


def test_a_station_watches_what_triggers_it(tmp_path):
    folder = CameraOptions(source=str(tmp_path))
    for kind, source in (("file", FolderSource), ("free_running", FreeRunningSource)):
        (made,) = sources_of(kind, tmp_path, VIDEO, folder)
        assert type(made) is source
        made.close()
    assert sources_of("modbus", tmp_path, VIDEO) == []
    with pytest.raises(ConfigError, match="a camera of kind folder"):
        sources_of("file", tmp_path, VIDEO)
    with pytest.raises(ConfigError, match="exactly one camera of kind video"):
        sources_of("free_running", tmp_path, folder)


@pytest.mark.parametrize("kind", ["file", "free_running"])
def test_the_camera_that_triggers_is_the_same_in_all_recipes(tmp_path, kind):
    folder = CameraOptions(name="drop", source=str(tmp_path))
    first = folder if kind == "file" else VIDEO
    station = a_station(kind, a_recipe(first))
    make = equipment_of(station, station.recipes[0], None, Settings()).make_camera
    assert type(make(first)) is AnnouncedCamera
    other = first.model_copy(update={"discard": 9, "region": (0, 0, 5, 5)})
    with pytest.raises(ConfigError, match="not the one that triggers"):
        make(other)
    if kind == "file":
        assert type(make(VIDEO)) is VideoCamera
    with pytest.raises(ConfigError, match="not the one that triggers"):
        make(folder.model_copy(update={"source": "elsewhere"}))


def test_a_folder_without_the_trigger_file_would_give_nothing(tmp_path):
    with pytest.raises(ConfigError, match="reads nothing"):
        make_camera(CameraOptions(source=str(tmp_path)))


def test_a_recipe_whose_cameras_cannot_be_made_is_refused_while_the_running_one_goes_on(tmp_path):
    broken = VIDEO.model_copy(update={"colour_reference": str(tmp_path / "none.png")})
    station = a_station("modbus", a_recipe(VIDEO), a_recipe(broken, number=2))
    prepared = SimpleQueue()
    judges = SimpleNamespace(prepare=lambda product: None)
    changeover = Changeover(
        station, equipment_of(station, station.recipes[0], judges, Settings()), prepared.put
    )
    changeover.prepare(2, print)
    refused = prepared.get(timeout=10)
    assert (refused.number, refused.recipe) == (2, None)
    assert "none.png" in refused.problem
    changeover.prepare(1, print)
    made = prepared.get(timeout=10)
    assert list(made.cameras) == [VIDEO]
    assert type(made.cameras[VIDEO]) is VideoCamera
    made.reader.__exit__(None, None, None)


def test_the_station_files_of_the_page_can_be_read(tmp_path):
    page = (Path(__file__).parents[5] / "domains" / "parts" / "README.md").read_text("utf-8")
    whole = [
        text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "recipes" in text
    ]
    assert len(whole) >= 2
    for number, text in enumerate(whole):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, "utf-8")
        assert read_station(path).recipes[0].product == "bracket"
