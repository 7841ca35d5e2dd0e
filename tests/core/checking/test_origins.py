from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.checking.facts import LARGER, UnreadablePicture
from core.checking.origins import Copies, find_split_origins, fingerprints_of, join_origins
from core.errors import DataError


def facts_of(drawn, n, **belongs):
    found = [one.facts() for one in drawn(160)[:n]]
    rows = [
        replace(one.row, group=f"own-{at}", split="", grouped=False) for at, one in enumerate(found)
    ]
    return [
        replace(one, row=row, belongs={k: v[at] for k, v in belongs.items()})
        for at, (one, row) in enumerate(zip(found, rows, strict=True))
    ]


def groups(rows):
    return [row.group for row in rows]


NONE = Copies([], [])


def test_copies_and_what_the_files_state_make_one_group_through_each_other(drawn):
    pictures = facts_of(drawn, 6, group=list("xxyzzw"), patient=list("ppqrrs"))
    rows = join_origins(pictures, Copies([[0, 2]], [[4, 5]]))
    assert groups(rows) == ["own-0", "own-0", "own-0", "own-3", "own-3", "own-3"]


def test_two_studies_of_one_patient_are_one_group(drawn):
    pictures = facts_of(drawn, 3, group=["1.2", "1.3", "1.4"], patient=["A", "A", "B"])
    assert groups(join_origins(pictures, NONE)) == ["own-0", "own-0", "own-2"]


def test_a_value_that_all_files_share_joins_nothing(drawn):
    pictures = facts_of(drawn, 3, patient=["ANONYMOUS"] * 3)
    assert groups(join_origins(pictures, NONE)) == ["own-0", "own-1", "own-2"]


def test_tiles_of_one_larger_picture_are_one_group_also_where_all_are(drawn):
    among = [replace(one, belongs={}) for one in facts_of(drawn, 4)]
    tiles = facts_of(drawn, 4, **{LARGER: ["f" * 64] * 4})
    assert groups(join_origins(tiles, NONE)) == ["own-0"] * 4
    mixed = [*among[:2], *tiles[2:]]
    assert groups(join_origins(mixed, NONE)) == ["own-0", "own-1", "own-2", "own-2"]


def test_rows_that_could_not_be_read_keep_their_place(drawn):
    first, second, third = facts_of(drawn, 3)
    rows = join_origins([first, UnreadablePicture(second.row, "torn"), third], Copies([], [[0, 1]]))
    assert groups(rows) == ["own-0", "own-1", "own-0"]


def test_a_table_that_parts_one_patient_or_the_same_bytes_is_refused_by_name(drawn):
    pictures = facts_of(drawn, 3, patient=["A", "A", "B"])
    find_split_origins = [
        replace(one, row=replace(one.row, split=split))
        for one, split in zip(pictures, ("train", "cal", "cal"), strict=True)
    ]
    with pytest.raises(DataError, match=r"1 sets .*1\.png \(cal\) and 0\.png \(train\)"):
        join_origins(find_split_origins, NONE)
    aside = [
        replace(one, row=replace(one.row, split=f"ext{at}")) for at, one in enumerate(pictures)
    ]
    assert groups(join_origins(aside, NONE))[:2] == ["own-0", "own-0"]


def test_near_copies_that_a_table_parts_stay_parted(drawn):
    pictures = facts_of(drawn, 2)
    find_split_origins = [
        replace(one, row=replace(one.row, split=split))
        for one, split in zip(pictures, ("train", "test"), strict=True)
    ]
    assert groups(join_origins(find_split_origins, Copies([], [[0, 1]]))) == ["own-0", "own-1"]


def test_sets_are_renumbered_for_a_part_of_the_pictures():
    whole = Copies([[0, 3]], [[1, 2, 4], [0, 5]])
    assert whole.subset([1, 3, 4, 5]) == Copies([], [[0, 2]])


def test_near_copies_of_one_split_are_joined_past_one_that_lies_in_another(drawn):
    pictures = facts_of(drawn, 3)
    find_split_origins = [
        replace(one, row=replace(one.row, split=split))
        for one, split in zip(pictures, ("train", "cal", "train"), strict=True)
    ]
    rows = join_origins(find_split_origins, Copies([], [[0, 1, 2]]))
    assert groups(rows) == ["own-0", "own-1", "own-0"]


def test_certain_copies_that_a_table_parts_are_refused_by_name(drawn):
    pictures = facts_of(drawn, 3)
    divided = [
        replace(one, row=replace(one.row, split=split))
        for one, split in zip(pictures, ("train", "train", "test"), strict=True)
    ]
    with pytest.raises(DataError, match=r"2\.png \(test\) and 0\.png \(train\)"):
        join_origins(divided, Copies([], [[0, 2]], [[0, 2]]))


def test_what_is_of_one_origin_with_an_earlier_split_can_be_left_out(drawn):
    pictures = facts_of(drawn, 6, patient=["A", "B", "C", "D", "E", "A"])
    splits = ("cal", "train", "train", "cal", "test", "test")
    divided = [
        replace(one, row=replace(one.row, split=split))
        for one, split in zip(pictures, splits, strict=True)
    ]
    copies = Copies([[3, 4]], [[0, 1]], [[0, 1]])
    away = find_split_origins(divided, copies)
    assert away == [0, 4, 5]
    left = [one for at, one in enumerate(divided) if at not in away]
    assert groups(join_origins(left, copies.subset([1, 2, 3]))) == ["own-1", "own-2", "own-3"]


def test_near_copies_that_are_in_doubt_are_different_pictures_to_learn_from(drawn):
    """Sisters say how alike two parts can be; certain copies and one patient's pictures do not."""
    pictures = facts_of(drawn, 5, patient=["A", "A", "B", "C", "D"])
    found = fingerprints_of(pictures, Copies([], [[2, 3]]))
    assert found.origin.tolist() == [0, 0, 1, 1, 2]


def test_a_copy_among_the_pictures_is_found_certain_and_a_part_alone_is_not(drawn):
    line = drawn(160)
    twin = replace(line[4], number=900, pixels=np.ascontiguousarray(line[4].pixels[:, ::-1]))
    facts = [one.facts() for one in (*line, twin)]
    found = Copies.among(
        [replace(one, row=replace(one.row, group=str(at))) for at, one in enumerate(facts)]
    )
    assert found.certain == [[4, 160]]
