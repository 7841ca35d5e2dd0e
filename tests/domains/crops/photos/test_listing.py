"""The use case and `assay crops photos` on real files, hostile ones among them."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError, UnreadableImage
from core.imaging.decode import decode
from core.imaging.functions import Output
from core.service.progress import silent
from core.settings import Settings
from domains.crops import pack
from domains.crops.photos.listing import list_photos
from domains.crops.photos.reading import photo_of, read_photo
from tests.commands import run_assay
from tests.domains.crops.photos.files import (
    BERLIN,
    dji,
    gps_at,
    jpeg,
    rationals,
    segment,
    text,
    tiff,
)

HEIC = Path(__file__).parents[3] / "core" / "imaging" / "heic"
TAKEN = {36867: text("2024:05:12 10:11:12")}
FAR = gps_at([(48, 1), (0, 1), (0, 1)], [(11, 1), (0, 1), (0, 1)])


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("home"), max_bytes=4 * 2**20)


def listed(paths, settings, progress=silent):
    listing = list_photos(paths, settings, progress)
    return {Path(photo.name).name: photo for photo in listing.photos}, listing


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 in a few kilobytes."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(file, "PNG")
    data = bytearray(file.getvalue())
    data[16:24] = (30_000).to_bytes(4, "big") * 2
    return bytes(data)


@pytest.fixture
def folder(tmp_path):
    entity = b'<!DOCTYPE x [<!ENTITY a "48.5">]>' + dji(GpsLatitude="&a;", GpsLongitude="11.7")
    files = {
        "good.jpg": jpeg(tiff({271: text("Maker")}, TAKEN, BERLIN), size=(320, 240)),
        "IMG-20240512-WA0001.jpg": jpeg(),
        "entity.jpg": jpeg(packets=[entity]),
        "absurd.jpg": jpeg(tiff(gps=gps_at([(95, 1), (0, 1), (0, 1)], [(13, 1)] * 3))),
        "far.jpg": jpeg(tiff(gps=FAR)),
        "near.jpg": jpeg(tiff(exif={36867: text("2024:05:12 09:00:00")}, gps=BERLIN)),
        "DJI_1.JPG": jpeg(tiff(gps=BERLIN)),
        "DJI_1.DNG": tiff({271: text("DJI")}, gps=BERLIN),
        "DJI_2.DNG": tiff({271: text("DJI")}, gps=BERLIN),
        "DJI_1.SRT": b"1\n00:00:00",
        "DJI_1.THM": jpeg(),
        "good.mov": b"\0\0\0\x14ftypqt  ",
        "bomb.png": bomb(),
        "cut.jpg": jpeg(tiff(gps=BERLIN))[:1500],
        "empty.jpg": b"",
        "no.jpg": b"no picture at all",
        "notes.txt": b"walk to the east",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_folder_is_listed_photo_by_photo(folder, settings):
    steps = []
    photos, listing = listed([folder], settings, lambda *step: steps.append(step))

    placed = {name for name, photo in photos.items() if photo.location.place}
    reasons = {
        name: photo.location.reason.code for name, photo in photos.items() if photo.location.reason
    }
    faults = {name: [one.code for one in photo.faults] for name, photo in photos.items()}
    assert placed == {"good.jpg", "near.jpg", "DJI_1.JPG", "DJI_2.DNG", "cut.jpg"}
    assert reasons == {
        "IMG-20240512-WA0001.jpg": "WHATSAPP", "entity.jpg": "NO_GPS", "absurd.jpg": "GPS_DAMAGED",
        "far.jpg": "PLACE_FAR",  # of what cannot be read, nobody knows what it states
    }  # fmt: skip
    unread = {name for name, codes in faults.items() if codes == ["UNREADABLE"]}
    assert unread == {"bomb.png", "cut.jpg", "empty.jpg", "no.jpg"}
    assert "expected at most 64000000 pixels" in photos["bomb.png"].problem
    assert faults["DJI_2.DNG"] == ["RAW_ONLY"]
    assert [note.code for note in photos["entity.jpg"].notes] == ["METADATA_DAMAGED"]
    assert (listing.raw_twins, listing.side_files) == (1, 3)
    assert listing.skipped["others"]["count"] == 3
    # By clock, those without a time last.
    assert [Path(one.name).name for one in listing.photos][:2] == ["near.jpg", "good.jpg"]
    assert steps[-1] == ("Reading photos", 14, 14)


def test_a_zip_is_listed_with_its_limits_and_a_nested_one_is_not_opened(tmp_path, settings):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as nested:
        nested.writestr("hidden.jpg", jpeg(tiff(gps=BERLIN)))
    with zipfile.ZipFile(tmp_path / "field.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/good.jpg", jpeg(tiff(gps=BERLIN)))
        archive.writestr("../slip.jpg", jpeg(tiff(gps=BERLIN)))
        archive.writestr("bomb.jpg", bytes(3 * 2**20))
        archive.writestr("nested.zip", inner.getvalue())

    photos, listing = listed([tmp_path / "field.zip"], settings)

    assert set(photos) == {"good.jpg", "slip.jpg", "bomb.jpg"}
    assert [name for name, photo in photos.items() if photo.location.place] == ["good.jpg"]
    assert "leads out of the archive" in photos["slip.jpg"].problem
    assert "inflates more than 100 times" in photos["bomb.jpg"].problem
    assert listing.skipped["others"]["count"] == 1


def test_a_file_that_is_no_zip_is_a_message_and_not_a_crash(tmp_path, settings):
    (tmp_path / "field.zip").write_bytes(b"PK\x03\x04 nonsense")

    photos, _ = listed([tmp_path], settings)

    assert "The archive cannot be read" in photos["field.zip"].problem


def test_a_folder_of_many_files_of_which_one_is_a_photo(tmp_path, settings):
    for number in range(3000):
        (tmp_path / f"{number:05}.txt").touch()
    (tmp_path / "a.jpg").write_bytes(jpeg(tiff(gps=BERLIN)))

    photos, listing = listed([tmp_path], settings)

    assert set(photos) == {"a.jpg"}
    assert listing.skipped["others"]["count"] == 3000
    assert len(listing.skipped["others"]["first"]) == 5


def test_nothing_there_and_no_photo_are_refused(tmp_path, settings):
    with pytest.raises(DataError, match=r"There is nothing at .*gone"):
        list_photos([tmp_path / "gone"], settings, silent)
    with pytest.raises(DataError, match="There is no photo among the files"):
        list_photos([tmp_path], settings, silent)


def test_the_command_prints_a_line_a_photo_in_the_language_asked_for(folder, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    lines = [
        json.loads(line)
        for line in run_assay(
            "crops", "photos", folder, "--json", "--language", "es-MX", home=home
        ).stdout.splitlines()
    ]

    *photos, whole = lines
    by_name = {Path(line["file"]).name: line for line in photos}
    good = by_name["good.jpg"]
    assert good["place"]["latitude"] == pytest.approx(52.52)
    assert good["place"]["source"] == "exif"
    assert good["time"] == {
        "stated": "2024-05-12T10:11:12", "has_zone": False, "gps": None,
        "notes": [{
            "code": "ZONE_UNKNOWN", "values": {},
            "sentence": "La foto indica una hora local sin su zona horaria.",
        }],
    }  # fmt: skip
    assert by_name["far.jpg"]["place"] is None
    assert by_name["far.jpg"]["candidate"]["latitude"] == 48.0
    assert by_name["far.jpg"]["reason"]["sentence"].startswith("El lugar de la foto está a 531 km")
    assert whole["schema"] == "assay.photos/1"
    assert (whole["photos"], whole["placed"], whole["raw_twins"]) == (12, 5, 1)

    plain = run_assay("crops", "photos", folder / "good.jpg", home=home).stdout
    assert "good.jpg: 52.520000, 13.405000 (exif), 2024-05-12 10:11:12" in plain


def test_nothing_of_a_file_moves_the_cursor_of_a_terminal(tmp_path):
    hostile = "\x1b[2Jred\u202e.jpg"
    gps = BERLIN | {18: text("TOK\x1b[2J\u202eYO")}
    with zipfile.ZipFile(tmp_path / "field.zip", "w") as archive:
        archive.writestr(hostile, jpeg(tiff(gps=gps)))

    out = run_assay("crops", "photos", tmp_path / "field.zip", home=tmp_path / "home").stdout

    assert "\ufffd[2Jred\ufffd.jpg" in out
    assert "datum (TOK[2JYO)" in out
    assert not {"\x1b", "\u202e"} & set(out)


def test_a_drone_photo_has_its_ground(tmp_path, settings):
    packet = dji(
        RelativeAltitude="+30.00", GimbalYawDegree="+0.00", GimbalPitchDegree="-90.00",
        GimbalRollDegree="+0.00",
    )  # fmt: skip
    film = {41989: (3, b"\0\x18")}
    (tmp_path / "DJI_1.JPG").write_bytes(jpeg(tiff(exif=film, gps=BERLIN), [packet], (400, 300)))

    photos, _ = listed([tmp_path], settings)

    ground = photos["DJI_1.JPG"].ground
    assert ground.sample_distance_m == pytest.approx(0.108167, abs=1e-6)
    assert len(ground.footprint) == 5


def test_a_photo_of_a_field_is_not_held_for_showing_no_leaf(tmp_path, settings):
    grey = io.BytesIO()
    Image.fromarray(np.full((300, 400, 3), 128, np.uint8)).save(grey, "JPEG")
    packet = segment(b"http://ns.adobe.com/xap/1.0/\0" + dji(RelativeAltitude="+30.00"))
    data = grey.getvalue()
    (tmp_path / "phone.jpg").write_bytes(data)
    (tmp_path / "drone.jpg").write_bytes(data[:2] + packet + data[2:])

    photos, _ = listed([tmp_path], settings)

    faults = {name: [one.code for one in photo.faults] for name, photo in photos.items()}
    assert faults == {"phone.jpg": ["BLURRED", "NO_LEAF"], "drone.jpg": ["BLURRED"]}


@pytest.mark.parametrize("kind", ["second picture", "film"])
def test_of_a_file_with_more_behind_the_picture_the_picture_alone_is_decoded(kind):
    first = jpeg(tiff(gps=BERLIN))
    more = jpeg(size=(32, 24)) if kind == "second picture" else b"\0\0\0\x18ftypmp42" * 500

    whole, alone = decode(first + more, 10**6, 0).pixels, decode(first, 10**6, 0).pixels

    assert whole.shape == (48, 64, 3)
    assert np.array_equal(whole, alone)


def test_reported_a_heic_is_turned_exactly_once():
    """pillow_heif#86, by the pack's own reader; `tests/core/imaging` has the JPEG beside it."""
    data = (HEIC / "red_corner_6.heic").read_bytes()

    pixels = pack.read(data, 10**6, 0).pixels
    photo = photo_of(read_photo(data, {"max_pixels": 10**6}))

    reds = pixels[:, :, 0].astype(int) - pixels[:, :, 1] > 100
    assert pixels.shape == (64, 32, 3)
    corners = ((5, 5), (5, -6), (-6, 5), (-6, -6))
    assert [bool(reds[y, x]) for y, x in corners] == [False, True, False, False]
    assert (photo.problem, photo.facts.kind) == ("", "HEIC")


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"facts": {}, "measures": {"sharpness": "x"}, "problem": ""},
        {"facts": {"gps": {"latitude": [[1]]}}, "measures": None, "problem": ""},
        {"facts": {"width": "wide"}, "measures": None, "problem": ""},
        {"facts": {"more": 1}, "measures": None, "problem": ""},
        {"facts": {"drone": {str(n): ["1"] for n in range(99)}}, "measures": None, "problem": ""},
        {"facts": {"camera": {"make": "x" * 2000}}, "measures": None, "problem": ""},
    ],
)
def test_what_an_overtaken_process_answers_is_checked(record):
    with pytest.raises(UnreadableImage, match="makes no sense"):
        photo_of(Output(record=record))


def test_one_band_of_a_camera_with_bands_has_facts_and_no_quality():
    file = io.BytesIO()
    Image.fromarray(np.full((64, 64), 5000, np.uint16)).save(file, "TIFF")

    photo = photo_of(read_photo(file.getvalue(), {"max_pixels": 10**6}))

    assert (photo.measures, photo.problem) == (None, "")
    assert photo.facts.kind == "TIFF"


def test_fractions_at_the_ends_of_their_type_pass_the_border():
    gps = gps_at([(4294967295, 4294967295)] * 3, [(0, 4294967295)] * 3) | {
        31: rationals((4294967295, 1))
    }

    assert photo_of(read_photo(jpeg(tiff(gps=gps)), {"max_pixels": 10**6})).facts.gps.entries == 5
