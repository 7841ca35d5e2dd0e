"""The place resolver's table, row by row, from bytes to a place or to what to do."""

import csv
import io

import exifread
import pytest
from PIL import Image

from domains.crops.photos.batch import NamedFacts, locate_photo
from domains.crops.photos.metadata import read_facts
from domains.crops.photos.place import Place, PlaceSource, distance_m, place_by_hand
from tests.domains.crops.photos.files import (
    ASCII,
    BERLIN,
    BYTE,
    dji,
    gps_at,
    jpeg,
    rationals,
    text,
    tiff,
)

ZERO = [(0, 1), (0, 1), (0, 1)]
NORTH, EAST = [(52, 1), (31, 1), (12, 1)], [(13, 1), (24, 1), (18, 1)]
NEAR = {"GpsLatitude": "+52.5200000", "GpsLongitude": "+13.4050000"}


def locate(data: bytes, name: str = "DJI_0001.JPG", **changed):
    facts = read_facts(data)
    return locate_photo(NamedFacts.of(name, facts.model_copy(update=changed)))


def located(gps=None, packets=(), name="DJI_0001.JPG"):
    return locate(jpeg(tiff(gps=gps), packets), name)


def code(location) -> str:
    assert location.place is None
    assert location.reason.text
    return location.reason.code


def test_a_place_in_exif_is_the_one_that_pillow_and_exifread_find():
    data = jpeg(tiff(gps=BERLIN))

    place = locate(data).place

    assert (place.latitude, place.longitude) == pytest.approx((52.52, 13.405), abs=1e-12)
    assert place.source is PlaceSource.EXIF
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825)[2] == (52, 31, 12)
    assert exifread.utils.get_gps_coords(exifread.process_file(io.BytesIO(data))) == pytest.approx(
        (52.52, 13.405)
    )


@pytest.mark.parametrize(
    ("north", "east", "expected"),
    [("N", "E", (52.52, 13.405)), ("S", "W", (-52.52, -13.405)), ("S", "E", (-52.52, 13.405))],
)
def test_the_references_give_the_signs(north, east, expected):
    place = located(gps_at(NORTH, EAST, north, east)).place

    assert (place.latitude, place.longitude) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("parts", "degrees"),
    [
        ([(52, 1), (59, 1), (60, 1)], 53.0),  # carried
        ([(52, 1), (59, 1), (3600, 60)], 53.0),
        ([(89, 1), (59, 1), (60, 1)], 90.0),
        ([(525, 10), (0, 1), (0, 1)], 52.5),
        ([(52, 1), (30_000, 1000), (0, 1)], 52.5),
        ([(4294967295, 4294967295), (0, 1), (0, 1)], 1.0),
    ],
)
def test_degrees_minutes_and_seconds_make_an_angle(parts, degrees):
    assert located(gps_at(parts, EAST)).place.latitude == pytest.approx(degrees, abs=1e-12)


@pytest.mark.parametrize(
    "parts",
    [
        [(52, 1), (31, 1), (0, 0)],
        [(52, 1), (0, 0), (0, 1)],
        [(52, 0), (31, 1), (12, 1)],
        [(52, 1), (31, 1), (60_001, 1000)],
        [(52, 1), (60, 1), (0, 1)],
        [(91, 1), (0, 1), (0, 1)],
        [(90, 1), (0, 1), (1, 1000)],
        [(89, 1), (60, 1), (60, 1)],
        [(52, 1), (31, 1)],
        [(52, 1), (31, 1), (12, 1), (0, 1)],
        [(4294967295, 1), (0, 1), (0, 1)],
    ],
)
def test_what_is_no_angle_is_no_place(parts):
    assert code(located(gps_at(parts, EAST))) == "GPS_DAMAGED"


def test_a_longitude_beyond_180_is_no_place():
    assert code(located(gps_at(NORTH, [(180, 1), (0, 1), (1, 10)]))) == "GPS_DAMAGED"
    assert located(gps_at(NORTH, [(180, 1), (0, 1), (0, 1)])).place.longitude == 180.0


