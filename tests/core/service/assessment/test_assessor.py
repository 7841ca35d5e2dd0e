"""The Assessor: one picture now, many in order, and nothing for the first time after warm_up."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from core.errors import AssayError
from core.imaging.files import wrap_bytes
from core.records import blobs
from core.records.connection import reading
from core.records.store import decision, open_store
from core.records.tables import AUDIT_EVENTS, CASES, DECISIONS, IMAGES
from core.service.assessment.assessor import Assessor
from core.service.assessment.paths import assess_paths
from core.service.assessment.recording import assess_and_record, record_one, warm_up
from core.types import Disposition, Reason
from tests.core.imaging.pictures import png_claiming


@pytest.fixture(scope="module")
def product(tiny_product):
    return tiny_product.opened()


@pytest.fixture(scope="module")
def assessor(tiny_product, product):
    with Assessor(*product, tiny_product.settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def plates(tiny_product):
    return tiny_product.pictures("test")[:8]


def scores(assessment):
    prediction, evidence = assessment.prediction, assessment.evidence
    return (
        assessment.sha256,
        assessment.verdict,
        prediction.probabilities.tobytes(),
        prediction.ood_p,
        evidence.features.tobytes(),
    )


def reasons(assessment):
    return [finding.reason for finding in assessment.verdict.findings]


def test_one_judges_as_many_does_to_the_last_bit(tiny_product, product, assessor, plates):
    bundle, policy = product
    apart = assess_paths(bundle, plates, policy=policy, settings=tiny_product.settings)
    alone = [assessor.one(path.read_bytes(), name=str(path), group="g") for path in plates]
    assert [scores(one) for one in alone] == [scores(one) for one in apart]
    assert {one.verdict.disposition for one in alone} > {Disposition.NEGATIVE}
    assert {one.group for one in alone} == {"g"}
    assert alone[3].sample_id == str(plates[3])


def test_whatever_the_bytes_are_there_is_exactly_one_verdict(tiny_product, product, plates):
    good = plates[0].read_bytes()
    hostile = [b"", b"no picture", good[:300], png_claiming(30_000, 30_000), good + b" " * 2**21]
    settings = tiny_product.settings.model_copy(update={"max_bytes": 2**21})
    with Assessor(*product, settings) as small:
        made = [small.one(data) for data in hostile]
        assert [reasons(one) for one in made] == [[Reason.UNREADABLE]] * len(hostile)
        assert {one.verdict.disposition for one in made} == {Disposition.DEFER}
        assert [one.sha256 for one in made] == [wrap_bytes("", data).sha256 for data in hostile]
        assert small.one(good).prediction is not None


def test_a_system_that_fails_is_a_fault_of_this_picture(tiny_product, product, plates, monkeypatch):
    monkeypatch.setattr("core.imaging.decoder._START_S", 0.0)
    with Assessor(*product, tiny_product.settings) as broken:
        made = broken.one(plates[0].read_bytes())
    assert reasons(made) == [Reason.FAULT]
    assert "does not start" in made.verdict.message
    assert made.sha256 == wrap_bytes("", plates[0].read_bytes()).sha256
    assert made.is_provisional


def test_several_threads_take_turns(assessor, plates):
    expected = [scores(assessor.one(path.read_bytes())) for path in plates]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda path: scores(assessor.one(path.read_bytes())), plates))
    assert found == expected


def test_one_and_many_exclude_each_other(assessor, plates):
    incoming = [wrap_bytes(path.name, path.read_bytes()) for path in plates]
    under_way = assessor.many(incoming)
    first = next(under_way)
    assert first.incoming is incoming[0]
    with pytest.raises(ValueError, match="no `many` under way"):
        assessor.one(incoming[0].data)
    with pytest.raises(ValueError, match="no other `many`"):
        next(assessor.many(incoming))
    under_way.close()
    assert assessor.one(incoming[0].data).prediction is not None
    whole = list(assessor.many(incoming))
    assert [one.incoming for one in whole] == incoming
    assert [one.assessment.sha256 for one in whole] == [one.sha256 for one in incoming]


def test_another_policy_counts_from_the_next_picture_on(tiny_product, product, plates):
    bundle, policy = product
    careful = replace(policy, t_neg=None, t_pos=None)
    with Assessor(bundle, policy, tiny_product.settings) as opened:
        before = opened.one(plates[0].read_bytes())
        opened.use(careful)
        after = opened.one(plates[0].read_bytes())
        with pytest.raises(AssayError, match="was certified on other@123"):
            opened.use(replace(policy, bundle="other@123"))
        assert opened.policy == careful
    assert before.provenance.policy_id == policy.id
    assert before.verdict.disposition is not Disposition.DEFER
    assert after.provenance.policy_id == careful.id
    assert after.verdict.disposition is Disposition.DEFER


_WATCHED = """
import json, os, sys, threading
from pathlib import Path
import psutil
from core.service.assessment.assessor import Assessor
from core.service.assessment.recording import record_one, warm_up
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.settings import Settings

