from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.checking.check import check_rows
from core.checking.facts import UnreadablePicture
from core.checking.result import Level
from core.labelled import Row
from tests.core.checking.conftest import POSITIVE


def of(found, kind, word=""):
    return [a for a in found.alarms if a.kind == kind and word in a.sentence]


def brighter(draft, rng):
    if draft.positive:
        draft.pixels = np.clip(draft.pixels.astype(int) + 25, 0, 255).astype(np.uint8)


def framed(draft, rng):
    inner = draft.pixels[4:-4, 4:-4].copy()
    shade = np.random.default_rng(draft.number).integers(0, 60)
    draft.pixels[:] = 40 + shade // 10 if draft.positive else 90 + shade // 10
    draft.pixels[4:-4, 4:-4] = inner


def larger(draft, rng):
    height = int(rng.integers(280, 320)) + (100 if draft.positive else 0)
    draft.size = (height, 400)


def photographed(draft, rng):
    if draft.positive:
        draft.kind, draft.suffix = "JPEG", ".jpg"


def squeezed(draft, rng):
    draft.quality = float(rng.integers(60, 75) if draft.positive else rng.integers(80, 95))


def by_camera(draft, rng):
    draft.columns["camera"] = "AB"[draft.positive ^ (rng.random() < 0.05)]


def in_time(draft, rng):
    draft.columns["taken"] = f"t-{int(rng.integers(1000, 5000)) + 4500 * draft.positive:05}"


@pytest.mark.parametrize(
    ("spoil", "word", "level"),
    [
        (brighter, "brightness", Level.STRONG),
        (framed, "the border", Level.STRONG),
        (larger, "the size", Level.STRONG),
        (photographed, "the file format", Level.STRONG),
        (squeezed, "the compression", Level.STRONG),
        (by_camera, "the column camera", Level.STRONG),
        (in_time, "the number in the column taken", Level.NOTICE),
    ],
)
def test_a_planted_shortcut_is_found_and_named(spoil, word, level, drawn, check_pictures):
    drafts, rng = drawn(), np.random.default_rng(0)
    for draft in drafts:
        spoil(draft, rng)
    (alarm,) = of(check_pictures(drafts), "shortcut", f"by {word}")
    assert alarm.level == level
    assert alarm.figures["found"][0]["auroc"] > 0.85
    assert alarm.figures["found"][0]["low"] >= 0.70


