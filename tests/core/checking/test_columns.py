from __future__ import annotations

import numpy as np
import pytest

from core.checking.columns import classify_columns, label_sides, many_valued_nuisances

LABELS = np.array(["bean_healthy", "bean_rust", "rice_healthy", "rice_blast"] * 30)
POSITIVE = np.char.endswith(LABELS, "healthy") ^ True
SIDES = label_sides(LABELS, POSITIVE, {"good", "no finding"})


def column(of):
    return np.array([str(of(i)) for i in range(LABELS.size)])


def test_words_of_one_side_are_those_the_other_does_not_use():
    assert SIDES.own == {"healthy"}
    assert SIDES.general == {"good", "finding"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (column(lambda i: "healthy" if i % 2 == 0 else "sick"), "words of the labels"),
        (column(lambda i: "No finding" if i % 2 == 0 else "Finding 3"), "nothing wrong"),
        (column(lambda i: "" if i % 2 == 0 else f"masks/{i}.png"), "filled for positives"),
        (column(lambda i: 0 if i % 2 == 0 else 1 + i % 3), "finer label"),
        (column(lambda i: (i // 2) % 2 + 2 * (i % 2)), "cut of it"),
    ],
)
def test_a_column_that_follows_from_the_label_is_set_apart_with_a_reason(values, reason):
    sorted_ = classify_columns({"c": values}, SIDES)
    assert reason in sorted_.labels["c"]
    assert not sorted_.nuisances
    assert not sorted_.slices


@pytest.mark.parametrize(
    "values",
    [
        column(lambda i: f"img/{i}.png"),
        column(lambda i: f"{i * 7919 % 99991:x}z{i}q{i * 31:x}" + "ab"[i % 2] * (i % 50)),
        column(lambda _: "the same"),
        column(lambda _: ""),
    ],
)
def test_paths_hashes_and_constants_say_nothing(values):
    sorted_ = classify_columns({"c": values}, SIDES)
    assert (sorted_.nuisances, dict(sorted_.slices), dict(sorted_.labels)) == ((), {}, {})


def test_a_column_of_few_values_is_a_nuisance_and_a_slice():
    values = column(lambda i: "bean" if i % 4 < 2 else "rice")
    sorted_ = classify_columns({"crop": values}, SIDES)
    (nuisance,) = sorted_.nuisances
    assert (nuisance.name, nuisance.source) == ("the column crop", "record")
    assert nuisance.numbers[:4].tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert list(sorted_.slices) == ["crop"]


def test_the_number_is_taken_out_of_names_that_differ_by_it():
    values = column(lambda i: f"{'NK'[i % 3 == 0]}-{i * 10:08}-1")
    number, text = many_valued_nuisances("the group's name", values, SIDES)
    assert number.name == "the number in the group's name"
    assert number.numbers[:, 0].tolist() == [10.0 * i for i in range(LABELS.size)]
    assert {number.source, text.source} == {"name"}
    assert text.numbers.shape[1] == 2


def test_gaps_in_a_column_of_numbers_are_a_nuisance_of_their_own():
    values = column(lambda i: "" if i % 5 == 0 else i)
    gaps, numbers = many_valued_nuisances("the column age", values, SIDES)
    assert gaps.numbers[:6, 0].tolist() == [0, 1, 1, 1, 1, 0]
    filled = [i for i in range(LABELS.size) if i % 5]
    assert numbers.numbers[0, 0] == np.median(filled)
    assert numbers.numbers[1:5, 0].tolist() == [1, 2, 3, 4]
