"""What headers state, case by case, on both engines."""

from __future__ import annotations

from dataclasses import replace

from core.records.case_columns import read_columns
from core.records.store import new_decision, record


def test_values_of_all_images_of_a_case_stand_in_the_order_of_the_cases(store, assessment):
    def add(content, group, **meta):
        made = new_decision(assessment(content, group=group), pack="parts", name="a.png")
        record(store, [replace(made, meta=meta)])
        return made.case_id

    two = add(b"1", "two", site="North", camera="left", patient_name="DOE")
    add(b"2", "two", site="North", camera=" right ")
    one = add(b"3", "one", site="South")
    bare = add(b"4", "bare")
    found = read_columns(store, [bare, one, two, "unknown"], ["site", "camera"])
    assert found == {
        "site": [(), ("South",), ("North",), ()],
        "camera": [(), (), ("left", "right"), ()],
    }