def test_signed_fractions_are_read_and_a_sign_besides_a_reference_is_a_conflict():
    positive = {2: rationals(*NORTH, signed=True), 4: rationals(*EAST, signed=True)}
    negative = {2: rationals((-52, 1), (31, 1), (12, 1), signed=True)}
    hidden = {4: rationals((13, 1), (24, -1), (18, 1), signed=True)}

    assert located(BERLIN | positive).place.latitude == pytest.approx(52.52)
    assert code(located(BERLIN | negative)) == "GPS_SIGN_CONFLICT"
    assert code(located(BERLIN | hidden)) == "GPS_SIGN_CONFLICT"
    # Neither is the drone's own record believed then.
    assert code(located(BERLIN | negative, [dji(**NEAR)])) == "GPS_SIGN_CONFLICT"


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({0: (BYTE, bytes(4))}, "GPS_NEVER_FILLED"),
        ({9: text("V")}, "GPS_NO_FIX"),
        ({18: text("TOKYO")}, "GPS_OTHER_DATUM"),
        ({1: text("")}, "GPS_NO_HEMISPHERE"),
        ({3: text("X")}, "GPS_NO_HEMISPHERE"),
        ({3: text("N")}, "GPS_NO_HEMISPHERE"),
        ({2: (ASCII, b"52.52\0")}, "GPS_DAMAGED"),
    ],
)
def test_a_broken_row_of_the_table_is_no_place_and_the_drones_own_record_stands_in(entries, reason):
    assert code(located(BERLIN | entries)) == reason

    instead = located(BERLIN | entries, [dji(**NEAR)])

    assert instead.place == Place(52.52, 13.405, PlaceSource.XMP)
    assert [(note.code, note.values["gps"]) for note in instead.notes] == [
        ("PLACE_OF_DRONE", reason)
    ]


@pytest.mark.parametrize(
    "entries",
    [{0: (BYTE, bytes((2, 3, 0, 0)))}, {9: text("A")}, {18: text("WGS-84")}, {18: text("")}],
)
def test_what_the_table_allows_is_a_place(entries):
    assert located(BERLIN | entries).place is not None


@pytest.mark.parametrize("missing", [1, 3])
def test_a_missing_reference_is_never_taken_for_north_or_east(missing):
    entries = {tag: value for tag, value in BERLIN.items() if tag != missing}

    assert code(located(entries)) == "GPS_NO_HEMISPHERE"


def test_reported_zeroed_by_the_phone():
    """observ-ing/core#405: the photo picker of Android 13 writes zeros."""
    location = located(gps_at(ZERO, ZERO))

    assert code(location) == "GPS_ZEROED"
    assert "zeroed by the phone" in location.reason.text
    assert code(located(gps_at(ZERO, ZERO, north="", east=""))) == "GPS_ZEROED"
    tiny = [(0, 1), (0, 1), (3, 1000)]  # 8e-7 degrees
    assert code(located(gps_at(tiny, tiny))) == "GPS_ZEROED"
    assert located(gps_at(ZERO, EAST)).place.latitude == 0.0


@pytest.mark.parametrize("form", ["attribute", "element"])
def test_reported_an_empty_gps_directory_with_the_place_in_xmp(form):
    """MSDK-V5#758: the GPS directory holds the version 0.0.0.0 alone; XMP is right."""
    packet = dji(form, GpsLatitude="+48.1234567", GpsLongitude="+011.7654321")

    location = located({0: (BYTE, bytes(4))}, [packet])

    assert location.place == Place(48.1234567, 11.7654321, PlaceSource.XMP)
    assert code(located({0: (BYTE, bytes(4))})) == "GPS_EMPTY"


def test_the_old_spelling_of_longitude_is_read():
    packet = dji(GpsLatitude="48.5", GpsLongtitude="-11.25")

    assert located(None, [packet]).place == Place(48.5, -11.25, PlaceSource.XMP)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"GpsLatitude": "+48.1"}, "GPS_DAMAGED"),
        ({"GpsLatitude": "+98.1", "GpsLongitude": "11.7"}, "GPS_DAMAGED"),
        ({"GpsLatitude": "nan", "GpsLongitude": "11.7"}, "GPS_DAMAGED"),
        ({"GpsLatitude": "1e1", "GpsLongitude": "11.7"}, "GPS_DAMAGED"),
        ({"GpsLatitude": "", "GpsLongitude": ""}, "GPS_DAMAGED"),
        ({"GpsLatitude": "+0.0", "GpsLongitude": "-0.0"}, "GPS_NO_FIX"),
        (NEAR | {"GpsStatus": "Invalid"}, "GPS_NO_FIX"),
        (NEAR | {"Latitude": "53.0"}, "PLACES_CONFLICT"),
    ],
)
def test_a_record_of_the_drone_that_is_no_place(values, reason):
    assert code(located(None, [dji(**values)])) == reason


