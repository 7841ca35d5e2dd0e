"""Fields as folders: what a farmer types is text, and what was altered is named."""

from datetime import UTC, datetime

import pytest

from core.errors import DataError, InputError, PermissionDenied
from core.people import Person, Role
from domains.crops.fields.folder import delete_field, fields, make_field, open_field

AT = datetime(2026, 5, 4, tzinfo=UTC)
ADA = Person.alone("Ada")


def test_a_field_is_found_again_with_all_that_was_typed(tmp_path):
    made = make_field(tmp_path, "  North   <b>field</b> ", "Maïs", AT, by=ADA)
    assert open_field(tmp_path, made.id) == made
    assert (made.name, made.crop, made.made) == ("North <b>field</b>", "Maïs", AT)


def test_the_newest_field_comes_first(tmp_path):
    older = make_field(tmp_path, "a", "", AT, by=ADA)
    newer = make_field(tmp_path, "a", "", AT.replace(year=2027), by=ADA)
    assert [one.id for one in fields(tmp_path)] == [newer.id, older.id]


def test_a_lead_deletes_a_field_with_all_its_files_and_nobody_else_does(tmp_path):
    made, other = (
        make_field(tmp_path, "a", "", AT, by=ADA),
        make_field(tmp_path, "b", "", AT, by=ADA),
    )
    (made.folder / "upload").mkdir()
    (made.folder / "upload" / "one.file").write_bytes(b"photo")
    with pytest.raises(PermissionDenied, match="delete a field"):
        delete_field(made, by=Person("eva", "Eva", Role.REVIEWER))
    assert open_field(tmp_path, made.id) == made

    delete_field(made, by=Person("ada", "Ada", Role.LEAD))

    assert list(fields(tmp_path)) == [other]
    assert not made.folder.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_field_needs_a_name_that_fits(tmp_path, name):
    with pytest.raises(InputError):
        make_field(tmp_path, name, "", AT, by=ADA)
    assert list(fields(tmp_path)) == []


@pytest.mark.parametrize("field_id", ["", "..", "../fields", "0" * 15, "g" * 16, "0" * 16])
def test_an_address_that_names_no_field_finds_none(tmp_path, field_id):
    assert open_field(tmp_path, field_id) is None


def test_a_field_whose_file_was_altered_is_named(tmp_path):
    made = make_field(tmp_path, "a", "", AT, by=ADA)
    (made.folder / "field.json").write_text("{}")
    with pytest.raises(DataError, match=r"field\.json"):
        open_field(tmp_path, made.id)
