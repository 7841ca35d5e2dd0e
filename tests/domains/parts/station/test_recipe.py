"""A station file with absurd values is refused at its reading, and every value is named."""

from __future__ import annotations

import pytest

from core.errors import ConfigError
from domains.parts.station.example import EXAMPLE
from domains.parts.station.recipe import read_station

STATION = """
name = "line-1"
[trigger]
settle_ms = 200
rescan_s = 2.0
pair_s = 2.0
[outputs.modbus]
[outputs.mqtt]
valid_s = 5.0
[reject]
distance = 100
tolerance = 10
backwards = 0
[retention]
days = 90
[[recipes]]
number = 1
product = "bracket"
deadline_ms = 500
[[recipes.cameras]]
name = "top"
source = "/srv/camera"
region = [0, 0, 8, 8]
discard = 3
latency_ms = 0
[recipes.part_id]
pattern = 'P-[0-9]+'
formats = ["QRCode"]
"""


def read(path, text):
    path.write_text(text)
    return read_station(path)


def test_the_example_and_a_sensible_file_are_read(tmp_path):
    assert read(tmp_path / "example.toml", EXAMPLE).recipes
    assert read(tmp_path / "line.toml", STATION).name == "line-1"


@pytest.mark.parametrize(
    ("entry", "absurd"),
    [
        ('name = "line-1"', 'name = ".."'),
        ('name = "line-1"', 'name = "../line"'),
        ('product = "bracket"', 'product = "."'),
        ('name = "top"', 'name = "-rf"'),
        ("settle_ms = 200", "settle_ms = 100000000000000000000"),
        ("rescan_s = 2.0", "rescan_s = inf"),
        ("rescan_s = 2.0", "rescan_s = 1e300"),
        ("pair_s = 2.0", "pair_s = nan"),
        ("valid_s = 5.0", "valid_s = inf"),
        ("distance = 100", "distance = inf"),
        ("tolerance = 10", "tolerance = nan"),
        ("tolerance = 10", "tolerance = 100"),
        ("backwards = 0", "backwards = nan"),
        ("days = 90", "days = 1e300"),
        ("number = 1", "number = 1000"),
        ("deadline_ms = 500", "deadline_ms = 100000000000000000000"),
        ("deadline_ms = 500", "deadline_ms = 500.5"),
        ("region = [0, 0, 8, 8]", "region = [-1, 0, 8, 8]"),
        ("region = [0, 0, 8, 8]", "region = [0, 0, 0, 8]"),
        ("discard = 3", "discard = 1000000000"),
        ('source = "/srv/camera"', 'source = ""'),
        ("pattern = 'P-[0-9]+'", "pattern = 'P-([0-9]+'"),
        ('formats = ["QRCode"]', 'formats = ["QR"]'),
        ("latency_ms = 0", "latency_ms = inf"),
    ],
)
def test_an_absurd_value_is_refused_by_its_name(tmp_path, entry, absurd):
    assert entry in STATION
    field = absurd.partition(" ")[0]
    with pytest.raises(ConfigError, match=field):
        read(tmp_path / "line.toml", STATION.replace(entry, absurd, 1))


def test_one_wrong_entry_is_named_once_and_nothing_else_with_it(tmp_path):
    with pytest.raises(ConfigError) as refused:
        read(tmp_path / "line.toml", STATION.replace("discard = 3", "discard = -3"))
    assert "recipes.0.cameras.0.discard" in str(refused.value)
    assert str(refused.value).count("recipes") == 1


def test_a_file_from_an_editor_that_marks_its_encoding_is_read(tmp_path):
    path = tmp_path / "line.toml"
    path.write_text(STATION, encoding="utf-8-sig")
    assert read_station(path).name == "line-1"
    path.write_text(STATION, encoding="utf-16")
    with pytest.raises(ConfigError, match="cannot be read as TOML"):
        read_station(path)