def test_two_places_over_100_m_apart_are_a_conflict_and_closer_ones_are_not():
    # 0.0009 degrees of latitude are 100.08 m on the sphere, 0.0008 are 88.96 m.
    near = dji(GpsLatitude="52.5208", GpsLongitude="13.405")
    far = dji(GpsLatitude="52.5209", GpsLongitude="13.405")

    assert located(BERLIN, [near]).place.source is PlaceSource.EXIF
    location = located(BERLIN, [far])
    assert code(location) == "PLACES_CONFLICT"
    assert location.reason.values == {"metres": 100}


def test_two_packets_that_contradict_each_other_are_a_conflict_too():
    packets = [dji(**NEAR), dji(GpsLatitude="53.0", GpsLongitude="13.405")]

    assert code(located(None, packets)) == "PLACES_CONFLICT"
    assert code(located(BERLIN, packets)) == "PLACES_CONFLICT"


def test_the_accuracy_is_what_the_file_states_and_never_finer_than_its_digits():
    stated = BERLIN | {31: rationals((48, 10))}
    coarse = gps_at([(52, 1), (31, 1), (12, 1)], [(13, 1), (24, 1), (18, 1)])
    rtk = dji(**NEAR, RtkStdLat="0.03", RtkStdLon="0.04")

    assert located(stated).place.accuracy_m == pytest.approx(4.8)
    assert located(BERLIN | {31: rationals((1, 100))}).place.accuracy_m == pytest.approx(
        3.09, abs=0.01
    )
    assert located(coarse).place.accuracy_m == pytest.approx(30.9, abs=0.05)
    assert located(None, [rtk]).place.accuracy_m == pytest.approx(0.05)
    assert located(None, [dji(**NEAR)]).place.accuracy_m is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("IMG-20240512-WA0007.jpg", "WHATSAPP"),
        ("fields.zip/May/IMG-20240512-WA0007.jpg", "WHATSAPP"),
        ("photo_2024-05-12_10-11-12.jpg", "TELEGRAM"),
        ("image.jpg", "BROWSER_COPY"),
        ("my image.jpg", "NO_GPS"),
        ("IMG_20240512.jpg", "NO_GPS"),
    ],
)
def test_who_removed_the_place_is_known_by_the_name(name, reason):
    location = locate(jpeg(), name)

    assert code(location) == reason
    if reason == "WHATSAPP":
        assert location.reason.text.startswith(
            "WhatsApp removed the place. Send the photo as a doc"
        )
    assert locate(jpeg(tiff(gps=BERLIN)), name).place is not None


def test_a_smaller_copy_is_known_by_its_size_and_the_missing_maker():
    sizes = {"width": 1600, "height": 1200}

    assert code(locate(jpeg(), **sizes)) == "RESIZED_COPY"
    assert code(locate(jpeg(tiff({271: text("Canon")})), **sizes)) == "NO_GPS"
    assert code(locate(jpeg(), width=1500, height=1200)) == "NO_GPS"


def test_a_place_by_hand_is_recorded_as_such():
    assert place_by_hand(-12.5, 179.0) == Place(-12.5, 179.0, PlaceSource.HAND)
    with pytest.raises(ValueError, match="at most 90 and 180 degrees, got 95"):
        place_by_hand(95.0, 0.0)
    with pytest.raises(ValueError, match="got nan"):
        place_by_hand(float("nan"), 0.0)


def test_distances_on_the_sphere():
    berlin, paris = (
        Place(52.5200, 13.4050, PlaceSource.EXIF),
        Place(48.8566, 2.3522, PlaceSource.XMP),
    )
    west, east = Place(0.0, 179.999, PlaceSource.EXIF), Place(0.0, -179.999, PlaceSource.EXIF)

    assert distance_m(berlin, paris) == pytest.approx(877_460, rel=1e-3)
    assert distance_m(west, east) == pytest.approx(222.39, abs=0.01)
    assert distance_m(berlin, berlin) == 0.0


@pytest.mark.shared
def test_every_shared_drone_photo_lies_where_its_table_says(shared_data):
    with (shared_data / "crops/drone/drone_manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] != "geotiff"]

    for row in rows:
        data = (shared_data / "crops" / row["file"]).read_bytes()
        place = locate(data, row["file"]).place
        assert place.latitude == pytest.approx(float(row["lat"]), abs=6e-7), row["file"]
        assert place.longitude == pytest.approx(float(row["lon"]), abs=6e-7), row["file"]
        assert place.source is PlaceSource.EXIF
        other = exifread.process_file(io.BytesIO(data), details=False)
        independent = exifread.utils.get_gps_coords(other)
        assert (place.latitude, place.longitude) == pytest.approx(independent, abs=1e-9), row[
            "file"
        ]
    assert len(rows) == 35
