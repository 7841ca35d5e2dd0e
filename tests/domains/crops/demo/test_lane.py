"""The demo's crops lane: what it says of a field whose truth was drawn."""

import re
import struct
import zipfile

import pyogrio
import pytest

from core.model.bundle.destination import check_folder_destination
from core.service.progress import silent
from core.settings import Settings
from domains.crops.demo.lane import run
from domains.crops.survey.geojson import FILES

pytestmark = [pytest.mark.slow, pytest.mark.trained]


def test_no_sick_tile_is_called_healthy_and_every_patch_is_a_zone(network_home, tmp_path):
    (tmp_path / "cache").symlink_to(network_home / "cache", target_is_directory=True)
    lines = run(Settings(home=tmp_path), silent)
    table = {line[2:20].strip(): line[20:] for line in lines if line.startswith("  ")}
    sick = {word: int(n) for word, n in re.findall(r"([A-Z]+) (\d+)", table["tiles sick"])}
    healthy = {word: int(n) for word, n in re.findall(r"([A-Z]+) (\d+)", table["tiles healthy"])}
    assert sick["HEALTHY"] == healthy["ACT"] == 0
    assert sick["ACT"] > 4 * sick["LOOK"]
    assert healthy["HEALTHY"] > 4 * healthy["LOOK"]
    assert table["zones to act on"].startswith("3;")
    out = tmp_path / "demo" / "field-files"
    assert pyogrio.read_info(out / "survey.gpkg", layer="tiles")["features"] == 484
    with zipfile.ZipFile(out / "prescription-isoxml.zip") as archive:
        cells = archive.read("TASKDATA/GRD00001.BIN")
    rates = set(struct.unpack(f"<{len(cells) // 4}i", cells))
    assert rates == {0, 5_000, 10_000, 15_000}  # outside, healthy, nobody knows, act
    assert any("RENDERED" in line for line in lines)
    assert (out / "report.html").stat().st_size > 50_000
    check_folder_destination(out.with_name("field-survey"), FILES)  # A second demo surveys again.
