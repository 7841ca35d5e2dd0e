"""What only the neighbours tell: a position that stands still, a photo that is far away."""

import math
from dataclasses import replace

import pytest

from domains.crops.photos.batch import NamedFacts, locate_batch
from domains.crops.photos.facts import PhotoFacts, StatedCamera, StatedGps
from domains.crops.photos.place import PlaceSource


def gps_of(latitude: float, longitude: float) -> StatedGps:
    return StatedGps(
        latitude_ref="S" if latitude < 0 else "N",
        longitude_ref="W" if longitude < 0 else "E",
        latitude=((round(abs(latitude) * 10**7), 10**7), (0, 1), (0, 1)),
        longitude=((round(abs(longitude) * 10**7), 10**7), (0, 1), (0, 1)),
        entries=4,
    )


def photo(number, *, at=(48.0, 11.0), xmp=None, height="+30.0", every_s=15, day=12) -> NamedFacts:
    drone = {"RelativeAltitude": (height,)} if height else {}
    if xmp:
        drone |= {"GpsLatitude": (f"{xmp[0]:.7f}",), "GpsLongitude": (f"{xmp[1]:.7f}",)}
    seconds = number * every_s
    taken = f"2024:05:{day} 10:{seconds // 60:02}:{seconds % 60:02}"
    facts = PhotoFacts(
        gps=gps_of(*at) if at else None, camera=StatedCamera(taken=taken), drone=drone
    )
    return NamedFacts.of(f"DJI_{number:04}.JPG", facts)


def flight(count, **options):
    return [photo(number, **options) for number in range(count)]


def outcomes(photos):
    return [one.place.source if one.place else one.reason.code for one in locate_batch(photos)]


def test_five_photos_over_a_minute_at_one_position_in_flight_are_not_believed():
    assert outcomes(flight(5)) == ["PLACE_FROZEN"] * 5


@pytest.mark.parametrize(
    ("count", "options"),
    [
        (4, {"every_s": 60}),  # too few
        (5, {"every_s": 14}),  # 56 seconds
        (5, {"height": "+5.0"}),
        (5, {"height": ""}),  # a phone on a stand
        (5, {"height": "-30.0"}),
    ],
)
def test_less_than_that_is_believed(count, options):
    assert outcomes(flight(count, **options)) == [PlaceSource.EXIF] * count


def test_where_the_drones_own_record_varies_it_is_used():
    photos = [photo(n, xmp=(48.0 + n * 1e-4, 11.0)) for n in range(6)]

    located = locate_batch(photos)

    assert [one.place.source for one in located] == [PlaceSource.XMP] * 6
    assert [one.place.latitude for one in located] == pytest.approx(
        [48.0 + n * 1e-4 for n in range(6)]
    )
    assert [one.notes[0].values["gps"] for one in located] == ["PLACE_FROZEN"] * 6


def test_even_a_record_over_100_m_from_the_frozen_position_is_used():
    photos = [photo(n, xmp=(48.1 + n * 1e-4, 11.0)) for n in range(5)]

    assert outcomes(photos) == [PlaceSource.XMP] * 5


def test_a_record_that_stands_still_as_well_is_no_place():
    assert outcomes(flight(5, xmp=(48.0, 11.0))) == ["PLACE_FROZEN"] * 5
    assert outcomes(flight(5, at=None, xmp=(48.0, 11.0))) == ["PLACE_FROZEN"] * 5


def test_the_rest_of_the_flight_keeps_its_places():
    photos = [*flight(5), photo(9, at=(48.001, 11.0)), photo(10, height="")]

    assert outcomes(photos) == ["PLACE_FROZEN"] * 5 + [PlaceSource.EXIF] * 2


def test_positions_that_differ_in_their_last_digit_do_not_stand_still():
    photos = [photo(n, at=(48.0 + n * 1e-7, 11.0)) for n in range(5)]

    assert outcomes(photos) == [PlaceSource.EXIF] * 5


def test_a_place_over_50_km_from_the_median_is_asked_and_not_shown():
    # 0.449 and 0.450 degrees of latitude are 49.93 and 50.04 km.
    field = [photo(n, at=(48.0, 11.0 + n * 1e-6)) for n in range(4)]
    near, far = photo(8, at=(48.449, 11.0)), photo(9, at=(48.450, 11.0))

    located = locate_batch([*field, near, far])

    assert [one.place is not None for one in located] == [True] * 5 + [False]
    assert located[-1].reason.code == "PLACE_FAR"
    assert located[-1].reason.values == {"kilometres": 50}
    assert located[-1].candidate.latitude == 48.450
    assert located[0].candidate is None


def test_the_date_line_does_not_part_a_field():
    field = [photo(n, at=(-16.8, 179.9999 - n * 1e-5)) for n in range(3)]
    other_side = [photo(n + 3, at=(-16.8, -179.9999 + n * 1e-5)) for n in range(3)]

    assert outcomes([*field, *other_side]) == [PlaceSource.EXIF] * 6


def test_neither_of_two_far_photos_is_shown_and_one_alone_is():
    two = [photo(0, at=(48.0, 11.0)), photo(1, at=(-48.0, -169.0))]

    assert outcomes(two) == ["PLACE_FAR"] * 2
    assert outcomes(two[:1]) == [PlaceSource.EXIF]
    assert outcomes([]) == []


def test_ten_thousand_photos_are_located_in_the_order_given():
    one = photo(0)
    places = (gps_of(48.0 + number * 1e-7, 11.0) for number in range(10_000))
    photos = [replace(one, facts=one.facts.model_copy(update={"gps": gps})) for gps in places]

    located = locate_batch(photos)

    assert len(located) == 10_000
    assert math.isclose(located[9_999].place.latitude, 48.0009999, abs_tol=1e-9)