folder, home, cache, *files = sys.argv[1:]
(Path(home) / "cache").symlink_to(cache, target_is_directory=True)
settings = Settings(home=home)
bundle = open_bundle(Path(folder), settings)
store = open_store(settings)
pictures = [Path(file).read_bytes() for file in files]
calls = [*pictures, b"torn", b"", pictures[0][:200]]

def state():
    children = psutil.Process().children(recursive=True)
    return {
        "modules": sorted(sys.modules),
        "threads": sorted(os.listdir("/proc/self/task")),
        "children": sorted(child.pid for child in children),
    }

with Assessor(bundle, policy_of(bundle), settings) as assessor:
    warm_up(assessor, store)
    before = state()
    for number in range(50):
        assessor.one(calls[number % len(calls)])
    for number in range(10):
        record_one(assessor, store, calls[number % len(calls)], audit_share=0.5)
    after = state()
print(json.dumps({
    key: [sorted(set(after[key]) - set(before[key])), sorted(set(before[key]) - set(after[key]))]
    for key in before
}))
"""


def test_after_warm_up_nothing_is_imported_and_nothing_starts(tiny_product, plates, tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(_large_jpeg())
    home = tmp_path / "home"
    home.mkdir()
    reported = [tiny_product.bundle, home, tiny_product.settings.cache.resolve(), large, *plates]
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, *map(str, reported)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "modules": [[], []],
        "threads": [[], []],
        "children": [[], []],
    }


def _large_jpeg():
    import cv2
    import numpy as np

    pixels = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", cv2.GaussianBlur(pixels, (0, 0), 3))[1])


def counts(store):
    with reading(store) as connection:
        return [
            connection.scalar(select(func.count()).select_from(table))
            for table in (CASES, IMAGES, DECISIONS, AUDIT_EVENTS)
        ]


def test_the_verdict_of_one_picture_is_on_record_before_it_is_returned(
    tiny_product, assessor, plates, tmp_path
):
    data = plates[0].read_bytes()
    settings = tiny_product.settings_at(tmp_path / "home")
    store = open_store(settings.home / "assay.sqlite", settings.blobs)
    warm_up(assessor, store)
    assert counts(store) == [0, 0, 0, 0], "warming up leaves nothing on record"

    made = record_one(assessor, store, data, name="plate", group="p1")

    kept = decision(store, made.decision)
    assert kept.disposition is made.assessment.verdict.disposition
    assert kept.positive_probability == made.assessment.prediction.positive_probability
    assert blobs.get(store.blobs, kept.sha256) == data
    assert record_one(assessor, store, data, name="plate", group="p1").decision == made.decision
    assert counts(store)[:3] == [1, 1, 1]
    store.close()


def test_bytes_that_are_too_large_to_read_are_kept_with_their_verdict(
    tiny_product, product, plates, tmp_path
):
    bundle, policy = product
    settings = tiny_product.settings_at(tmp_path / "home", max_bytes=2**20)
    store = open_store(settings.home / "assay.sqlite", settings.blobs)
    data = [path.read_bytes() for path in plates[:3]]
    data[1] += b" " * 2**20
    incoming = [wrap_bytes(str(number), one) for number, one in enumerate(data)]
    done = list(assess_and_record(bundle, incoming, store, policy=policy, settings=settings))
    for one, bytes_in in zip(done, data, strict=True):
        assert blobs.get(store.blobs, decision(store, one.decision).sha256) == bytes_in
    assert reasons(done[1].assessment) == [Reason.UNREADABLE]
    store.close()
