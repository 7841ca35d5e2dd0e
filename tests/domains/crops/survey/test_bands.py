import pytest

from core.errors import UnreadableImage
from domains.crops.survey.bands import band_at, band_called, identify

RGB = ("red", "green", "blue")


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("NIR", "near infrared"),
        ("Near-Infrared", "near infrared"),
        ("near infra red (840 nm)", "near infrared"),
        ("RedEdge", "red edge"),
        ("red_edge", "red edge"),
        ("REG", "red edge"),
        ("Red", "red"),
        ("band_red", "red"),
        ("GRE", "green"),
        ("550 nm", "green"),
        ("790.0 nm", "near infrared"),
        ("red 668nm", "red"),
        ("red 840 nm", ""),
        ("red and nir", ""),
        ("infrared", ""),
        ("1", ""),
        ("DSM", ""),
        ("", ""),
    ],
)
def test_a_band_is_what_its_name_says_and_nothing_where_it_says_two_things(text, band):
    assert band_called(text) == band


def test_a_wavelength_between_bands_is_none():
    assert [band_at(nm) for nm in (475, 560, 668, 717, 840, 695, 1000)] == [
        *("blue", "green", "red", "red edge", "near infrared", "", ""),
    ]


def test_bands_are_found_wherever_they_stand():
    described = ("nir", "Red edge 717 nm", "Blue", "green", "RED")

    names = identify(["gray"] + ["undefined"] * 4, described)

    assert names == ("near infrared", "red edge", "blue", "green", "red")


def test_a_fourth_band_without_a_name_is_of_no_use():
    assert identify((*RGB, "undefined"), ("",) * 4) == (*RGB, "band 4")


@pytest.mark.parametrize(
    ("colours", "described", "given", "message"),
    [
        (
            ("gray", "undefined", "undefined"),
            ("",) * 3,
            (),
            "does not say which of its bands is re",
        ),
        (("gray",), ("",), (), "got gray"),
        (RGB, ("nir", "red", "green"), (), "Band 1 is red by its colour and near infrared by"),
        (("red", "red", "blue"), ("",) * 3, (), "two bands called red"),
        (RGB, ("",) * 3, ("red", "green"), "has 3 bands, and 2 were named"),
        (RGB, ("",) * 3, ("red", "green", "green"), "two bands called green"),
    ],
    ids=["no colours", "grey", "false colours", "twice", "too few named", "named twice"],
)
def test_what_is_not_known_is_refused_with_the_way_out(colours, described, given, message):
    with pytest.raises(UnreadableImage, match=message) as caught:
        identify(colours, described, given)
    assert "--bands red,green,blue,nir" in str(caught.value)


def test_what_a_person_says_counts():
    colours, described = ("gray", *("undefined",) * 3), ("",) * 4

    assert identify(colours, described, ("nir", "red", "green", "blue"))[0] == "near infrared"
    assert identify(colours, described, ("red", "green", "blue", "other"))[3] == "band 4"
