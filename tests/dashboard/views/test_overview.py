"""The overview: certified limits, verdicts and reviews, for the bundle that judged last."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from core.decision.rate import Rate
from core.people import Person, Role
from core.records import over_time, reviews
from core.records.connection import reading
from core.records.new_decision import NewDecision
from core.records.store import decisions, record
from core.records.tables import CASES
from core.records.values import TILE_OF
from core.records.worklist import case_detail, next_case
from core.service.summaries import describe_more_data, summarise_policy
from core.types import Disposition
from dashboard import present
from tests.dashboard.views.screen import texts


@pytest.fixture
def overview(page):
    def show():
        page.switch_page("views/overview.py").run()
        assert not page.exception, page.exception
        return page

    page.run()
    return show


def test_the_certificates_stand_there_in_the_packs_words(overview, tiny_product):
    bundle, policy = tiny_product.opened()
    shown = texts(overview())
    for sentence in (
        *summarise_policy(bundle.pack, policy),
        *describe_more_data(bundle.pack, policy),
    ):
        assert f">{sentence}<" in shown
    assert f"{bundle.label}, policy {policy.id}" in shown
    assert [badge.value for badge in overview().markdown].count(":green-badge[certified]") == 2


def test_the_counts_and_the_histogram_are_those_of_the_store(overview, store):
    counted = Counter(one.disposition for one in decisions(store))
    page = overview()
    assert [(m.label, m.value) for m in page.metric][:3] == [
        ("● PASS", str(counted[Disposition.NEGATIVE])),
        ("▲ FAIL", str(counted[Disposition.POSITIVE])),
        ("◆ REVIEW", str(counted[Disposition.DEFER])),
    ]
    figure = json.loads(page.get("plotly_chart")[-1].proto.spec)
    assert [bars["name"] for bars in figure["data"]] == ["● PASS", "◆ REVIEW", "▲ FAIL"]
    assert len(figure["layout"]["shapes"]) == 2


def test_what_people_said_is_counted_against_the_verdicts(overview, store):
    torn = next_case(store, "parts")
    reviews.review(store, torn, Disposition.NEGATIVE, reviewer="Ada")
    for judgement in (Disposition.POSITIVE, Disposition.NEGATIVE):
        reviews.review(store, next_case(store, "parts"), judgement, reviewer="Ada")
    shown = texts(overview())
    assert "People have reviewed 3 cases; 11 wait for one." in shown
    assert "Of 2 cases called FAIL automatically, people agreed with 1." in shown
    assert "Of 1 case marked REVIEW, people called 1 PASS." in shown
    assert "the live escape rate is not measured" in shown


def test_an_empty_store_says_what_to_do_first(page, assessed_home):
    for file in assessed_home.glob("assay.sqlite*"):
        file.unlink()
    page.run()
    assert "assay assess" in texts(page)
    page.switch_page("views/overview.py").run()
    assert not page.exception
    assert "assay assess" in texts(page)


def test_each_product_is_shown_with_what_judges_it(overview, store, tiny_product):
    bundle, policy = tiny_product.opened()
    made = next(one for one in decisions(store) if one.disposition is Disposition.NEGATIVE)
    other = replace(made, product="left", bundle="other@1", bundle_sha256="1" * 64)
    record(store, [NewDecision("x", "x.png", "x.png", other)])
    page = overview()
    assert f"{bundle.label}, policy {policy.id}" in texts(page)
    assert page.metric[0].value != "1"
    next(one for one in page.selectbox if one.label == "Product").select("left").run()
    assert f"other@1, policy {policy.id}" in texts(page)
    assert [one.value for one in page.metric][:3] == ["1", "0", "0"]


def test_the_last_seven_days_come_with_intervals_and_each_rate_opens_its_cases(overview, store):
    against, with_it = next_case(store, "parts"), None
    reviews.review(store, against, Disposition.NEGATIVE, reviewer="Ada")
    called = [next_case(store, "parts")]
    reviews.review(store, called[0], Disposition.NEGATIVE, reviewer="Ada")
    with_it = next_case(store, "parts")
    reviews.review(store, with_it, Disposition.POSITIVE, reviewer="Ben")
    page = overview()
    shown = texts(page)
    assert "20 cases came (" in shown
    assert "0 in the seven days before." in shown
    rate = Rate.independent(1, 2).describe()
    assert f">{rate}<" in shown
    assert "nothing to compare with" in shown
    assert "so this is not measured" in shown
    assert '<th scope="row">Ada</th><td>2</td>' in shown
    assert '<th scope="row">Ben</th><td>1</td>' in shown
    assert "filter=pack%3Dparts%26verdict%3Ddefer%26state%3D%26newer%3D168" in links(page)
    button(page, "Show these cases (1)", 0).click().run()
    assert f"case={called[0].case_id}" in links(page)
    assert f"case={with_it.case_id}" not in links(page)


def test_tiles_of_a_larger_picture_are_named_and_count_in_no_share_of_verdicts(overview, store):
    made = decisions(store)[0]
    tiles = []
    for number in range(2):
        tile = replace(made, content_key=f"{number:064}", disposition=Disposition.DEFER)
        tiles.append(NewDecision(f"t{number}", "t", "t.png", tile, meta={TILE_OF: "f" * 64}))
    before = [one.value for one in overview().metric]
    record(store, tiles)
    page = overview()
    shown = texts(page)
    assert "20 cases came (" in shown
    assert "Besides them, 2 tiles of one larger picture became cases (2 REVIEW)." in shown
    assert [one.value for one in page.metric] == before
    labels = [one.proto.label for one in page.get("page_link")]
    assert any("and 2 tiles" in label for label in labels)


def test_where_not_all_answers_are_read_the_page_says_since_when_they_are(
    overview, store, monkeypatch
):
    for _ in range(3):
        reviews.review(store, next_case(store, "parts"), Disposition.NEGATIVE, reviewer="Ada")
    assert [one.value for one in overview().info if "newest" in one.value] == []
    monkeypatch.setattr(over_time.answered_since, "__defaults__", (2,))
    monkeypatch.setattr(present.overview.describe_limit, "__defaults__", (2,))
    reviews.review(store, next_case(store, "parts"), Disposition.NEGATIVE, reviewer="Ada")
    newest = over_time.answered_since(store, "parts", datetime(2000, 1, 1, tzinfo=UTC))
    assert len(newest) == 2
    shown = [one.value for one in overview().info if "newest 2" in one.value]
    assert len(shown) == 2
    assert all(f"{newest[-1].at.astimezone():%Y-%m-%d %H:%M}" in one for one in shown)


def test_the_axis_of_time_has_the_cases_of_today(overview, store):
    page = overview()
    bars, rates = (json.loads(one.proto.spec) for one in page.get("plotly_chart")[:2])
    counted = Counter(str(case_detail(store, one).item.disposition) for one in {*case_ids(store)})
    assert {part["name"]: part["y"] for part in bars["data"]} == {
        "● PASS": [counted["negative"]],
        "◆ REVIEW": [counted["defer"]],
        "▲ FAIL": [counted["positive"]],
    }
    assert [part["name"] for part in rates["data"]] == [
        "went to a person", "decided against", "escape, audit",
    ]  # fmt: skip


def test_a_reviewer_sees_their_own_figures_and_nobody_elses(overview, store, monkeypatch):
    for by in ("Ada", "Ben"):
        reviews.review(store, next_case(store, "parts"), Disposition.NEGATIVE, reviewer=by)
    person = Person("Ada", "Ada", Role.REVIEWER)
    monkeypatch.setattr("dashboard.widgets.person", lambda: person)
    shown = texts(overview())
    assert '<th scope="row">Ada</th>' in shown
    assert "Ben" not in shown


def button(page, label, which):
    return [one for one in page.button if one.label == label][which]


def links(page):
    return [one.proto.query_string for one in page.get("page_link")]


def case_ids(store):
    with reading(store) as connection:
        return list(connection.scalars(select(CASES.c.id)))
