from __future__ import annotations

import hashlib

import numpy as np
import pytest

from core.checking.split_membership import (
    GROUP,
    PATIENT,
    PICTURE,
    CaseNames,
    Member,
    SplitMembership,
    group_names,
    stated_name,
)
from core.decision.splits import CAL_KEY, CAL_SHARE, draw_split, hold_out

PICTURES = [hashlib.sha256(bytes([n])).hexdigest() for n in range(4)]
ALL_ALIKE = stated_name(PATIENT, "anonymous")


@pytest.fixture(scope="module")
def membership():
    """Two studies of patient A in train, one part in cal, a lone picture in each."""
    members = [
        Member((GROUP, "study 1"), "study 1", "train"),
        Member((GROUP, "study 2"), "study 1", "train"),
        Member(stated_name(PATIENT, "A"), "study 1", "train"),
        Member((PICTURE, PICTURES[0]), "study 1", "train"),
        Member((GROUP, "part 7"), "part 7", "cal"),
        Member((PICTURE, PICTURES[1]), "part 7", "cal"),
        Member((PICTURE, PICTURES[2]), "a.png", "cal"),
        Member((PICTURE, PICTURES[3]), "b.png", "train"),
    ]
    return SplitMembership.of(members, PICTURES, [ALL_ALIKE])


def new(*names):
    return CaseNames(("f" * 64,), *names)


@pytest.mark.parametrize(
    ("case", "split", "group"),
    [
        (new("study 2"), "train", "study 1"),
        (new("study 9", ("A",)), "train", "study 1"),
        (new("part 7"), "cal", "part 7"),
        (CaseNames((PICTURES[1],)), "cal", "part 7"),
        (CaseNames((PICTURES[2],), "renamed"), "cal", "a.png"),
        (CaseNames((PICTURES[3],)), "train", "b.png"),
        (CaseNames((PICTURES[1],), "study 1"), "train", "study 1"),
        (CaseNames((PICTURES[1], PICTURES[3])), "train", "b.png"),
    ],
)
def test_a_case_of_a_known_group_joins_its_split_and_train_wins(membership, case, split, group):
    found = membership.assign(case)
    assert (found.split, found.group) == (split, membership.group_hash(group))
    assert not found.is_new


def test_a_patient_that_a_data_set_calls_its_group_is_met_by_the_header(membership):
    found = membership.assign(new("study 5", ("part 7",)))
    assert (found.split, found.is_new) == ("cal", False)


def test_a_new_group_is_drawn_always_alike_and_by_its_patient(membership):
    names = [f"plate {n}" for n in range(2000)]
    drawn = [membership.assign(new(name)) for name in names]
    assert all(one.is_new for one in drawn)
    assert [one.split for one in drawn] == [draw_split(name) for name in names]
    assert abs(np.mean([one.split == "cal" for one in drawn]) - CAL_SHARE) < 0.03
    # Written down once: who changes the draw redraws every pool.
    assert [draw_split(f"plate {n}") for n in range(4)] == ["train", "cal", "train", "train"]
    studies = [membership.assign(new(f"study {n}", ("P",))) for n in range(10, 30)]
    assert len(set(studies)) == 1
    assert studies[0].group == membership.group_hash("P")


def test_training_on_new_groups_divides_them_as_they_were_drawn():
    names = np.array([f"plate {n}" for n in range(1000)])
    held_out = hold_out(np.zeros(1000, np.intp), names, CAL_SHARE, CAL_KEY)
    drawn = np.array([draw_split(name) == "cal" for name in names])
    assert (held_out != drawn).mean() < 0.03


def test_a_case_without_any_name_is_drawn_by_its_picture(membership):
    found = [membership.assign(CaseNames((f"{n:064x}",))) for n in range(50)]
    assert {one.split for one in found} == {"train", "cal"}
    assert len({one.group for one in found}) == 50


def test_what_all_files_state_alike_joins_no_two_cases(membership):
    first, other = (membership.assign(new(f"s{n}", ("anonymous",))) for n in range(2))
    assert first.group != other.group


def test_hashes_reveal_no_name_without_the_key_and_differ_from_bundle_to_bundle(membership):
    plain = {
        int.from_bytes(digest[:8], "big")
        for name in ("study 1", "study 2", "A", "part 7", *PICTURES)
        for text in (name, f"group\0{name}", f"stated patient\0{name}", f"picture\0{name}")
        for digest in (
            hashlib.sha256(text.encode()).digest(),
            hashlib.blake2b(text.encode(), digest_size=8).digest(),
        )
    }
    assert not plain & set(membership.names.tolist())
    other = SplitMembership.of([Member((GROUP, "part 7"), "part 7", "cal")], PICTURES[:2])
    assert (GROUP, "part 7") in other
    assert not set(other.names.tolist()) & set(membership.names.tolist())


def test_seventeen_bytes_a_name_and_back_from_arrays(membership):
    arrays = membership.to_arrays()
    per_name = sum(arrays[name].itemsize for name in ("names", "groups", "is_cal"))
    assert (len(arrays["names"]), per_name) == (8, 17)
    again = SplitMembership.from_arrays(arrays)
    assert again.assign(new("part 7")) == membership.assign(new("part 7"))


def test_of_a_name_in_both_splits_train_counts():
    rows = [Member((PICTURE, PICTURES[0]), name, name) for name in ("cal", "train")]
    for members in (rows, rows[::-1]):
        found = SplitMembership.of(members, PICTURES).assign(CaseNames((PICTURES[0],)))
        assert (found.split, found.is_new) == ("train", False)


@pytest.mark.parametrize(
    ("written", "asked", "is_known"),
    [("07", "7.0", True), ("7", "007", True), ("P7", "p7", True), ("7", "7.5", False)],
)
def test_a_group_that_another_table_spells_otherwise_is_known(written, asked, is_known):
    members = [Member(name, written, "train") for name in group_names(written)]
    known = SplitMembership.of(members, PICTURES[:1])
    assert any(name in known for name in group_names(asked)) == is_known
    assert known.assign(new(asked)).is_new != is_known


def test_a_bundle_without_a_name_draws_every_case():
    empty = SplitMembership.of([], [])
    assert empty.assign(new("x")).is_new
    assert (GROUP, "x") not in empty
