"""The name is there again after a restart, and a broken file asks for it."""

from __future__ import annotations

import pytest

from core.service.review.last_person import LastPerson, keep_last_person, read_last_person


def test_name_and_pack_come_back(tmp_path):
    assert read_last_person(tmp_path) == LastPerson()
    keep_last_person(tmp_path, LastPerson("Ada Ö.", "parts"))
    keep_last_person(tmp_path, LastPerson("Grace", "crops"))
    assert read_last_person(tmp_path) == LastPerson("Grace", "crops")
    assert [one.name for one in tmp_path.iterdir()] == ["last_person.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "Ada"}', "\x00"])
def test_a_broken_file_names_nobody(tmp_path, text):
    (tmp_path / "last_person.json").write_text(text)
    assert read_last_person(tmp_path) == LastPerson()


def test_a_home_that_cannot_be_written_is_no_fault(tmp_path):
    keep_last_person(tmp_path / "missing", LastPerson("Ada", ""))
    assert read_last_person(tmp_path / "missing") == LastPerson()
