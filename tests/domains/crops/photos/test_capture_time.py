"""Wall clocks, zones and wrong clocks."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from domains.crops.photos.capture_time import capture_time
from domains.crops.photos.facts import StatedCamera, StatedGps
from domains.crops.photos.metadata import read_facts
from tests.domains.crops.photos.files import BERLIN, jpeg, rationals, text, tiff


def time_of(taken="2024:05:12 10:11:12", gps=None, **more):
    return capture_time(StatedCamera(taken=taken, **more), gps)


def received(date="2024:05:12", clock=((8, 1), (11, 1), (12, 1))):
    return StatedGps(date=date, time=clock)


def codes(time):
    return [note.code for note in time.notes]


def test_without_an_offset_the_zone_is_unknown_and_never_utc():
    time = time_of()

    assert time.stated == datetime(2024, 5, 12, 10, 11, 12)
    assert time.stated.tzinfo is None
    assert codes(time) == ["ZONE_UNKNOWN"]


def test_the_offset_of_the_original_counts_before_the_one_of_the_last_change():
    time = time_of(offset_original="+02:00", offset="-05:00")

    assert time.stated == datetime(2024, 5, 12, 8, 11, 12, tzinfo=UTC)
    assert time.zone == timezone(timedelta(hours=2))
    assert time_of(offset="-05:30").zone == timezone(-timedelta(hours=5, minutes=30))
    assert codes(time) == []


@pytest.mark.parametrize("offset", ["", "   :  ", "+25:00", "+02:61", "02:00", "Z", "+2:00"])
def test_an_offset_that_is_none_is_no_zone(offset):
    assert time_of(offset_original=offset).zone is None


@pytest.mark.parametrize("taken", ["", "0000:00:00 00:00:00", "2024:13:01 00:00:00", "yesterday"])
def test_a_time_that_is_none_is_unknown(taken):
    time = time_of(taken, gps=received())

    assert time.local is time.stated is None
    assert codes(time) == ["TIME_UNKNOWN"]
    assert time.gps == datetime(2024, 5, 12, 8, 11, 12, tzinfo=UTC)


def test_a_clock_over_18_hours_from_the_gps_time_is_wrong():
    # 18 h after 16:11:12 of the day before.
    just = received("2024:05:11", ((16, 1), (11, 1), (12, 1)))
    over = received("2024:05:11", ((16, 1), (11, 1), (11, 1)))

    assert codes(time_of(gps=just)) == ["ZONE_UNKNOWN"]
    assert codes(time_of(gps=over)) == ["ZONE_UNKNOWN", "CLOCK_WRONG"]
    assert codes(time_of(gps=over, offset_original="+02:00")) == []
    assert time_of("2014:05:12 10:11:12", gps=received()).notes[-1].values == {"hours": 87670}


@pytest.mark.parametrize(
    "gps",
    [
        received("2024:05:11", ((16, 0), (11, 1), (12, 1))),
        received("2024:05:11", ((99, 1), (11, 1), (12, 1))),
        received("2024-05", ((16, 1), (11, 1), (12, 1))),
        received("2024:05:11", ((16, 1),)),
    ],
)
def test_a_damaged_gps_time_checks_nothing(gps):
    assert time_of(gps=gps).gps is None


def test_photos_are_ordered_by_clock_then_name_and_those_without_a_time_come_last():
    named = {
        "d": time_of(), "a": time_of(""), "c": time_of(subsecond="5"), "b": time_of(),
        "e": time_of("2024:05:12 10:11:11", offset_original="-11:00"),
    }  # fmt: skip

    assert sorted(named, key=lambda name: named[name].order(name)) == ["e", "b", "d", "c", "a"]
    assert time_of(subsecond="5").local.microsecond == 500_000


def test_the_times_come_out_of_the_file():
    exif = {
        36867: text("2024:05:12 10:11:12"),
        36880: text("-05:00"),
        36881: text("+02:00"),
        37521: text("25"),
    }
    gps = BERLIN | {29: text("2024:05:12"), 7: rationals((8, 1), (11, 1), (12, 1))}

    facts = read_facts(jpeg(tiff(exif=exif, gps=gps)))
    time = capture_time(facts.camera, facts.gps)

    assert time.stated.isoformat() == "2024-05-12T10:11:12.250000+02:00"
    assert time.gps == datetime(2024, 5, 12, 8, 11, 12, tzinfo=UTC)
