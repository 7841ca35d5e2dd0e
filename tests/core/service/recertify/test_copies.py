"""Reviewed cases whose pictures are copies count once; copies of known pictures not at all."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.checking.split_membership import Assignment
from core.imaging.files import wrap_bytes
from core.people import Person
from core.records import worklist
from core.records.picture_origins import (
    IN_BUNDLE,
    ComparedPictures,
    keep_origins,
    origins_of,
    pictures_to_compare,
    times_compared,
)
from core.records.reviewed_cases import ReviewedCase
from core.records.store import cases_of, decision
from core.service.assessment.recording import assess_and_record
from core.service.bundles.archive import keep_recertified
from core.service.bundles.open import make_policy
from core.service.recertify.collect import collect, sort_out
from core.service.recertify.comparison import compare_reviewed
from core.service.recertify.copies import Assigned, join_copies
from core.service.review.review import decide
from core.types import Disposition, Targets
from dashboard.present.policies import describe_reviewed
from tests.conftest import a_plate

ROB = Person.alone("Rob")


@pytest.fixture
def census(deployed, settings):
    """A policy of the plates that passes nothing, so that every case goes to a person."""
    policy = make_policy(deployed, Targets(escape=0.001, overkill=0.2), 1)
    keep_recertified(deployed, policy, None, settings)
    return policy


@pytest.fixture
def review(store, settings, deployed, census):
    """Have pictures judged, each as a case of its own, and answered by a person."""

    def run(pictures):
        files = [wrap_bytes(name, data, name) for name, data in pictures.items()]
        made = assess_and_record(
            deployed, files, store, policy=census, settings=settings, product="left"
        )
        for one in made:
            found = decision(store, one.decision)
            (case,) = cases_of(store, found)
            item = worklist.case_detail(store, case).item
            assert decide(store, item, Disposition.POSITIVE, by=ROB)
        return {one.id: one.sha256 for one in files}

    return run


def plates(count, seed):
    rng = np.random.default_rng(seed)
    return [a_plate(rng, 0.5) for _ in range(count)]


def png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


def copies_of(picture):
    """Return a picture saved again, mirrored, turned and made smaller, by name."""
    side = len(picture)
    return {
        "jpeg": cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes(),
        "mirrored": png(picture[:, ::-1]),
        "turned": png(cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)),
        "smaller": png(cv2.resize(picture, (side * 3 // 4,) * 2, interpolation=cv2.INTER_AREA)),
    }


def compare(store, settings, bundle):
    return compare_reviewed(store, settings, "parts", bundle.sha256)


def test_twelve_plates_and_four_copies_of_each_count_as_twelve(store, settings, deployed, review):
    new = plates(12, 5)
    pictures = {}
    for number, picture in enumerate(new):
        pictures[f"{number:02}"] = png(picture)
        pictures |= {f"{number:02} {name}": data for name, data in copies_of(picture).items()}
    contents = review(pictures)
    assert compare(store, settings, deployed) == 60
    origins = origins_of(store, deployed.sha256)
    for number in range(12):
        of = {origins[content] for name, content in contents.items() if name[:2] == f"{number:02}"}
        assert len(of) == 1, number
    assert len(set(origins.values())) == 12
    found = collect(store, settings, deployed, "left")
    assert found.uncompared == 0
    every = [*found.train, *found.counted]
    assert len({one.place.group for one in found.train}) + found.groups <= 12
    assert len(every) <= 60
    by_origin = {origins[one.case.pictures[0]]: one.place for one in found.train}
    assert all(one.place == by_origin[origins[one.case.pictures[0]]] for one in found.train)


def test_a_copy_that_comes_later_joins_the_picture_compared_before(
    store, settings, deployed, review
):
    first, second = plates(2, 6)
    before = review({"first": png(first), "second": png(second)})
    assert compare(store, settings, deployed) == 2
    assert compare(store, settings, deployed) == 0
    after = review(copies_of(first))
    assert len(pictures_to_compare(store, "parts", deployed.sha256, 100)) == 4
    compare(store, settings, deployed)
    origins = origins_of(store, deployed.sha256)
    assert {origins[one] for one in after.values()} == {before["first"]}
    assert origins[before["second"]] == before["second"]
    assert times_compared(store, deployed.sha256) == 2


def test_copies_of_pictures_that_the_bundle_learned_from_do_not_count(
    store, settings, deployed, review, tiny_product
):
    known = [
        cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        for split in ("train", "cal")
        for path in tiny_product.pictures(split, "scratched")[:3]
    ]
    pictures = {
        f"{number} {name}": data
        for number, one in enumerate(known)
        for name, data in copies_of(one).items()
    }
    contents = review(pictures | {"new": png(plates(1, 8)[0])})
    compare(store, settings, deployed)
    origins = origins_of(store, deployed.sha256)
    assert {origins[contents[name]] for name in pictures} == {IN_BUNDLE}
    assert origins[contents["new"]] == contents["new"]
    found = collect(store, settings, deployed, "left")
    assert found.copies == len(pictures)
    assert found.complete + len(found.train) == 1


def test_what_was_not_compared_yet_ends_the_row_and_is_said(store, settings, deployed, review):
    review({f"{number}": png(one) for number, one in enumerate(plates(12, 9))})
    found = collect(store, settings, deployed, "left")
    assert (found.complete, found.waiting) == (0, ())
    assert found.uncompared == 12 - len(found.train) > 0
    assert "still to be compared" in found.refusal
    assert found.may_suffice
    compare(store, settings, deployed)
    after = collect(store, settings, deployed, "left")
    assert (after.complete, after.uncompared) == (found.uncompared, 0)
    assert not after.may_suffice


def test_a_picture_whose_bytes_are_gone_is_no_copy(store, settings, deployed, review):
    contents = review({"a": png(plates(1, 10)[0])})
    (file,) = [one for one in store.blobs.rglob("*") if one.name == contents["a"]]
    file.unlink()
    assert compare(store, settings, deployed) == 1
    assert origins_of(store, deployed.sha256) == {contents["a"]: contents["a"]}


def test_of_two_that_compare_at_once_one_is_kept(store, deployed):
    none = ComparedPictures((), b"")
    assert keep_origins(store, deployed.sha256, 0, none, {"a": "a"})
    assert not keep_origins(store, deployed.sha256, 0, none, {"a": "b"})
    assert origins_of(store, deployed.sha256) == {"a": "a"}
    assert keep_origins(store, deployed.sha256, 1, none, {"b": "a"})


def a_case(name, *pictures):
    return ReviewedCase(
        case_id=name, key=name, product="", opened_at=name, pictures=pictures, patients=(),
        policy_id="p", audit_probability=None, positive_probability=0.5, ood_p=0.5,
        gates_passed=True, answer=Disposition.POSITIVE, label="", reviewer="Rob", reviewed_at="1",
    )  # fmt: skip


NEW_CAL, NEW_TRAIN = (
    Assignment(split, f"group {split}", is_new=True) for split in ("cal", "train")
)
IN_CAL, IN_TRAIN = (
    replace(one, group=f"old {one.split}", is_new=False) for one in (NEW_CAL, NEW_TRAIN)
)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (NEW_CAL, NEW_TRAIN, NEW_CAL),
        (NEW_TRAIN, NEW_CAL, NEW_TRAIN),
        (NEW_CAL, IN_TRAIN, IN_TRAIN),
        (NEW_TRAIN, IN_CAL, IN_CAL),
        (IN_CAL, IN_TRAIN, IN_TRAIN),
    ],
)
def test_copies_go_where_the_origin_does_or_where_one_is_known_to_be(first, second, expected):
    cases = [Assigned(a_case("a", "x"), first), Assigned(a_case("b", "y"), second)]
    joined, left_out = join_copies(cases, {"x": "x", "y": "x"})
    assert [one.place for one in joined] == [expected] * 2
    assert left_out == 0
    alone, _ = join_copies(cases, {"x": "x", "y": "y"})
    assert [one.place for one in alone] == [first, second]


def test_the_origin_says_where_copies_go_also_if_its_case_came_later():
    cases = [Assigned(a_case("a", "x"), NEW_CAL), Assigned(a_case("b", "y"), NEW_TRAIN)]
    joined, _ = join_copies(cases, {"x": "y", "y": "y"})
    assert [one.place for one in joined] == [NEW_TRAIN] * 2


def test_a_case_of_several_pictures_joins_all_that_share_an_origin_with_one():
    cases = [
        Assigned(a_case("a", "x"), NEW_CAL),
        Assigned(a_case("b", "y"), NEW_TRAIN),
        Assigned(a_case("c", "z", "w"), IN_CAL),
        Assigned(a_case("d", "q"), NEW_TRAIN),
        Assigned(a_case("e", "k"), IN_CAL),
        Assigned(a_case("f", "l", "m"), NEW_CAL),
    ]
    origins = {"x": "x", "y": "y", "z": "x", "w": "y", "k": IN_BUNDLE, "l": "l", "m": IN_BUNDLE}
    joined, left_out = join_copies(cases, origins)
    assert [one.place for one in joined] == [IN_CAL, IN_CAL, IN_CAL, NEW_TRAIN, IN_CAL]
    assert [one.is_compared for one in joined] == [True, True, True, False, True]
    assert left_out == 1


def copies_in_cal(count, answers):
    """Return cases of cal in the order of their arrival; the first are copies of one picture."""
    cases = [
        Assigned(
            replace(a_case(f"{at:03}", f"p{at}"), answer=answers.get(at, Disposition.NEGATIVE)),
            Assignment("cal", f"{at:016x}", is_new=True),
        )
        for at in range(count)
    ]
    origins = {f"p{at}": f"p{at}" for at in range(count)} | {f"p{at}": "p5" for at in answers}
    return sort_out(join_copies(cases, origins)[0], lambda _: True)


def test_copies_answered_differently_end_the_row_until_the_answers_agree():
    pair = {5: Disposition.POSITIVE, 12: Disposition.NEGATIVE}
    found = copies_in_cal(60, pair)
    assert (found.complete, found.look.number) == (5, 0)
    assert found.disputed == ("005", "012")
    assert "2 reviewed case(s) show copies of one picture" in found.refusal
    assert "005, 012" in found.refusal
    for settled in (Disposition.POSITIVE, Disposition.NEGATIVE):
        agreed = copies_in_cal(60, dict.fromkeys(pair, settled))
        assert (agreed.complete, agreed.disputed) == (60, ())
        assert agreed.groups == len(agreed.counted) - 1
    doubted = copies_in_cal(60, pair | {12: Disposition.DEFER})
    assert (doubted.complete, doubted.unclear, doubted.disputed) == (60, 1, ())
    assert doubted.positive_groups == 1


def test_copies_answered_differently_are_not_learned_from():
    cases = [
        Assigned(replace(a_case(name, name), answer=answer), NEW_TRAIN)
        for name, answer in (
            ("a", Disposition.POSITIVE), ("b", Disposition.NEGATIVE), ("c", Disposition.NEGATIVE),
        )
    ]  # fmt: skip
    joined, _ = join_copies(cases, {"a": "a", "b": "a", "c": "c"})
    found = sort_out(joined, lambda _: True)
    assert [one.case.case_id for one in found.train] == ["c"]
    assert found.disputed == ("a", "b")


def test_what_lies_beyond_the_newest_that_are_searched_is_said(
    store, settings, deployed, monkeypatch
):
    none = ComparedPictures((), b"")
    origins = {name: name for name in "abcdef"} | {"copy": "a", "known": IN_BUNDLE}
    assert keep_origins(store, deployed.sha256, 0, none, origins)
    found = collect(store, settings, deployed, "left")
    assert (found.unsearched, found.limit) == (0, "")
    monkeypatch.setattr("core.service.recertify.collect.MOST", 4)
    found = collect(store, settings, deployed, "left")
    assert found.unsearched == 2
    assert "Copies of 2 earlier pictures are not searched for" in found.limit
    assert found.limit in describe_reviewed(found)
