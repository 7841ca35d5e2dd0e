"""Incomplete packs are refused, and labels with a star roll up."""

from dataclasses import replace

import pytest

from core.errors import ConfigError
from core.packs import VIEWS, means_nothing_wrong
from domains.parts import pack


def test_a_pack_with_holes_is_refused_with_all_of_them_named():
    with pytest.raises(ConfigError) as caught:
        replace(
            pack,
            name="My Pack",
            wording={},
            negative_labels=frozenset(),
            group_columns=(),
            views=("identity", "upside down"),
        )

    for fault in (
        "no wording for negative",
        "negative_labels is empty",
        "group_columns is empty",
        "upside down",
        "'My Pack' is not a lower-case identifier",
    ):
        assert fault in caught.value.message


def test_the_picture_as_it_is_belongs_to_the_views_of_every_pack():
    assert replace(pack, views=VIEWS).views == VIEWS
    with pytest.raises(ConfigError, match="identity"):
        replace(pack, views=("mirror",))


@pytest.mark.parametrize(
    ("label", "negative", "expected"),
    [
        ("good", {"good"}, True),
        ("GOOD", {"Good"}, True),
        ("goods", {"good"}, False),
        ("maize_healthy", {"*_healthy"}, True),
        ("Tomato___healthy", {"*_healthy"}, True),
        ("unhealthy", {"*_healthy"}, False),
        ("healthy_not", {"*_healthy"}, False),
        ("healthy", {"*_healthy"}, False),
        ("healthy", {"*healthy*"}, True),
        ("plate ok 3", {"plate*ok*"}, True),
        ("a.b", {"a?b"}, False),
        ("x", {"[x]"}, False),
        ("[x]", {"[x]"}, True),
        ("two\nlines_ok", {"*_ok"}, True),
        ("anything", set(), False),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_is_special(label, negative, expected):
    assert means_nothing_wrong(label, frozenset(negative)) is expected
