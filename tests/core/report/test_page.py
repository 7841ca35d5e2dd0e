"""The page: whole, self-contained, and proof against the names from outside."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from core.decision.certificate import confidence_spent
from core.evaluation import summarise
from core.report import confusion
from core.report.blocks import Paragraph, Picture, Section, Table
from core.report.page import render, write_sections
from core.types import GoodOnly

EVIL = "<script>alert('x')</script>\"onload=\"x"
KEYS = [
    "summary", "certificate", "observed", "slices", "calibration", "operating-points", "confusion",
    "ood", "more-data", "check", "provenance",
]  # fmt: skip
VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Collects every tag with its attributes, and refuses tags that do not close."""

    def __init__(self, page):
        super().__init__()
        self.tags, self._open = [], []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


def text_of(section: Section) -> str:
    found = []
    for block in section.blocks:
        if isinstance(block, Paragraph):
            found.append(block.text)
        elif isinstance(block, Table):
            found += [block.caption, *block.head]
            found += [c if isinstance(c, str) else c.text for row in block.rows for c in row]
    return "\n".join(found)


def section(report_input, key) -> str:
    return text_of(next(one for one in write_sections(report_input) if one.key == key))


def test_every_section_is_there_in_reading_order_and_every_tag_closes(input_of):
    tags = Reader(render(input_of())).tags
    assert [attrs["id"] for tag, attrs in tags if tag == "section"] == KEYS
    assert sum(tag == "svg" for tag, _ in tags) == 11
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in tags:
        assert set(attrs.get("aria-labelledby", "").split()) <= set(ids)


def test_nothing_on_the_page_points_outside_or_runs(input_of):
    page = render(input_of())
    for tag, attrs in Reader(page).tags:
        assert tag not in {"script", "iframe", "object", "embed", "form"}
        assert not any(name.startswith("on") for name in attrs)
        for name in ("src", "href", "xlink:href", "srcset"):
            assert attrs.get(name, "#").startswith(("#", "data:"))
    assert "url(" not in page
    assert "@import" not in page


def test_hostile_names_are_shown_and_not_run(input_of):
    plain = input_of()
    by = {EVIL: plain.figures["by"]["line"]}
    by[EVIL] = {EVIL: by[EVIL]["A"], "B": by[EVIL]["B"]}
    figures = {
        **plain.figures,
        "by": by,
        "ood": {EVIL: plain.figures["ood"]["gravel"]},
        "sensitivity": {EVIL + n: r for n, r in plain.figures["sensitivity"].items()},
    }
    card = {"check": {"alarms": [{"sentence": EVIL, "level": "strong"}]}, "data": {}}
    card["data"] = {"attribution": EVIL, "counts": {EVIL: {EVIL: 3}}}
    page = render(
        replace(
            plain,
            classes=tuple(EVIL + name for name in plain.classes),
            figures=figures,
            plain_columns=(EVIL,),
            ood_scores={EVIL: plain.ood_scores["gravel"]},
            worst={"escape": (Picture(b"", EVIL, EVIL), Picture(b"x", EVIL, EVIL))},
            card=card,
            origin=replace(plain.origin, data=EVIL, bundle=EVIL, command=EVIL),
        )
    )
    tags = Reader(page).tags
    assert "script" not in {tag for tag, _ in tags}
    assert not any("onload" in attrs for _, attrs in tags)
    assert page.count("&lt;script&gt;") > 20


def test_the_same_report_input_gives_the_same_bytes_but_for_the_date(input_of):
    first = render(input_of())
    later = input_of()
    later = replace(later, origin=replace(later.origin, made="Tomorrow"))
    assert render(input_of()) == first
    changed = [
        pair
        for pair in zip(first.splitlines(), render(later).splitlines(), strict=True)
        if pair[0] != pair[1]
    ]
    assert changed == [('<p class="made">Now</p>', '<p class="made">Tomorrow</p>')]


def test_the_matrix_counts_every_picture_once(input_of):
    m = input_of()
    page = next(one for one in write_sections(m) if one.key == "confusion")
    matrix, rule = (block for block in page.blocks if isinstance(block, Table))
    predicted = m.cases.probabilities.argmax(axis=1)
    for i, row in enumerate(matrix.rows):
        counted = [int(cell.text) for cell in row[1:-1]]
        assert counted == [int((m.cases.labels[:, i] & (predicted == j)).sum()) for j in range(3)]
    verdicts = [[int(cell.text) for cell in row[1:]] for row in rule.rows]
    assert np.sum(verdicts) == len(m.cases.labels)
    assert verdicts[0][0] == (m.cases.truth & (m.cases.disposition == "negative")).sum()


