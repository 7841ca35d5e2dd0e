"""Shapefiles as terminals take them, and faults that the check finds."""

import pytest

from core.errors import ConfigError
from core.types import Disposition
from domains.crops.exports.archive import pack
from domains.crops.exports.prescription import prescribe
from domains.crops.exports.terminal_check import find_faults
from domains.crops.exports.terminals import PROFILES, profile, write_shapefile
from tests.domains.crops.exports.fields import a_survey, a_table

ACT, OK, LOOK = Disposition.POSITIVE, Disposition.NEGATIVE, Disposition.DEFER
FIELD = [[OK] * 4, [OK, ACT, LOOK, OK], [None, OK, OK, OK]]


def faults_of(files, name, prescription):
    return find_faults(files, PROFILES[name], prescription, len(pack(files)))


@pytest.mark.parametrize("name", PROFILES)
def test_every_terminal_opens_its_files(name):
    prescription = prescribe(a_survey(FIELD), a_table())
    files = write_shapefile(prescription, PROFILES[name])
    assert faults_of(files, name, prescription) == ()


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("deere", {f"Rx/RATES{end}" for end in (".shp", ".shx", ".dbf", ".prj", ".cpg")}),
        ("raven", {"RATES.shp", "RATES.shx", "RATES.dbf"}),
        (
            "trimble",
            {f"AgGPS/Prescriptions/RATES{e}" for e in (".shp", ".shx", ".dbf", ".prj", ".cpg")},
        ),
        ("mueller", {f"SHP/RATES{end}" for end in (".shp", ".shx", ".dbf", ".prj", ".cpg")}),
    ],
)
def test_files_lie_where_the_terminal_looks(name, names):
    assert set(write_shapefile(prescribe(a_survey(FIELD), a_table()), PROFILES[name])) == names


def test_the_same_prescription_gives_the_same_bytes():
    made = [
        pack(write_shapefile(prescribe(a_survey(FIELD), a_table()), PROFILES["deere"]))
        for _ in range(2)
    ]
    assert made[0] == made[1]


def test_a_terminal_that_does_not_know_the_unit_gets_no_file():
    table = a_table(unit="seeds/m2")
    with pytest.raises(ConfigError, match="seeds/m2"):
        write_shapefile(prescribe(a_survey(FIELD), table), PROFILES["trimble"])


def test_an_unknown_terminal_is_an_error_with_the_list():
    with pytest.raises(ConfigError) as caught:
        profile("claas")
    assert "raven" in caught.value.hint


def checkerboard(side):
    return [[ACT if (row + column) % 2 else OK for column in range(side)] for row in range(side)]


def test_more_areas_or_bytes_or_hectares_than_a_terminal_takes_are_named():
    prescription = prescribe(a_survey(checkerboard(15)), a_table())
    files = write_shapefile(prescription, PROFILES["agfusion"])
    assert any(
        "more than AgFusion's 100" in one for one in faults_of(files, "agfusion", prescription)
    )
    large = find_faults(files, PROFILES["agfusion"], prescription, 250_001)
    assert any("250,001 bytes" in one for one in large)
    vast = prescribe(a_survey([[OK, ACT]], size=0.02), a_table())
    files = write_shapefile(vast, PROFILES["vaderstad"])
    assert any("485.6 ha" in one for one in faults_of(files, "vaderstad", vast))


def _short(data, place, value):
    return data[:place] + value + data[place + len(value) :]


@pytest.mark.parametrize(
    ("suffix", "place", "value", "words"),
    [
        (".shp", 32, b"\x0f", "type 15"),  # PolygonZ
        (".shp", 28, b"\xe9", "version"),
        (".dbf", 32 + 11, b"C", "Types of the columns"),
        (".dbf", 32, b"rate", "no valid name"),
        (".dbf", 32, b"DOSE", "Columns are"),
    ],
)
def test_a_file_that_was_written_otherwise_is_found_out(suffix, place, value, words):
    prescription = prescribe(a_survey(FIELD), a_table())
    files = dict(write_shapefile(prescription, PROFILES["generic"]))
    files[f"RATES{suffix}"] = _short(files[f"RATES{suffix}"], place, value)
    faults = faults_of(files, "generic", prescription)
    assert any(words in one for one in faults), faults


def test_a_file_that_spreads_something_else_is_found_out():
    written = prescribe(a_survey(FIELD), a_table())
    meant = prescribe(a_survey(FIELD), a_table(default=41.0))
    files = write_shapefile(written, PROFILES["generic"])
    assert any("spreads" in one for one in faults_of(files, "generic", meant))


def test_files_in_the_wrong_folder_or_missing_are_found_out():
    prescription = prescribe(a_survey(FIELD), a_table())
    files = dict(write_shapefile(prescription, PROFILES["generic"]))
    assert any("Rx" in one for one in faults_of(files, "deere", prescription))
    del files["RATES.dbf"]
    assert any(".dbf" in one for one in faults_of(files, "generic", prescription))
