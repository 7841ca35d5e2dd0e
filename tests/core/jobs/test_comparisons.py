"""What people reviewed is compared by one process of a store, whoever asks for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import cv2
import numpy as np
import pytest

from core.imaging.files import wrap_bytes
from core.jobs.comparisons import Comparisons, compare_claimed
from core.people import Person
from core.records import queue
from core.records.case_list import list_cases
from core.records.job import COMPARE, State
from core.records.picture_origins import origins_of, pictures_to_compare, times_compared
from core.records.store import decisions
from core.service.assessment.recording import assess_and_record
from core.service.bundles.archived import place_on_shelf
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.review.review import decide
from core.types import Disposition
from tests.conftest import a_plate
from tests.core.jobs.running import work_once
from tests.core.records.conftest import ENGINES, empty_store

ROB = Person.alone("Rob")


@pytest.fixture(params=ENGINES)
def settings(request, tiny_product, tmp_path):
    return tiny_product.settings_at(tmp_path / "home", store_url=empty_store(request.param))


@pytest.fixture
def bundle(tiny_product, store, settings):
    signed = Signed(Person.alone("Ada"))
    deploy_bundle(tiny_product.bundle, store, settings, product="", signed=signed)
    return tiny_product.opened()[0]


@pytest.fixture
def judged(bundle, tiny_product, store, settings):
    """Six scratched plates that were judged; half of those that wait are answered."""
    rng = np.random.default_rng(3)
    plates = [cv2.imencode(".png", a_plate(rng, 1.0))[1].tobytes() for _ in range(6)]
    files = [wrap_bytes(f"{at}", data, f"{at}") for at, data in enumerate(plates)]
    policy = tiny_product.opened()[1]
    list(assess_and_record(bundle, files, store, policy=policy, settings=settings))
    for one in list_cases(store, "parts")[::2]:
        assert decide(store, one.item, Disposition.POSITIVE, by=ROB)
    return bundle


def jobs(store):
    return {state: n for (kind, state), n in queue.waiting(store).items() if kind == COMPARE}


def test_many_ask_and_there_is_one_job_that_one_of_them_does(store, settings, judged):
    asked = [Comparisons(store, settings).turn() for _ in range(3)]
    assert asked == [True, False, False]
    assert jobs(store) == {State.WAITING: 1}
    with ThreadPoolExecutor(3) as threads:
        done = [threads.submit(compare_claimed, store, settings, name) for name in "abc"]
    assert sorted(one.result() for one in done) == [False, False, True]
    assert jobs(store) == {State.DONE: 1}
    assert times_compared(store, judged.sha256) == 1
    assert pictures_to_compare(store, "parts", judged.sha256, 10, with_waiting=True) == []
    assert not Comparisons(store, settings).turn()


def test_automatic_positives_that_wait_are_compared_too_and_nothing_else_that_waits(
    store, settings, judged
):
    reviewed = set(pictures_to_compare(store, "parts", judged.sha256, 10))
    waiting = [one.item for one in list_cases(store, "parts")]
    positive = [one for one in waiting if one.disposition is Disposition.POSITIVE]
    assert positive
    work_once(store, settings, lanes=["assess", "review"])
    found = origins_of(store, judged.sha256)
    called = {
        one.content_key for one in decisions(store) if one.disposition is Disposition.POSITIVE
    }
    assert set(found) == reviewed | called
    assert len(found) == len(reviewed) + len(positive)


def test_a_comparison_that_fails_is_tried_again_once_its_bundle_is_back(store, settings, judged):
    shelf = place_on_shelf(judged.sha256, settings) / "fingerprints.safetensors"
    kept = shelf.read_bytes()
    shelf.unlink()
    work_once(store, settings, lanes=["assess", "review"])
    assert jobs(store) == {State.WAITING: 1}
    assert origins_of(store, judged.sha256) == {}
    shelf.write_bytes(kept)
    (job,) = queue.claim(
        store, [COMPARE], worker="w", lease_s=0.0, at=queue.now() + timedelta(hours=1)
    )
    assert job.key == judged.sha256
    assert compare_claimed(store, settings, "later") is False
