"""What a spreadsheet would run is text."""

import pytest

from core.spreadsheet import escape_formula


@pytest.mark.parametrize("text", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_begins_like_a_formula_is_marked_as_text(text):
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "part 7", "a=1", "'=1"])
def test_other_text_stays(text):
    assert escape_formula(text) == text
