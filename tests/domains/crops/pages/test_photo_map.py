"""Places as people type them."""

import pytest

from domains.crops.pages.field_map import Plane
from domains.crops.pages.photo_map import read_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("48.137, 11.575", (48.137, 11.575)),
        ("48.137 11.575", (48.137, 11.575)),
        (" -33,45; -70,66 ", (-33.45, -70.66)),
        ("48.137° 11.575°", (48.137, 11.575)),
        ("48, 11", (48.0, 11.0)),
        ("91, 0", None),
        ("48.1", None),
        ("0, 181", None),
        ("north field", None),
        ("", None),
    ],
)
def test_a_place_is_read_as_it_is_written_or_not_at_all(text, place):
    assert read_place(text) == place


def test_metres_on_the_map_are_the_place_that_they_came_from():
    import numpy as np

    plane = Plane(11.575, 48.137)
    ((east, south),) = plane.place(np.array([[11.6, 48.1]])).tolist()
    assert plane.position(east, south) == pytest.approx((11.6, 48.1), abs=1e-9)
