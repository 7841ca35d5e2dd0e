from collections import Counter
from dataclasses import replace
from shutil import copytree

import pytest
from sqlalchemy import select

from core.errors import ConfigError
from core.records.case_list import list_cases
from core.records.case_status import QueueState
from core.records.connection import reading
from core.records.tables import RECEIPTS
from core.service.progress import silent
from core.service.store import open_store
from core.types import Disposition, Reason
from domains.xray.demo import lane as demo
from domains.xray.demo.lane import FAULTS, Plan
from tests.xray_phantom import SMALL, phantom_chest

PLAN = Plan(ood_studies=4, train=24, cal=24, queue=14, sick=5, plate=SMALL)


@pytest.fixture(scope="module")
def place(tiny_product, tmp_path_factory):
    """A home where the lane has run once, on pictures of the phantom, and what it printed."""
    settings = tiny_product.settings_at(tmp_path_factory.mktemp("demo") / "home")
    plan = replace(PLAN, starter=settings.home / "none")
    return settings, plan, demo.lane(phantom_chest(), plan, settings, silent)


@pytest.mark.slow
def test_what_is_sent_is_received_by_c_store_and_judged_once(place):
    settings, plan, _ = place
    store = open_store(settings)
    with reading(store) as connection:
        sources = list(connection.scalars(select(RECEIPTS.c.source)))
    cases = list_cases(store, "xray", list(QueueState))
    assert len(sources) == len(cases) == plan.queue
    assert all(source.startswith("c-store:") for source in sources)
    assert all(case.is_judged for case in cases)
    for case in cases:
        assert {one["study_description"] for one in case.headers} == {
            "Computed from CT, not a patient"
        }


@pytest.mark.slow
def test_what_was_taken_wrongly_goes_to_a_person_and_nothing_fails(place):
    settings, _, lines = place
    cases = list_cases(open_store(settings), "xray", list(QueueState))
    reasons = Counter(reason for case in cases for reason in {f.reason for f in case.findings})
    assert reasons[Reason.WRONG_INPUT] >= 3
    assert not {Reason.FAULT, Reason.UNREADABLE} & set(reasons)
    deferred = sum(case.item.disposition is Disposition.DEFER for case in cases)
    assert deferred >= len(FAULTS)
    for fault in FAULTS:
        [line] = [line for line in lines if line.startswith(f"  {fault:<22} ")]
        assert "READ 1" in line
        assert "ABNORMAL 0" in line


@pytest.mark.slow
def test_the_table_says_that_it_is_no_evidence_and_counts_every_study(place):
    _, plan, lines = place
    printed = " ".join(" ".join(lines).split())
    assert "no evidence" in printed
    assert "Research and decision support" in printed
    [verdicts] = [line for line in lines if line.startswith("  verdicts")]
    assert sum(int(word) for word in verdicts.split() if word.isdigit()) == plan.queue


@pytest.mark.slow
def test_a_second_run_finds_the_same_studies_again_and_more_that_a_starter_is_shown(place):
    settings, plan, lines = place
    starter = copytree(settings.home / "demo" / "computed", settings.home / "starter")
    again = demo.lane(phantom_chest(), replace(plan, starter=starter), settings, silent)
    shown = [n for n, line in enumerate(again) if f"shown {plan.ood_studies} radiographs" in line]
    assert len(shown) == 1
    start = again.index(next(line for line in lines if line.startswith("After learning")))
    assert again[start:] == lines[-len(again) + start :]
    cases = list_cases(open_store(settings), "xray", list(QueueState))
    assert len(cases) == plan.queue + plan.ood_studies


def test_without_the_ct_the_lane_says_how_to_get_it(tiny_product, tmp_path, monkeypatch):
    def missing():
        raise ConfigError("The package is missing.", hint="pip install it")

    monkeypatch.setattr(demo, "load_chest", missing)
    lines = demo.run(tiny_product.settings_at(tmp_path / "home"), silent)
    assert any("left out" in line for line in lines)
    assert any("pip install it" in line for line in lines)