def test_many_classes_list_what_each_was_taken_for_instead_of_a_matrix(input_of, monkeypatch):
    m = input_of()
    monkeypatch.setattr(confusion, "MOST_IN_MATRIX", 2)
    page = next(one for one in write_sections(m) if one.key == "confusion")
    table = next(block for block in page.blocks if isinstance(block, Table))
    predicted = m.cases.probabilities.argmax(axis=1)
    for i, (name, pictures, _, taken) in enumerate(table.rows):
        mine = m.cases.labels[:, i]
        assert (name, int(pictures)) == (m.classes[i], int(mine.sum()))
        expected = {m.classes[j]: int((mine & (predicted == j)).sum()) for j in range(3) if j != i}
        pairs = [pair.rsplit(" ", 1) for pair in taken.split(", ") if pair]
        assert {one: int(n) for one, n in pairs} == {k: n for k, n in expected.items() if n}


def test_the_summary_says_when_a_certified_limit_holds_and_when_it_is_exceeded(input_of):
    m = input_of()
    assert m.policy.escape.certified
    kept = {"rate": 0.01, "low": 0.0, "high": 0.05, "n": 100, "k": 1}
    broken = {"rate": 0.3, "low": 0.2, "high": 0.4, "n": 100, "k": 30}
    unclear = {"rate": 0.12, "low": 0.05, "high": 0.2, "n": 100, "k": 12}
    shown = {
        name: section(replace(m, figures={**m.figures, "escape": rate}), "summary")
        for name, rate in (("kept", kept), ("broken", broken), ("unclear", unclear))
    }
    assert "1\u00a0% (1 of 100; 95\u00a0% interval 0 to 5\u00a0%). That is within" in shown["kept"]
    assert "The certified limit is exceeded here" in shown["broken"]
    assert "by no more than chance explains" in shown["unclear"]


def test_without_a_certificate_no_rate_of_zero_is_shown(input_of, policy_of):
    policy = policy_of(escape=0.001)
    assert policy.t_neg is None
    m = input_of(policy=policy)
    summary = next(one for one in write_sections(m) if one.key == "summary")
    assert summary.blocks[1].tiles[0].value == "not certified"
    assert "nothing gets an automatic PASS" in text_of(summary)
    assert "nothing was decided on this side" in section(m, "observed")
    assert "No escape is possible here" in section(m, "slices")


def good_only(policy):
    uncertified = replace(policy.overkill, certified=False, threshold=None, needed=9)
    return replace(policy, overkill=uncertified, t_pos=None, good_only=GoodOnly(28, 0.05, 0.05))


def as_asked(policy):
    uncertified = replace(policy.escape, certified=False, threshold=None, needed=9)
    return replace(policy, escape=uncertified)


def nothing_held_out(policy):
    return replace(policy, deferred=1.0, flagged=(0.0, 0.0, 1.0, 0))


def seventh(policy):
    sides = [
        replace(c, confidence=confidence_spent(0.95, 7)) for c in (policy.escape, policy.overkill)
    ]
    return replace(policy, escape=sides[0], overkill=sides[1], attempt=7)


def plain(policy):
    return policy


NO_PASS, NO_FAIL = "nothing gets an automatic PASS", "nothing gets an automatic FAIL"
AS_ASKED = "PASS is given all the same, as was asked for. Seen: "
MEMORY = "On average at most 5 % of good parts are called out"
SHARE, AT_MOST = "% on the held-out cases", "at most 4"
NONE_HELD, NO_SIDE = "no picture was held out", "nothing was decided on this side"
ATTEMPT = "Certification number 7 on these held-out cases"


