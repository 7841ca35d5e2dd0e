"""One case before the reader: what each stage shows, and that a press writes what was meant."""

from __future__ import annotations

from core.records import reviews
from core.records.case_list import list_cases
from core.records.deployment import Stage
from core.records.final_reads import final_reads
from core.records.worklist import case_detail
from core.service.review.reading_list import OPEN
from domains.xray.worklist import showing
from tests.domains.xray.pages.screens import (
    DEFER,
    NEGATIVE,
    POSITIVE,
    VERDICT_WORDS,
    a_stage,
    panes,
    patient,
    plain,
    press,
    texts,
)
from tests.xray_worklist import open_again


def test_at_audit_neither_words_nor_heat_nor_order_of_images_tell_the_verdict(page, store):
    press(page.run(), "Read")
    for _ in range(6):
        text = texts(page)
        assert not any(word in text for word in VERDICT_WORDS)
        assert "the verdict is recorded and not shown" in text
        assert all("heat" not in pane for pane in panes(page))
        press(page, "NORMAL")
    assert len(final_reads(store, "xray")) == 6


def test_earlier_studies_are_the_same_persons_and_older_and_the_rest_is_said(page, store):
    own = next(one for one in list_cases(store, "xray", OPEN) if one.item.images == 2)
    changed = {
        "1.2.101": {"patient_issuer": "South", "study_date": "20200101"},
        "1.2.102": {"patient_birth_date": "19610203", "study_date": "20210101"},
        "1.2.103": {"study_date": "20990101"},
        "1.2.104": {"study_date": ""},
        "1.2.105": {"patient_name": "Other^Name", "study_date": "20220101"},
    }
    open_again(store, own, "1.2.100", patient_issuer="North", patient_birth_date="")
    for key, tags in changed.items():
        open_again(store, own, key, **tags)
    press(page.run(), "Worklist")
    page.session_state["xray_case"] = next(
        one.item.case_id for one in list_cases(store, "xray", OPEN) if one.item.key == "1.2.100"
    )
    press(page, "Read")
    dates = [plain(one).split()[-1] for one in page.button if one.label.startswith("Compare")]
    # Its own second picture, and the studies of 2021 and 2024.
    assert dates[1:] == ["2024-02-03", "2021-01-01"]
    text = texts(page)
    assert "2 not surely of this person" in text
    assert "2 newer" in text
    assert "1 without a study date" in text


def test_a_verdict_key_writes_one_review_and_the_next_case_comes(page, store):
    a_stage(store, Stage.SUPERVISED)
    press(page.run(), "Read")
    assert f">{patient(2)}<" in texts(page)
    assert "assay-word" in texts(page)
    press(page, "ABNORMAL")
    [review] = final_reads(store, "xray")
    assert (review.disposition, review.reviewer) == (POSITIVE, "Ada")
    assert f">{patient(2)}<" not in texts(page)
    assert "1 of 5 to read" in texts(page)
    press(page, "Undo")
    assert f">{patient(2)}<" in texts(page)
    assert final_reads(store, "xray") == []


def test_a_case_that_another_reader_answered_meanwhile_is_left_as_it_is(page, store):
    press(page.run(), "Read")
    stat = next(one for one in list_cases(store, "xray", OPEN) if "priority" in one.headers[0])
    reviews.review(store, stat.item, NEGATIVE, reviewer="Grace")
    press(page, "ABNORMAL")
    assert [(r.reviewer, r.disposition) for r in final_reads(store, "xray")] == [
        ("Grace", NEGATIVE)
    ]
    assert "changed while it was open here" in page.toast[0].value


def test_a_blind_first_read_covers_the_verdict_until_the_answer_and_keeps_both(page, store):
    a_stage(store, Stage.SUPERVISED)
    press(page.run(), "Read")
    page.toggle[0].set_value(True).run()
    covered = texts(page)
    assert not any(word in covered for word in VERDICT_WORDS)
    assert "uncovered after you have answered" in covered
    press(page, "ABNORMAL")
    shown = texts(page)
    assert f">{patient(2)}<" in shown
    assert "assay-word" in shown
    verdict = {NEGATIVE: "differs", POSITIVE: "is the same", DEFER: "left it to you"}
    stat = case_detail(store, final_reads(store, "xray")[0].case_id).item
    assert f"You answered ABNORMAL. The verdict {verdict[stat.disposition]}" in shown
    [first] = final_reads(store, "xray")
    press(page, "NORMAL")
    assert f">{patient(2)}<" not in texts(page)
    assert not any(word in texts(page) for word in VERDICT_WORDS)
    rows = case_detail(store, first.case_id).reviews
    assert [(row.kind, row.disposition) for row in rows] == [
        ("review", POSITIVE),
        ("review", NEGATIVE),
    ]


def test_a_blind_answer_that_is_kept_is_written_once(page, store):
    a_stage(store, Stage.SUPERVISED)
    press(page.run(), "Read")
    page.toggle[0].set_value(True).run()
    press(press(page, "NORMAL"), "NORMAL")
    [review] = final_reads(store, "xray")
    assert len(case_detail(store, review.case_id).reviews) == 1
    assert f">{patient(2)}<" not in texts(page)


def test_a_comment_is_kept_with_the_answer(page, store):
    press(press(page.run(), "Read"), "Comment")
    page.text_input(key="xray_note_text").input("rib <fracture>").run()
    assert "rib &lt;fracture&gt;" in texts(page)
    press(page, "ABNORMAL")
    assert final_reads(store, "xray")[0].comment == "rib <fracture>"


def test_images_of_the_study_and_of_earlier_studies_come_beside_it(page, store):
    press(press(page.run(), "Read"), "Next")
    assert f">{patient(0)}<" in texts(page)
    compared = [plain(button) for button in page.button if button.label.startswith("Compare")]
    assert len(panes(page)) == 1
    dates = set()
    for label in compared:
        press(page, label)
        assert len(panes(page)) == 2
        dates.add(panes(page)[1]["title"].split("\n")[1][:10])
        press(page, label)
        assert len(panes(page)) == 1
    headers = [one.headers[0] for one in list_cases(store, "xray", OPEN)]
    own = [one for one in headers if one["patient_name"].replace("^", " ") == patient(0)]
    assert dates & {showing.date_text_of((one,)) for one in own} == dates != set()
    assert len(compared) in (1, 2)


def test_every_picture_carries_the_words_and_the_patient(page):
    press(page.run(), "Read")
    [pane] = panes(page)
    assert pane["disclaimer"] == "Research and decision support"
    assert patient(2) in pane["title"]
    assert (pane["plate"]["height"], pane["plate"]["width"]) == (224, 256)


def test_a_missing_picture_is_said_in_its_place(page, store, department_home):
    (department_home / "blobs").rename(department_home / "elsewhere")
    press(page.run(), "Read")
    [pane] = panes(page)
    assert "plate" not in pane
    assert pane["missing"]
    assert "Errno" not in pane["missing"]
    press(page, "NORMAL")
    assert final_reads(store, "xray") == []
    press(page, "Cannot judge, retake")
    assert final_reads(store, "xray")[0].disposition is DEFER
