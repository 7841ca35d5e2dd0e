"""What the pack adds to the log, and that no text of a sender gets in by it."""

import pytest

from core.logs import FIELDS, WITHHELD, Event, Word
from domains.xray import pack
from domains.xray.node.sop_classes import STORAGE_CLASSES, class_keyword


def test_the_pack_declares_what_core_does_not_know():
    assert "sop_class" not in FIELDS
    assert not {"c-store", "stow"} & set(FIELDS["transport"].split("|"))
    assert set(pack.log_fields) == {"sop_class", "transport"}


def test_every_class_and_transport_is_logged_as_it_is():
    keywords = [class_keyword(uid) for uid in [*sorted(STORAGE_CLASSES), "1.2.3"]]
    for keyword in keywords:
        assert Event(Word.SET_ASIDE, {"sop_class": keyword}).to_json()["sop_class"] == keyword
    assert class_keyword(f"DOE^JANE {'9' * 99}") == "Unregistered"
    for transport in ("c-store", "stow", "folder"):
        assert Event(Word.RECEIVED, {"transport": transport}).to_json()["transport"] == transport


@pytest.mark.parametrize("field", ["sop_class", "transport"])
@pytest.mark.parametrize(
    "value",
    ["DOE^JANE", "jane", "1.2.840.113619.2.55", "../../etc/passwd", "19700101\n", "", "Ünal"],
)
def test_names_uids_paths_and_line_breaks_are_withheld(field, value):
    assert Event(Word.RECEIVED, {field: value}).to_json()[field] == WITHHELD
