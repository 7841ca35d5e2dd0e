"""Sizes on the ground and outlines on the map, against values computed by hand."""

import csv
import math

import cv2
import numpy as np
import pytest

from domains.crops.photos.attitude import altitude_m, attitude_of, ground_view
from domains.crops.photos.batch import NamedFacts, locate_photo
from domains.crops.photos.facts import PhotoFacts, StatedCamera, StatedGps
from domains.crops.photos.metadata import read_facts
from domains.crops.photos.place import Place, PlaceSource, distance_m
from domains.crops.photos.reading import read_photo_facts

CAMERA = StatedCamera(make="DJI", width=4000, height=3000, focal_length_35mm=24)
DOWN = {"GimbalPitchDegree": ("-90.00",), "GimbalRollDegree": ("+0.00",)}
NORTHWARD = DOWN | {"GimbalYawDegree": ("+0.00",), "RelativeAltitude": ("+30.00",)}
HERE = Place(48.0, 11.0, PlaceSource.EXIF)


def facts(drone=NORTHWARD, camera=CAMERA, **more):
    given = {"kind": "JPEG", "width": 4000, "height": 3000, **more}
    return PhotoFacts(drone=drone, camera=camera, **given)


def view(drone=NORTHWARD, camera=CAMERA, place=HERE, **more):
    return ground_view(facts(drone, camera, **more), place)


def codes(one):
    return [reason.code for reason in one.reasons]


def with_values(**values: str):
    return NORTHWARD | {name: (value,) for name, value in values.items()}


def test_the_ground_sample_distance_is_height_times_sensor_over_focal_length_and_width():
    # 4:3 at 24 mm on film: diagonal of 36 x 24 is 43.2666 mm; 43.2666 / 24 * 4/5 = 1.442221;
    # 30 m * 1.442221 / 4000 px = 10.8167 mm a pixel.
    ground = view()

    assert ground.sample_distance_m == pytest.approx(0.0108167, abs=5e-8)
    assert ground.uncertainty_m == pytest.approx(0.15 * 0.0108167, abs=5e-8)
    wide = ground_view(facts(), HERE, allowance=0.3)
    assert wide.uncertainty_m == pytest.approx(0.003245, rel=1e-5)


def test_a_3_to_2_sensor_has_its_own_width():
    # 36 mm over 24 mm of focal length: 1.5; 30 * 1.5 / 4500.
    camera = CAMERA.model_copy(update={"width": 4500})

    assert view(camera=camera, width=4500).sample_distance_m == pytest.approx(0.01)


def test_a_smaller_copy_of_the_same_shape_has_larger_pixels_on_the_same_ground():
    small = view(width=1000, height=750)

    assert small.sample_distance_m == pytest.approx(4 * view().sample_distance_m)
    assert list(small.footprint) == [pytest.approx(one) for one in view().footprint]


@pytest.mark.parametrize(
    ("camera", "more", "reason"),
    [
        ({"focal_length_35mm": 0}, {}, "LENS_UNKNOWN"),
        ({"zoom": ((15, 10),)}, {}, "ZOOMED"),
        ({}, {"width": 3000}, "CROPPED"),
        ({"width": 0, "height": 0}, {"width": 3000}, "CROPPED"),
        ({"width": 0, "height": 0}, {"width": 0}, "LENS_UNKNOWN"),
        # A third of the sensor: the focal plane contradicts the focal length on film.
        (
            {
                "width": 1600,
                "height": 1200,
                "plane_unit": 2,
                "plane_resolution": ((13_652, 1),),
                "focal_length": ((52, 10),),
            },
            {"width": 1600, "height": 1200},
            "CROPPED",
        ),
    ],
)
def test_without_a_factor_there_is_no_size_but_a_point(camera, more, reason):
    ground = view(camera=CAMERA.model_copy(update=camera), **more)

    assert ground.sample_distance_m is ground.uncertainty_m is ground.footprint is None
    assert codes(ground) == [reason]


@pytest.mark.parametrize("zoom", [((0, 0),), ((0, 1),), ((1, 1),)])
def test_no_zoom_is_no_reason(zoom):
    assert codes(view(camera=CAMERA.model_copy(update={"zoom": zoom}))) == []