def few(drafts, positives, negatives):
    """A picture of each of so many parts, drawn at random: numbers of parts say nothing."""
    kept = [drafts[place] for place in np.random.default_rng(9).permutation(len(drafts) // 2) * 2]
    bad, good = ([one for one in kept if one.positive is side] for side in (True, False))
    return [*bad[:positives], *good[:negatives]]


@pytest.mark.parametrize(
    ("spoil", "word"), [(photographed, "the file format"), (by_camera, "the column camera")]
)
def test_a_shortcut_of_ten_defects_is_worth_a_look(spoil, word, drawn, check_pictures):
    drafts, rng = few(drawn(), 10, 30), np.random.default_rng(3)
    for draft in drafts:
        spoil(draft, rng)
    (alarm,) = of(check_pictures(drafts), "shortcut", f"by {word}")
    assert alarm.level == Level.NOTICE
    assert alarm.figures["found"][0]["fewest"] == 10


def test_few_pictures_without_a_shortcut_raise_hardly_any_alarm(drawn, check_pictures):
    found = [check_pictures(few(drawn(160, seed), 10, 20)) for seed in range(20)]
    assert sum(bool(of(one, "shortcut")) for one in found) <= 2  # one in twenty was promised


def test_too_few_pictures_for_shortcuts_are_said(drawn, check_pictures):
    (alarm,) = of(check_pictures(few(drawn(), 7, 30)), "balance", "not looked for")
    assert alarm.level == Level.NOTICE
    assert alarm.sentence.endswith(
        "there are 30 negative ones in 30 groups and 7 positive ones in 7 groups."
    )
    assert not of(check_pictures(few(drawn(), 8, 30)), "balance", "not looked for")


@pytest.mark.parametrize("seed", range(4))
def test_a_set_drawn_without_a_fault_raises_no_alarm(seed, drawn, check_pictures):
    found = check_pictures(drawn(260, seed))
    assert {a.kind for a in found.alarms if a.level != Level.INFORMATION} <= {"balance"}


def test_a_shortcut_that_turns_round_between_cameras_is_found_within_each(drawn, check_pictures):
    drafts = drawn(320)
    for draft in drafts:
        if draft.positive == (draft.columns["camera"] == "A"):
            draft.size = (500, 400)
    (alarm,) = of(check_pictures(drafts), "shortcut", "the size")
    where = {one["where"] for one in alarm.figures["found"]}
    assert where == {"camera=A", "camera=B"}


def test_sites_that_differ_in_prevalence_and_light_are_not_pooled(drawn, check_pictures):
    drafts, rng = drawn(320), np.random.default_rng(1)
    for draft in drafts:
        away = rng.random() < (0.85 if draft.positive else 0.15)
        draft.group, draft.split = f"{draft.group}-{away}", "elsewhere" if away else "train"
        draft.columns["site"] = "away" if away else "home"
        if away:
            draft.size = (500, 400)
    assert not of(check_pictures(drafts), "shortcut")
    for draft in drafts:
        del draft.columns["site"]
    assert not of(check_pictures(drafts), "shortcut")


def test_a_column_that_says_the_label_again_is_information(drawn, check_pictures):
    drafts = drawn()
    for draft in drafts:
        draft.columns["health"] = "sick" if draft.positive else "good"
        draft.columns["mask"] = f"masks/{draft.number}.png" if draft.positive else ""
        draft.columns["kind"] = f"k{draft.number % 3}" if draft.positive else "usual"
        draft.columns["grade"] = str(draft.number % 2 + 2 * draft.positive)
    found = check_pictures(drafts)
    (alarm,) = of(found, "another_label")
    assert alarm.level == Level.INFORMATION
    assert set(alarm.figures["columns"]) == {"health", "mask", "kind", "grade"}
    assert not of(found, "shortcut")


def test_two_cameras_one_for_each_side_are_a_shortcut_not_a_label(drawn, check_pictures):
    drafts = drawn()
    for draft in drafts:
        draft.columns["camera"] = "B" if draft.positive else "A"
    found = check_pictures(drafts)
    assert of(found, "shortcut", "the column camera")[0].level == Level.STRONG
    assert not of(found, "another_label")


def test_single_labels_told_by_a_column_are_worth_a_look(drawn, check_pictures):
    drafts = drawn(320, labels=("good", "good", "scratched", "dented"))
    for draft in drafts:
        draft.size = (350, 400) if draft.label == "dented" else (300, 400)
        draft.length = draft.size[0] * draft.length // 300
    alarms = of(check_pictures(drafts), "shortcut", "Single labels")
    assert [a.level for a in alarms] == [Level.NOTICE]
    assert {one["what"] for one in alarms[0].figures["found"]} <= {"dented", "scratched"}


def test_the_same_bytes_in_two_splits_leak(drawn, check_pictures):
    drafts = drawn()
    first = next(d for d in drafts if d.split == "train")
    other = next(d for d in drafts if d.split == "test" and d.label == first.label)
    other.pixels = first.pixels
    found = check_pictures(drafts)
    (leak,) = of(found, "leak")
    assert leak.level == Level.STRONG
    assert {Path(f).stem for f in leak.figures["files"][0]} == {
        str(first.number),
        str(other.number),
    }
    assert not of(found, "conflict")


@pytest.mark.parametrize(("again", "level"), [(False, Level.STRONG), (True, Level.NOTICE)])
def test_one_picture_with_two_labels_is_a_conflict(again, level, drawn, check_pictures):
    drafts = drawn()
    first = next(d for d in drafts if d.split == "train" and d.positive)
    other = next(d for d in drafts if d.split == "train" and not d.positive)
    saved = cv2.imencode(".jpg", first.pixels, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    other.pixels = cv2.imdecode(saved, cv2.IMREAD_COLOR) if again else first.pixels
    found = check_pictures(drafts)
    (conflict,) = of(found, "conflict")
    assert conflict.level == level
    assert conflict.figures["sets"] == 1
    assert [a.figures["pictures"] for a in of(found, "duplicate")] == [2]
    assert not of(found, "leak")


def test_a_group_in_two_splits_leaks_and_weighs_less_where_all_are_set_aside(drawn, check_pictures):
    drafts = drawn()
    drafts[0].split, drafts[1].split = "train", "cal"
    assert [a.level for a in of(check_pictures(drafts), "leak")] == [Level.STRONG]
    drafts[0].split, drafts[1].split = "ext_a", "ext_b"
    assert [a.level for a in of(check_pictures(drafts), "leak")] == [Level.NOTICE]


def test_groups_of_several_labels_are_counted_not_blamed(drawn, check_pictures):
    drafts = drawn()
    drafts[0].label, drafts[1].label = "good", "scratched"
    (alarm,) = of(check_pictures(drafts), "conflict")
    assert alarm.level == Level.INFORMATION
    assert alarm.figures["sets"] == 1


def test_files_that_hold_a_further_picture_are_counted(drawn):
    facts = [one.facts() for one in drawn(12)]
    marked = [replace(one, has_further=number < 3) for number, one in enumerate(facts)]
    (alarm,) = of(check_rows(marked, POSITIVE), "further")
    assert alarm.figures["pictures"] == 3
    assert alarm.sentence.startswith("3 files hold a further picture that is not looked at")
    assert not of(check_rows(facts, POSITIVE), "further")


def test_groups_that_files_alone_state_are_groups(drawn):
    facts = [one.facts() for one in drawn(24)]
    ungrouped = [replace(one, row=replace(one.row, grouped=False)) for one in facts]
    of_one = [replace(one, belongs={"patient": "P1"}) for one in ungrouped]
    of_many = [
        replace(one, belongs={"patient": f"P{number // 2}"}) for number, one in enumerate(ungrouped)
    ]
    reports = [check_rows(one, POSITIVE) for one in (ungrouped, of_one, of_many)]
    assert [bool(of(one, "ungrouped")) for one in reports] == [True, True, False]


def test_unreadable_and_refused_pictures_are_named(drawn, check_pictures):
    drafts = drawn()
    drafts[3].refusals = ("blank: expected more.",)
    lost = UnreadablePicture(
        Row(Path("images/torn.png"), "good", "train", "torn"), "It is cut short."
    )
    found = check_pictures(drafts, lost)
    (unreadable,), (refused,) = of(found, "unreadable"), of(found, "refused")
    assert unreadable.figures["files"] == {"images/torn.png": "It is cut short."}
    assert refused.figures["files"] == {"images/3.png": ["blank: expected more."]}
    # What a bundle keeps of it names no place of the machine that trained it.
    kept = found.without_paths()
    assert [one.figures for one in of(kept, "unreadable")] == [{"pictures": 1}]
    assert [one.figures for one in of(kept, "refused")] == [{"pictures": 1}]
    assert found.pictures == 161


def test_alarms_come_worst_first_and_the_whole_is_json_ready(drawn, check_pictures):
    drafts = drawn()
    for draft in drafts:
        brighter(draft, None)
    drafts[0].split, drafts[1].split = "train", "cal"
    found = check_pictures(drafts)
    levels = [list(Level).index(a.level) for a in found.alarms]
    assert levels == sorted(levels)
    assert found.alarms[0].kind == "leak"
    back = json.loads(json.dumps(found.to_json()))
    assert back["alarms"][0]["sentence"] == found.alarms[0].sentence
    assert sum(sum(counts.values()) for counts in back["balance"].values()) == len(drafts)


def test_labels_of_one_side_alone_are_said_and_nothing_is_probed(drawn, check_pictures):
    drafts = [draft for draft in drawn() if not draft.positive]
    found = check_pictures(drafts)
    assert of(found, "balance", "something wrong")
    assert not of(found, "shortcut")


def test_several_labels_a_picture_count_for_each(drawn, check_pictures):
    drafts = drawn(200, labels=("good", "scratched", "scratched|dented"))
    positive = {"good": False, "scratched": True, "dented": True}
    found = check_rows([d.facts() for d in drafts], positive, frozenset({"good"}))
    both = sum(d.label == "scratched|dented" for d in drafts)
    assert sum(found.balance["dented"].values()) == both
    single = sum(d.label == "scratched" for d in drafts)
    assert sum(found.balance["scratched"].values()) == both + single