@pytest.mark.parametrize(
    ("kind", "shown", "hidden"),
    [
        (plain, [SHARE], [NO_PASS, NO_FAIL, AS_ASKED, MEMORY, NO_SIDE, NONE_HELD, ATTEMPT]),
        (good_only, [MEMORY, SHARE, "at most 5\u00a0% on average"], [NO_PASS, NO_FAIL, NO_SIDE]),
        (as_asked, [AS_ASKED, SHARE], [NO_PASS, NO_FAIL, NO_SIDE, MEMORY]),
        (nothing_held_out, [NONE_HELD, "No ordinary picture was held out"], [SHARE, "Of 0 ordi"]),
        (seventh, [ATTEMPT, "99.881 % confidence"], [NO_PASS, NO_FAIL]),
    ],
)
def test_every_sentence_of_the_page_is_true_of_the_policy_that_judged(
    input_of, policy_of, kind, shown, hidden
):
    policy = kind(policy_of())
    m = input_of(policy=policy)
    page = "\n".join(text_of(one) for one in write_sections(m))
    assert [text for text in shown if text not in page] == []
    assert [text for text in hidden if text in page] == []
    decided = {"escape": policy.has_negatives, "overkill": policy.has_positives}
    for kind_of_error, word in zip(decided, m.pack.error_names, strict=True):
        assert decided[kind_of_error] == (f"No {word} is possible here" not in page)


def test_the_page_says_how_many_certifications_followed_the_one_that_judged(input_of):
    m = input_of()
    assert "more followed" not in section(m, "certificate")
    assert "6 more followed." in section(replace(m, certifications=7), "certificate")


def test_groups_that_the_gates_hold_back_stand_beside_the_rate_not_in_it(input_of, judged_of):
    m = input_of()
    cases = judged_of(m.policy)
    held_out = cases.truth & (cases.group < 40)
    stopped = replace(
        cases,
        disposition=np.where(held_out, "defer", cases.disposition),
        reason=np.where(held_out, "POOR_QUALITY", cases.reason),
    )
    observed = summarise(stopped)["escape"]
    left = np.unique(cases.group[cases.truth])
    assert observed["n"] + observed["excluded"] == left.size
    assert observed["excluded"] >= (left < 40).sum()
    shown = section(input_of(stopped, policy=m.policy), "observed")
    assert f"{observed['excluded']} sent to review by the gates" in shown


def test_where_there_is_nothing_to_show_a_sentence_says_so(input_of):
    m = input_of()
    bare = replace(
        m,
        figures={**m.figures, "by": {}, "ood": {}},
        ood_scores={},
        steps=(),
        steps_note="There is no learning curve.",
        worst={},
        card={},
    )
    assert "so there are none" in section(bare, "slices")
    assert "nothing is known about how many it would notice" in section(bare, "ood")
    assert "There is no learning curve." in section(bare, "more-data")
    assert "No escape was seen." in section(bare, "confusion")
    assert "The data check was not run" in section(bare, "check")
    assert "has no SOURCE.md" in section(bare, "provenance")
    Reader(render(bare))


def test_the_data_check_is_repeated_in_its_own_words(input_of):
    m = input_of()
    assert section(m, "check") == "It leaks."
    clean = replace(m, card={**m.card, "check": {"alarms": []}})
    assert section(clean, "check") == "The data check found nothing to report."


@pytest.mark.parametrize("kept", ["truth", "falsehood", "unread"])
def test_a_page_of_one_side_alone_or_of_nothing_readable_is_still_written(
    input_of, judged_of, kept
):
    m = input_of()
    cases = judged_of(m.policy)
    if kept == "unread":
        n = len(cases.labels)
        cases = replace(
            cases,
            probabilities=np.full((n, 3), np.nan),
            positive_probability=np.full(n, np.nan),
            disposition=np.full(n, "defer"),
            reason=np.full(n, "UNREADABLE"),
            ood_score=np.full(n, np.nan),
        )
    else:
        cases = cases.pick(cases.truth == (kept == "truth"))
    page = render(input_of(cases, policy=m.policy))
    assert "nan" not in re.sub(r"<[^>]*>|data:[^\"]*", "", page).lower().split()
    assert "A ROC curve needs both kinds of pictures" in page


def test_several_labels_get_a_row_each_instead_of_a_matrix(input_of, judged_of):
    m = input_of()
    cases = replace(judged_of(m.policy), is_multilabel=True)
    m = input_of(cases, policy=m.policy)
    assert "Each label for itself" in section(m, "confusion")
    assert "most probable class (columns)" not in section(m, "confusion")
    Reader(render(m))


def test_every_certificate_can_be_checked_by_hand_from_the_page(input_of):
    m = input_of()
    shown = section(m, "certificate").splitlines()
    for c in (m.policy.escape, m.policy.overkill):
        assert f"{c.n:,}" in shown
        assert f"{c.threshold:.4g}" in " ".join(shown)
    assert "2,995" in shown
