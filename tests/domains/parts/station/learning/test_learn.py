"""From good parts to a running station: what is odd, what is learned, and what is certified."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from core.errors import ConfigError, DataError
from core.records.deployments import history
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.cli.commands import app
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.faults.rig import PRODUCT, Rig
from domains.parts.station.learning.folder import GOOD, LearningFolder, PartPicture
from domains.parts.station.learning.learn import choose_parts
from domains.parts.station.learning.odd_parts import PartLook, rank_parts
from domains.parts.station.learning.sources import capture, read_folder
from domains.parts.station.options import TriggerOptions
from domains.parts.station.part import InspectedPart
from domains.parts.station.part_id_options import PartIdOptions
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile
from domains.parts.station.records.naming import check_defect
from domains.parts.station.records.parts import parts_of
from domains.parts.station.result import LineReason, LineResult
from tests.domains.parts.station.inspected import wait_for

STATION = """
name = "rig"
[[recipes]]
number = 1
product = "plates"
allow_uncertified = true
[[recipes.cameras]]
name = "top"
kind = "video"
source = "drawn"
"""


def png(rng: np.random.Generator, scratch: float = 0.0) -> bytes:
    return bytes(cv2.imencode(".png", draw_plate(rng, scratch))[1])


def write(folder: Path, count: int, seed: int, scratch: float = 0.0, name: str = "p") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        (folder / f"{name}{number:02}.png").write_bytes(png(rng, scratch))


@dataclass
class Bench:
    """A home folder, a station file, and pictures of 20 good plates and what was put among them."""

    home: Path
    file: Path
    shown: Path

    def learn(self, *arguments: str) -> tuple[int, dict]:
        found = CliRunner().invoke(
            app,
            ["learn", str(self.file), *arguments, "--json"],
            env={"ASSAY_HOME": str(self.home)},
            catch_exceptions=False,
        )
        return found.exit_code, json.loads(found.stdout.splitlines()[-1])


def make_home(root: Path, network_home: Path) -> Path:
    (network_home / "cache").mkdir(parents=True, exist_ok=True)
    (root / "home").mkdir()
    (root / "home/cache").symlink_to((network_home / "cache").resolve(), target_is_directory=True)
    return root / "home"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, network_home: Path) -> Bench:
    root = tmp_path_factory.mktemp("learn")
    made = Bench(make_home(root, network_home), root / "station.toml", root / "shown")
    made.file.write_text(STATION)
    write(made.shown, 20, seed=3)
    write(made.shown, 1, seed=4, scratch=0.6, name="smuggled")
    (made.shown / "broken.png").write_bytes((made.shown / "p00.png").read_bytes()[:500])
    return made


@pytest.mark.trained
def test_twenty_good_parts_run_a_line_and_defects_begin_to_count(bench):
    code, waiting = bench.learn("--from", str(bench.shown))
    oddest, second = waiting["parts_ranked"][:2]
    assert (code, waiting["learned"]) == (1, False)
    assert (oddest["group"], oddest["is_odd"]) == ("shown/smuggled00.png", True)
    assert oddest["ratio"] > 2 > 1.3 > second["ratio"]
    assert [one.partition(":")[0] for one in waiting["refused"]] == ["broken.png"]
    settings = Settings(home=bench.home)
    store = open_store(settings)
    assert history(store, "parts", PRODUCT) == []

    code, first = bench.learn("--leave-out", "smuggled00.png")
    assert (code, first["parts"]) == (0, {"good": 20})
    assert first["overkill_bound"] == 0.05
    assert (first["escape"]["n"], first["escape"]["needed"]) == (0, 59)
    text = " ".join(first["sentences"])
    assert "0 defects shown; 59 needed for 5 %" in text
    assert "1 odd part was left out" in text
    assert [one.bundle for one in history(store, "parts", PRODUCT)] == [first["bundle"]]

    rig = Rig(settings, deadline_ms=5000)
    rig.recipe = rig.recipe.model_copy(update={"allow_uncertified": True})
    with rig:
        good = [rig.plc.inspect(rig.next_part(), 9.0).result for _ in range(10)]
        assert good.count(LineResult.PASS) >= 8  # 5 % are called out on average
        rig.camera.draw = lambda rng: draw_plate(rng, 0.8)
        bad = [rig.plc.inspect(rig.next_part(), 9.0) for _ in range(10)]
        assert {(one.result, one.reason) for one in bad} == {(LineResult.FAIL, 1)}

        code, second = bench.learn("--defect", "scratched", "--last", "10")
        assert (code, second["parts"]) == (0, {"good": 20, "scratched": 10})
        assert (second["escape"]["n"], second["escape"]["k"]) == (4, 0)
        assert "10 defects shown, 4 of them" in " ".join(second["sentences"])
        wait_for(
            lambda: rig.judges.get(PRODUCT).bundle_sha256 == second["bundle_sha256"],
            "the station to judge by what was learned",
        )
        assert rig.plc.inspect(rig.next_part(), 9.0).result is LineResult.FAIL
        rig.camera.draw = draw_plate
        good = [rig.plc.inspect(rig.next_part(), 9.0).result for _ in range(10)]
        assert good.count(LineResult.PASS) >= 8
    newest = parts_of(store, "rig", limit=1)[0]
    assert newest.bundle_sha256 == second["bundle_sha256"]
    deployed = [one.bundle for one in history(store, "parts", PRODUCT)]
    assert deployed == [second["bundle"], first["bundle"]]
    store.close()


def test_parts_are_captured_as_the_station_sees_them_and_none_passes(tmp_path):
    camera = CameraOptions(name="top", source=str(tmp_path / "camera"))
    recipe = Recipe(
        number=2,
        product="plates",
        deadline_ms=5000,
        cameras=(camera,),
        part_id=PartIdOptions(source="file_name", pattern=r"p[0-9]{2}"),
    )
    station = StationFile(
        name="cap", trigger=TriggerOptions(settle_ms=0), recipes=(recipe,), reserve_mb=1
    )
    (tmp_path / "camera").mkdir()
    (tmp_path / "camera/no-id.png").write_bytes(png(np.random.default_rng(9)))
    write(tmp_path / "camera", 4, seed=5)
    answered: list[InspectedPart] = []
    into = LearningFolder(tmp_path / "incoming")
    capture(
        station,
        recipe,
        Settings(home=tmp_path / "home"),
        into,
        parts=4,
        wait_s=60.0,
        stop=Flag(),
        on_part=answered.append,
    )
    assert into.groups() == {GOOD: {"p00", "p01", "p02", "p03"}}
    for one in into.pictures():
        assert one.file.read_bytes() == (tmp_path / f"camera/{one.group}.png").read_bytes()
    assert {part.result for part in answered} == {LineResult.FAIL}
    reasons = {part.part_id: set(part.reasons) for part in answered}
    assert reasons["p01"] == {LineReason.NOT_CERTIFIED}
    assert reasons[""] == {LineReason.NOT_CERTIFIED, LineReason.ID_UNREAD}


def test_what_cannot_be_learned_is_refused_before_anything_changes(bench, tmp_path):
    write(tmp_path / "few", 4, seed=6)
    other = Bench(tmp_path / "home", tmp_path / "s.toml", tmp_path)
    other.file.write_text(STATION)
    with pytest.raises(DataError, match="4 good parts were shown, 4 are there in all"):
        other.learn("--from", str(tmp_path / "few"))
    with pytest.raises(DataError, match="no good parts yet"):
        other.learn("--defect", "dent", "--from", str(tmp_path / "few"))
    with pytest.raises(ConfigError, match="which pictures show dent"):
        bench.learn("--defect", "dent")
    for name in ("good", "OK", "../up", ""):
        with pytest.raises(ConfigError, match="No defect can be called"):
            check_defect(name)


def test_a_folder_names_what_does_not_read_and_joins_the_views_of_a_part(tmp_path):
    write(tmp_path / "day", 2, seed=7)
    cameras = tuple(CameraOptions(name=name, source="x") for name in ("top", "side"))
    recipe = Recipe(number=1, product="p", cameras=cameras)
    for old, new in (("p00.png", "17-top.png"), ("p01.png", "17-side.png")):
        (tmp_path / "day" / old).rename(tmp_path / "day" / new)
    (tmp_path / "day/text.png").write_bytes(b"no picture")
    refused: list[str] = []
    found = list(read_folder(tmp_path / "day", recipe, Settings(home=tmp_path), refused.append))
    assert {one.group for one in found} == {"day/17"}
    assert sorted(one.name for one in found) == ["17-side.png", "17-top.png"]
    assert len(refused) == 1
    assert refused[0].startswith("text.png: ")


def test_a_picture_is_learned_once_and_never_as_two_things(tmp_path):
    folder, data = LearningFolder(tmp_path / "data"), png(np.random.default_rng(1))
    assert len(folder.add(GOOD, [PartPicture("a.png", "7", data)])) == 1
    assert folder.add(GOOD, [PartPicture("b.png", "8", data)]) == []
    with pytest.raises(DataError, match=r"a\.png is learned as good already, and was to be dent"):
        folder.add("dent", [PartPicture("a.png", "7", data)])
    incoming = LearningFolder(tmp_path / "incoming")
    incoming.add(GOOD, [PartPicture("c.png", "9", data[:-1]), PartPicture("d.png", "10", data[1:])])
    folder.take(incoming, GOOD, left_out=["9"])
    assert folder.groups() == {GOOD: {"7", "10"}}
    assert not incoming.root.exists()


def look(group: str, score: float, **others: object) -> PartLook:
    return PartLook(group, f"{group}.png", score, others.pop("size", (96, 96)), **others)


def test_parts_are_ranked_by_the_oddest_of_their_views_and_alike_ones_have_no_odd_one():
    alike = [look(str(n), 1.0 + 0.01 * (n % 5)) for n in range(20)]
    assert not any(one.is_odd for one in rank_parts(alike))
    ranked = rank_parts([*alike, look("3", 2.0), look("wide", 1.0, size=(96, 120))])
    assert [one.group for one in ranked[:2]] == ["wide", "3"]
    assert [one.rank for one in ranked] == list(range(1, 22))
    assert [one.is_odd for one in ranked] == [True, True] + [False] * 19
    assert ranked[0].sentence == "It has 120 x 96 pixels, most others 96 x 96."
    assert ranked[1].ratio == pytest.approx(2.0 / 1.02, abs=0.02)
    dark = [look(str(n), 1.0, measures={"brightness": 0.5 + 0.01 * (n % 3)}) for n in range(9)]
    ranked = rank_parts([*dark, look("dark", 1.0, measures={"brightness": 0.1})])
    assert (ranked[0].group, ranked[0].sentence) == (
        "dark",
        "Unlike the others: brightness lower.",
    )


def test_a_name_stands_for_one_part():
    groups = ["day/1.png", "night/1.png", "night/2.png", "AB7"]
    assert choose_parts(["2.png", "AB7", "day/1.png"], groups) == [
        "night/2.png",
        "AB7",
        "day/1.png",
    ]
    with pytest.raises(ConfigError, match=r"'1\.png' names 2 of the parts"):
        choose_parts(["1.png"], groups)
    with pytest.raises(ConfigError, match="'9' names 0 of the parts"):
        choose_parts(["9"], groups)
