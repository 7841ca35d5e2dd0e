"""What is shown, from stored values alone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.packs import pack_named
from core.records.case_status import QueueState
from core.records.cases import CaseDetail, CaseImage, Counts, StoredReview, WorkItem
from core.records.values import StoredDecision
from core.types import FURTHER, Disposition, Finding, Reason
from dashboard import present
from dashboard.verdict_html import bar_html

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
PARTS = pack_named("parts")
NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER


def a_decision(
    chance: float | None = 0.5,
    disposition: Disposition = DEFER,
    findings: tuple[Finding, ...] = (),
    key: str = "ab" * 32,
) -> StoredDecision:
    return StoredDecision(
        content_key=key,
        bundle="b@1",
        bundle_sha256="1" * 64,
        policy_id="2" * 16,
        pack="parts",
        disposition=disposition,
        wording=PARTS.wording[disposition],
        label="",
        classes=(),
        probabilities=(),
        positive_probability=chance,
        ood_p=None,
        findings=findings,
        features=b"",
        logits=b"",
        ood_score=None,
        code_version="0",
        device="cpu",
        message="",
        decode_ms=0.0,
        infer_ms=0.0,
        total_ms=0.0,
        decided_at=NOW,
    )


def an_image(name: str, decision: StoredDecision | None) -> CaseImage:
    return CaseImage(id=name, name=name, source=name, received_at=NOW, decision=decision)


def a_case(*images: CaseImage, key: str = "plate-7") -> CaseDetail:
    item = WorkItem("c1", "parts", key, NOW, QueueState.WAITING, DEFER, 0.5, "d1", len(images), 0)
    return CaseDetail(item, images, ())


def test_a_further_picture_in_a_file_is_named_beside_the_one_shown():
    image = an_image("a.jpg", a_decision())
    double = replace(image, meta={FURTHER: "not looked at"})
    words = "a further picture in the file was not looked at"
    assert words in present.describe_image(a_case(double), double)
    assert words not in present.describe_image(a_case(image), image)


def a_review(decision_id: str, disposition: Disposition) -> StoredReview:
    return StoredReview("c1", "k", 0, "review", disposition, "", "", "Ada", NOW, "", decision_id, 1)


@pytest.mark.parametrize(
    ("passed", "failed", "keys"),
    [
        ("PASS", "FAIL", ("P", "F")),
        ("NORMAL", "ABNORMAL", ("O", "A")),
        ("HEALTHY", "ACT", ("E", "A")),
        ("CRUSH", "RUSH", ("9", "8")),
        ("gut", "schlecht", ("G", "L")),
        ("合格", "不合格", ("9", "8")),
    ],
)
def test_a_verdicts_key_is_the_first_free_letter_of_its_word(passed, failed, keys):
    wording = {NEGATIVE: passed, POSITIVE: failed, DEFER: "LOOK"}
    found = present.assign_verdict_keys(wording)
    assert (found[NEGATIVE], found[POSITIVE]) == keys


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/line/4/cell 1.png", "cell 1.png"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("a\nb\x00.png", "a\\u000ab\\u0000.png"),
        ("<script>.png", "<script>.png"),
        ("a" * 60 + ".png", "a" * 23 + "…" + "a" * 20 + ".png"),
        ("/", "/"),
    ],
)
def test_a_file_name_is_shown_as_text_that_plays_no_tricks(name, shown):
    assert present.display_name(name) == shown


def test_a_case_is_named_by_its_group_and_without_one_by_its_file():
    alone = an_image("/in/cell.png", a_decision())
    assert present.name_case(a_case(alone)) == "plate-7"
    assert present.name_case(a_case(alone, key="ab" * 32)) == "cell.png"


def test_images_come_unscored_first_then_by_falling_probability():
    images = [
        an_image("low", a_decision(0.1)),
        an_image("torn", a_decision(None)),
        an_image("high", a_decision(0.9)),
        an_image("new", None),
    ]
    assert [one.name for one in present.sort_worst_first(images)] == ["torn", "new", "high", "low"]
    assert present.select_image(images, "low").name == "low"
    assert present.select_image(images, "of another case").name == "torn"


def test_a_case_is_blind_when_any_of_its_images_was_drawn_for_the_audit():
    drawn = a_decision(0.1, NEGATIVE, (Finding(Reason.AUDIT, ""),))
    assert present.is_blind(a_case(an_image("a", a_decision()), an_image("b", drawn)))
    assert not present.is_blind(a_case(an_image("a", a_decision()), an_image("b", None)))


def test_the_reasons_are_the_sentences_of_the_findings():
    reasons = present.explain_verdict(
        a_decision(None, findings=(Finding(Reason.UNREADABLE, "Got 3 bytes."),)), None
    )
    assert reasons == [f"{Reason.UNREADABLE.sentence} Got 3 bytes."]


def test_an_automatic_verdict_is_explained_by_its_limit(tiny_product):
    _, certified = tiny_product.opened()
    policy = replace(certified, t_neg=0.02, t_pos=0.75)
    assert present.explain_verdict(a_decision(0.9991, POSITIVE), policy) == [
        "Called FAIL by itself: the probability > 0.999 is at or above the certified limit 0.750."
    ]
    assert present.explain_verdict(a_decision(0.01, NEGATIVE), policy) == [
        "Called PASS by itself: the probability 0.010 is at or below the certified limit 0.020."
    ]
    assert present.explain_verdict(a_decision(0.01, NEGATIVE), None) == ["Called PASS by itself."]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0, "< 0.001"), (0.4321, "0.432"), (0.9995, "> 0.999"), (1.0, "> 0.999")],
)
def test_a_probability_is_never_shown_as_certainty(value, shown):
    assert present.format_probability(value) == shown


def test_another_revision_image_or_decision_is_another_place():
    item = a_case(an_image("a", a_decision())).item
    others = [replace(item, revision=1), replace(item, images=2), replace(item, decision_id="d2")]
    assert len({present.make_view_id(one) for one in (item, *others)}) == 4


def test_an_empty_queue_says_what_to_do_next():
    nothing = dict.fromkeys(Disposition, 0)
    empty = present.describe_empty_queue(PARTS, Counts(nothing, 0, nothing), Path("/data/line 3"))
    assert "assay assess" in empty
    assert "/data/line 3" in empty
    done = present.describe_empty_queue(
        PARTS, Counts(nothing, 40, {**nothing, POSITIVE: 3}), Path("home")
    )
    assert "3 cases reviewed" in done
    assert "40 called PASS" in done


def test_agreement_counts_what_people_said_of_each_verdict():
    verdicts = {"p": POSITIVE, "d": DEFER}
    reviews = [
        a_review("p", POSITIVE),
        a_review("p", POSITIVE),
        a_review("p", NEGATIVE),
        a_review("d", NEGATIVE),
        a_review("of an older bundle", POSITIVE),
    ]
    found = {one.verdict: one for one in present.compare_reviews(reviews, verdicts)}
    assert set(found) == {POSITIVE, DEFER}
    assert (found[POSITIVE].cases, found[POSITIVE].agreed) == (3, 2)
    assert present.describe_agreement(found[POSITIVE], PARTS) == (
        "Of 3 cases called FAIL automatically, people agreed with 2."
    )
    assert present.describe_agreement(found[DEFER], PARTS) == (
        "Of 1 case marked REVIEW, people called 1 PASS."
    )
    assert "escape rate is not measured" in present.describe_unreviewed_negatives(
        list(found.values()), PARTS
    )


def of_labels(**probabilities: float) -> StoredDecision:
    names, values = tuple(probabilities), tuple(probabilities.values())
    return replace(a_decision(), classes=names, probabilities=values)


def test_labels_are_listed_by_probability_and_what_is_left_out_is_said():
    one = of_labels(good=0.1, dent=0.7, stain=0.0004, scratch=0.6)
    assert present.rank_labels(one, most=3) == (
        [("dent", 0.7), ("scratch", 0.6), ("good", 0.1)],
        "1 more label, the likeliest < 0.001",
    )
    assert present.rank_labels(one, most=2)[1] == "2 more labels, the likeliest 0.100"
    assert present.rank_labels(one) == (
        [("dent", 0.7), ("scratch", 0.6), ("good", 0.1), ("stain", 0.0004)],
        "",
    )


def test_every_label_as_likely_as_not_is_listed_however_many():
    listed, left_out = present.rank_labels(of_labels(a=0.5, b=0.9, c=0.6, d=0.2), most=1)
    assert [name for name, _ in listed] == ["b", "c", "a"]
    assert left_out == "1 more label, the likeliest 0.200"


@pytest.mark.parametrize("decision", [of_labels(good=0.3, bad=0.7), a_decision(None)])
def test_two_classes_or_no_probabilities_have_no_labels_to_list(decision):
    assert present.rank_labels(decision) == ([], "")


def test_the_histogram_counts_every_scored_image_once():
    rng = np.random.default_rng(3)
    probabilities = rng.uniform(size=200)
    made = [
        a_decision(p, (NEGATIVE, DEFER, POSITIVE)[i % 3], key=f"{i:064}")
        for i, p in enumerate(probabilities)
    ]
    counted = present.count_verdicts([*made, a_decision(None)], bins=10)
    expected = np.bincount((probabilities * 10).astype(int), minlength=10)
    np.testing.assert_array_equal(sum(counted.bins.values()), expected)
    assert counted.counts == {NEGATIVE: 67, DEFER: 67 + 1, POSITIVE: 66}
    assert counted.automation == pytest.approx(133 / 201)
    assert counted.verdicts[made[0].id] is NEGATIVE
    assert present.describe_counted(counted, 5000) == "201 images, 1 of them without a probability"


@pytest.mark.parametrize(
    "text",
    ["![x](http://127.0.0.1/x.png)", ":red[a]", "$a$ `b` *c* _d_", "http://a.b www.c.d e@f.g"],
)
def test_text_in_a_label_keeps_no_sign_that_markdown_reads(text):
    escaped = present.escape_markdown(text)
    assert escaped.replace("\\", "") == text
    assert not re.search(r"(?<!\\)[!-/:-@\[\]^-`{-~]", escaped)


def test_a_pack_with_a_page_of_its_own_is_not_said_to_go_without_a_person():
    nothing = dict.fromkeys(Disposition, 0)
    counts = Counts({**nothing, DEFER: 4}, 40, {**nothing, POSITIVE: 3})
    xray = pack_named("xray")
    assert (
        present.describe_reviewed(counts, PARTS) == "People have reviewed 3 cases; 4 wait for one."
    )
    assert present.describe_reviewed(counts, xray) == (
        "People have reviewed 3 cases; the page Xray says which ones wait."
    )
    assert present.label_automation(PARTS) == "without a person"
    assert present.label_automation(xray) == "not READ"


def test_each_verdict_has_a_shape_of_its_own_beside_its_word_and_colour():
    marks = [present.verdict_mark(one, PARTS.wording[one]) for one in Disposition]
    marks.append(present.verdict_mark(None, "not assessed"))
    assert [str(one) for one in marks] == ["● PASS", "▲ FAIL", "◆ REVIEW", "○ not assessed"]
    assert len({one.kind for one in marks}) == len({one.shape for one in marks}) == 4
    assert present.summarize_verdict(a_decision(0.5, POSITIVE)) == "▲ FAIL 0.500"
    assert present.summarize_verdict(None) == "○ not assessed"


def test_what_stands_below_a_bar_does_not_move_once_the_limits_are_read(tiny_product):
    _, policy = tiny_product.opened()
    wording = pack_named("parts").wording
    before, after = (bar_html(0.5, wording, one) for one in (None, policy))
    assert before.count("<div") == after.count("<div") == 2
    assert "&nbsp;" in before
    assert "up to" in after
