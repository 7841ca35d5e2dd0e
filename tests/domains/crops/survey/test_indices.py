import pytest

from domains.crops.survey.indices import indices_of, refused

MEANS = {"red": 0.08, "green": 0.14, "blue": 0.05, "near infrared": 0.46, "red edge": 0.23}


def test_indices_are_what_their_formulas_give():
    found = indices_of(MEANS, is_reflectance=True)

    assert found == {
        "exg": round((2 * 0.14 - 0.08 - 0.05) / (0.08 + 0.14 + 0.05), 6),
        "vari": round((0.14 - 0.08) / (0.14 + 0.08 - 0.05), 6),
        "ndvi": round((0.46 - 0.08) / (0.46 + 0.08), 6),
        "ndre": round((0.46 - 0.23) / (0.46 + 0.23), 6),
        "gndvi": round((0.46 - 0.14) / (0.46 + 0.14), 6),
    }
    assert found["ndvi"] == 0.703704


def test_levels_give_no_index_that_needs_reflectance():
    assert set(indices_of(MEANS, is_reflectance=False)) == {"exg", "vari"}


def test_an_index_that_divides_by_nothing_is_left_out():
    found = indices_of({"red": 0.0, "green": 0.0, "blue": 0.0}, is_reflectance=False)

    assert found == {}
    assert "vari" not in indices_of({"red": 1, "green": 1, "blue": 2}, is_reflectance=False)


@pytest.mark.parametrize(
    ("bands", "is_reflectance", "expected"),
    [
        (
            ("red", "green", "blue"),
            False,
            dict.fromkeys(("ndvi", "ndre", "gndvi"), "There is no near infrared band."),
        ),
        (
            tuple(MEANS),
            False,
            dict.fromkeys(("ndvi", "ndre", "gndvi"), "Brightness; expected reflectance."),
        ),
        (tuple(MEANS), True, {}),
        (
            ("red", "near infrared"),
            True,
            {
                "exg": "There is no green band.",
                "vari": "There is no green band.",
                "ndre": "There is no red edge band.",
                "gndvi": "There is no green band.",
            },
        ),
    ],
    ids=["colours", "levels", "all", "two bands"],
)
def test_an_index_that_cannot_be_had_is_refused_with_its_reason(bands, is_reflectance, expected):
    assert refused(bands, is_reflectance=is_reflectance, levels="Brightness") == expected