@pytest.mark.parametrize(
    ("height", "reason"),
    [("+4.99", "HEIGHT_TOO_LOW"), ("-12.0", "HEIGHT_TOO_LOW"), ("high", "HEIGHT_UNKNOWN")],
)
def test_a_height_under_5_m_is_refused(height, reason):
    ground = view(with_values(RelativeAltitude=height))

    assert ground.sample_distance_m is ground.footprint is None
    assert codes(ground) == [reason]
    assert codes(view(with_values(RelativeAltitude="+5.00"))) == []


@pytest.mark.parametrize(
    ("pitch", "is_nadir"),
    [("-85.0", True), ("-84.9", False), ("-95.0", True), ("-95.1", False), ("-70.0", False)],
)
def test_straight_down_is_within_5_degrees(pitch, is_nadir):
    attitude = attitude_of(with_values(GimbalPitchDegree=pitch))

    assert attitude.is_nadir is is_nadir
    assert (view(with_values(GimbalPitchDegree=pitch)).footprint is not None) is is_nadir
    assert [note.code for note in attitude.notes] == ([] if is_nadir else ["NOT_NADIR"])


def test_three_angles_of_exactly_zero_are_unknown():
    """MSDK-V5#772: the gimbal of the P1 always reports +0.00."""
    zero = dict.fromkeys(("GimbalYawDegree", "GimbalPitchDegree", "GimbalRollDegree"), ("+0.00",))

    attitude = attitude_of(NORTHWARD | zero)
    assert (attitude.yaw, attitude.pitch, attitude.is_nadir) == (None, None, False)
    assert [note.code for note in attitude.notes] == ["ATTITUDE_UNKNOWN", "YAW_UNKNOWN"]
    assert view(NORTHWARD | zero).footprint is None
    level = attitude_of(NORTHWARD | zero | {"GimbalYawDegree": ("+0.10",)})
    assert (level.yaw, level.pitch) == (pytest.approx(0.1), 0.0)


def test_the_yaw_is_the_gimbals_and_the_flights_only_with_a_note():
    both = with_values(GimbalYawDegree="-30.0", FlightYawDegree="+10.0")
    flight = {name: value for name, value in both.items() if name != "GimbalYawDegree"}
    neither = {name: value for name, value in flight.items() if name != "FlightYawDegree"}

    assert attitude_of(both).yaw == 330.0
    assert attitude_of(flight).yaw == 10.0
    assert [note.code for note in attitude_of(flight).notes] == ["YAW_OF_FLIGHT"]
    assert [note.code for note in attitude_of(neither).notes] == ["YAW_UNKNOWN"]
    assert view(flight).footprint is not None
    assert view(neither).footprint is None


def test_a_camera_on_its_side_is_a_point():
    assert view(with_values(GimbalRollDegree="90.0")).footprint is None


def test_the_outline_runs_counter_clockwise_from_the_top_left():
    # 43.2666 m by 32.45 m, 1 degree at 48 north: 111,199.3 m and 74,632.1 m (WGS-84 tables).
    east, north = 43.26663 / 2 / 74_632.1, 32.44997 / 2 / 111_199.3

    ring = view().footprint

    expected = [(-east, north), (-east, -north), (east, -north), (east, north), (-east, north)]
    assert [(x - 11.0, y - 48.0) for x, y in ring] == [
        pytest.approx(one, rel=1e-4) for one in expected
    ]


def test_a_yaw_turns_the_outline_clockwise():
    turned = view(with_values(GimbalYawDegree="+90.0")).footprint
    top_left, bottom_left = turned[0], turned[1]

    # The top looks east: its left corner is the north-eastern one, below it the north-western.
    assert top_left[0] > 11.0
    assert top_left[1] > 48.0
    assert bottom_left[0] < 11.0
    assert bottom_left[1] > 48.0
    assert (top_left[1] - 48.0) * 111_199.3 == pytest.approx(43.26663 / 2, rel=1e-4)


def test_the_ring_stays_whole_across_the_date_line_and_none_is_drawn_near_a_pole():
    across = view(place=Place(10.0, 180.0, PlaceSource.EXIF)).footprint

    assert max(x for x, _ in across) > 180.0
    assert max(x for x, _ in across) - min(x for x, _ in across) < 0.001
    polar = view(place=Place(89.5, 0.0, PlaceSource.EXIF))
    assert (polar.footprint, codes(polar)) == (None, ["NEAR_POLE"])
    assert polar.sample_distance_m is not None
    assert view(place=None).footprint is None


