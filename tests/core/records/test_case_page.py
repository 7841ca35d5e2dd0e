"""Pages of cases: the same as sorting and filtering everything by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, insert, select

from core.records import audit, case_status, migrations, tables, worklist
from core.records.case_filter import CaseFilter, is_hidden
from core.records.case_page import (
    CaseOrder,
    list_facets,
    page_of_cases,
    place_of,
)
from core.records.case_status import QueueState
from core.records.connection import open_store, reading
from core.records.reviews import review
from core.records.store import new_decision, record
from core.types import Disposition, Reason

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(hours=48)
EVERY = CaseFilter(states=())
PACKS = ("parts", "crops")
SCORES = (None, 0.9, 0.1, 0.5, 0.5, 0.05, 0.95, 0.3)
FILTERS = [
    CaseFilter(),
    EVERY,
    CaseFilter(packs=("parts",)),
    CaseFilter(packs=("parts",), states=(QueueState.WAITING, QueueState.REVIEWED)),
    CaseFilter(products=("bolt",), states=()),
    CaseFilter(sites=("North",), states=()),
    CaseFilter(reasons=(Reason.NOVEL,), states=()),
    CaseFilter(verdicts=(Disposition.NEGATIVE,), states=()),
    CaseFilter(verdicts=(Disposition.DEFER, Disposition.POSITIVE), sites=("South", "bolt")),
    CaseFilter(states=(), min_age_h=20, max_age_h=40),
    CaseFilter(packs=("nobody",)),
]


@pytest.fixture
def filled(store, assessment):
    """Forty cases of two packs, two products and two sites; some drawn, some reviewed."""
    for n in range(40):
        score = SCORES[n % len(SCORES)]
        pack, product = PACKS[n % 2], ("bolt", "nut")[n // 2 % 2]
        reason = Reason.NOVEL if n % 5 == 0 else Reason.AUDIT if n % 11 == 3 else None
        verdict = Disposition.NEGATIVE if reason is Reason.AUDIT else None
        made = assessment(b"%d" % n, p=score, group=f"case {n}", reason=reason, disposition=verdict)
        new = new_decision(made, pack=pack, product=product, name=f"{n}.png")
        meta = [{"site": "North"}, {"institution": "South"}, {}][n % 3]
        record(store, [replace(new, meta=meta)], at=START + timedelta(hours=n // 3))
    for item in page_of_cases(store, EVERY, limit=100):
        if int(item.key.split()[1]) % 7 == 0:
            assert review(store, item, Disposition.POSITIVE, reviewer="Ada")
    return store


def every_case(store):
    """Read every case with its facets, without the look-up under test."""
    found = []
    for item in page_of_cases(store, EVERY, limit=1000, order=CaseOrder.OLDEST):
        row = next(f for f in list_facets(store) if f.id == facets_of_case(store, item.case_id))
        found.append((item, row))
    return found


def facets_of_case(store, case_id):
    with store.engine.connect() as connection:
        return connection.exec_driver_sql(
            f"SELECT facets_id FROM case_status WHERE case_id = '{case_id}'"
        ).scalar()


def sort_key(order):
    def worst(item):
        p = item.positive_probability
        urgency = 2.0 if p is None else p
        if item.disposition is Disposition.NEGATIVE and item.queue_state is QueueState.WAITING:
            urgency = case_status._unmarked_urgency(item.case_id)
        return int(item.queue_state), -urgency, item.opened_at, item.case_id

    return worst if order is CaseOrder.WORST else lambda item: (item.opened_at, item.case_id)


def test_a_page_holds_what_filtering_and_sorting_every_case_gives(filled):
    known = every_case(filled)
    assert len(known) == 40
    for order in CaseOrder:
        for case_filter in FILTERS:
            earliest, latest = (
                datetime.fromisoformat(text) if text else None
                for text in case_filter.opened_between(NOW)
            )
            wanted = [
                item
                for item, facets in known
                if case_filter.matches(facets)
                and (not earliest or item.opened_at >= earliest)
                and (not latest or item.opened_at <= latest)
            ]
            wanted.sort(key=sort_key(order), reverse=order is CaseOrder.NEWEST)
            assert page_of_cases(filled, case_filter, order=order, limit=100, at=NOW) == wanted


def test_pages_follow_each_other_without_gap_or_repetition_both_ways(filled):
    for order in CaseOrder:
        whole = page_of_cases(filled, EVERY, order=order, limit=100)
        forward, place = [], None
        while page := page_of_cases(filled, EVERY, order=order, after=place, limit=7):
            forward += page
            place = place_of(filled, page[-1].case_id)
        assert forward == whole
        place = place_of(filled, whole[20].case_id)
        assert page_of_cases(filled, EVERY, order=order, before=place, limit=7) == whole[13:20]


def test_the_counts_of_facets_are_those_of_the_cases(filled):
    for case_filter in FILTERS:
        if case_filter.min_age_h is None:
            page = page_of_cases(filled, case_filter, limit=100)
            counted = worklist.count_matching(filled, case_filter)
            for disposition in Disposition:
                for state, found in (
                    (QueueState.WAITING, counted.waiting),
                    (QueueState.REVIEWED, counted.reviewed),
                ):
                    assert found[disposition] == sum(
                        (item.queue_state, item.disposition) == (state, disposition)
                        for item in page
                    )
            negatives = [item for item in page if item.queue_state is QueueState.NEGATIVE]
            assert counted.negative == len(negatives)


def test_filtering_by_verdict_or_reason_leaves_out_what_nobody_may_know(filled):
    hidden = {
        item.case_id
        for item, facets in every_case(filled)
        if is_hidden(facets.reasons, facets.queue_state)
    }
    assert hidden
    assert hidden < {item.case_id for item in page_of_cases(filled, CaseFilter(), limit=100)}
    for case_filter in (
        CaseFilter(verdicts=(Disposition.NEGATIVE,), states=()),
        CaseFilter(reasons=(Reason.AUDIT,), states=()),
    ):
        found = {item.case_id for item in page_of_cases(filled, case_filter, limit=100)}
        assert found
        assert hidden.isdisjoint(found)


def test_a_case_of_images_from_two_sites_is_found_under_each(store, assessment):
    for name, site in (("a", "North"), ("b", "South")):
        new = new_decision(assessment(name.encode(), group="one"), pack="parts", name=name)
        record(store, [replace(new, meta={"site": site})])

    for site, cases in (("North", 1), ("South", 1), ("East", 0)):
        assert len(page_of_cases(store, CaseFilter(sites=(site,)))) == cases


def test_the_audit_finds_a_count_that_does_not_follow_from_the_cases(filled, execute):
    assert audit.verify(filled).faults == ()
    execute(filled, "UPDATE case_facets SET cases = cases + 1 WHERE pack = 'parts'")
    kinds = {fault.kind for fault in audit.verify(filled).faults}
    assert kinds == {"case count differs"}
    worklist.rebuild(filled)
    assert audit.verify(filled).faults == ()


def test_a_store_that_is_migrated_has_its_cases_worked_out_anew(filled, tmp_path):
    whole = page_of_cases(filled, EVERY, limit=100)
    older = tmp_path / "older" / "assay.sqlite"
    older.parent.mkdir()
    engine = create_engine(f"sqlite:///{older}")
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    with engine.begin() as target, reading(filled) as source:
        config.attributes["connection"] = target
        command.upgrade(config, "r0004")
        known = MetaData()
        known.reflect(target)
        for table in tables.TableRow.metadata.sorted_tables:
            if table.name in known.tables and table.name != "case_status":
                old = known.tables[table.name]
                rows = source.execute(select(*(table.c[column.name] for column in old.c)))
                if found := [dict(row) for row in rows.mappings()]:
                    target.execute(insert(old), found)
    engine.dispose()

    migrated = open_store(older)

    assert page_of_cases(migrated, EVERY, limit=100) == whole
    # Rows of tables that came later are missing here; the caches must follow from what there is.
    kinds = {fault.kind for fault in audit.verify(migrated).faults}
    assert kinds.isdisjoint({"case status differs", "case count differs"})
    migrated.close()