@pytest.mark.parametrize(
    ("gps", "drone", "metres"),
    [
        (StatedGps(altitude=((1745, 10),), altitude_ref=0), {}, 174.5),
        (StatedGps(altitude=((1745, 10),)), {}, 174.5),
        (StatedGps(altitude=((35, 10),), altitude_ref=1), {}, -3.5),
        (StatedGps(altitude=((-35, 10),), altitude_ref=1), {}, -3.5),
        (StatedGps(altitude=((1, 0),)), {"AbsoluteAltitude": ("-12.30",)}, -12.3),
        (None, {"AbsoluteAltitude": ("+198.31",)}, 198.31),
        (None, {}, None),
    ],
)
def test_an_altitude_may_be_below_the_sea(gps, drone, metres):
    assert altitude_m(gps, drone) == (metres if metres is None else pytest.approx(metres))


@pytest.mark.shared
def test_the_shared_drone_photos_have_an_outline_or_a_reason(shared_data):
    with (shared_data / "crops/drone/drone_manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] in ("rgb", "nir_false_colour")]
    outlined = []
    for row in rows:
        data = (shared_data / "crops" / row["file"]).read_bytes()
        stated = read_photo_facts(data, 10**8)
        found = locate_photo(NamedFacts.of(row["file"], stated))
        ground = ground_view(stated, found.place)
        if ground.footprint:
            outlined.append(row["file"])
            # FC300S: 20 mm on film, 16:9 cut from 4:3 (0.8) or 3:2 (0.8321) of the diagonal.
            height = float(stated.drone["RelativeAltitude"][0])
            ratio = math.hypot(36, 24) / 20 * (0.8 + 3 / math.sqrt(13)) / 2
            assert ground.sample_distance_m == pytest.approx(height * ratio / 1200)
            assert 0.04 < ground.sample_distance_m < 0.1
        else:
            assert ground.reasons

    assert outlined == [row["file"] for row in rows if "brighton" in row["file"]]
    assert len(outlined) == 5
    assert read_facts(data).drone == stated.drone


@pytest.mark.shared
def test_two_photos_that_overlap_agree_with_their_gps_about_the_ground(shared_data):
    """The shift between two pictures, found in their pixels, against the way between two places."""
    photos = {}
    for number in (18, 21, 28, 32):
        path = shared_data / f"crops/drone/rgb/brighton_DJI_00{number}.jpg"
        stated = read_photo_facts(path.read_bytes(), 10**8)
        place = locate_photo(NamedFacts.of(path.name, stated)).place
        photos[number] = ground_view(stated, place), place, cv2.imread(str(path), 0)

    for one, other in ((18, 28), (21, 32), (28, 32)):
        (ground, start, picture), (_, end, again) = photos[one], photos[other]
        way, pixels, turn = distance_m(start, end), *shift(picture, again)
        # 3 m of GPS at either end, and the terrain allowance.
        most = 0.15 + 6 / way
        assert pixels * ground.sample_distance_m == pytest.approx(way, rel=most), (one, other)
        north = math.radians(end.latitude - start.latitude)
        east = math.radians(end.longitude - start.longitude) * math.cos(math.radians(46.84))
        bearing = math.degrees(math.atan2(east, north))
        # Modulo half a circle: 28 states a yaw that is turned by that.
        apart = (turn + ground.attitude.yaw - bearing + 90) % 180 - 90
        assert abs(apart) < 15, (one, other)


def shift(picture, again):
    """Pixels from the middle of one picture to that of another, and its angle from the top."""
    sift = cv2.SIFT_create(4000)
    (points, words), (others, other_words) = (
        sift.detectAndCompute(one, None) for one in (picture, again)
    )
    pairs = cv2.BFMatcher().knnMatch(words, other_words, k=2)
    close = [first for first, second in pairs if first.distance < 0.75 * second.distance]
    here = np.float32([points[one.queryIdx].pt for one in close])
    there = np.float32([others[one.trainIdx].pt for one in close])
    found, inliers = cv2.estimateAffinePartial2D(there, here, ransacReprojThreshold=5)
    assert inliers.sum() > 40
    height, width = picture.shape
    x, y = found @ (width / 2, height / 2, 1) - (width / 2, height / 2)
    return math.hypot(x, y), math.degrees(math.atan2(x, -y))
