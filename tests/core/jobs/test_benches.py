"""A running worker, two products of one pack, and deployments that change between two pictures."""

import shutil
from time import perf_counter, sleep

import pytest
from sqlalchemy import select, text

from core.errors import BundleError, ConfigError
from core.jobs.benches import BATCH_S, MOST_PICTURES, Benches
from core.people import Person
from core.records import blobs
from core.records.connection import reading, writing
from core.records.deployment import Stage
from core.records.intake import receive
from core.records.queue import waiting
from core.records.store import decisions
from core.records.tables import CASES
from core.service.assessment.replay import replay
from core.service.audit import check
from core.service.bundles.deployments import (
    REFRESH_S,
    Deployed,
    Signed,
    deploy_bundle,
    return_to,
)
from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.types import Disposition, Reason, Targets
from tests.ceilings import certify_above
from tests.changed_bundles import copy_bundle
from tests.core.jobs.running import until, work_once, working

ADA = Signed(Person.alone("Ada"))


@pytest.fixture
def settings(tiny_product, tmp_path):
    return tiny_product.settings_at(tmp_path / "home")


@pytest.fixture
def first(tiny_product, tmp_path):
    return shutil.copytree(tiny_product.bundle, tmp_path / "first")


@pytest.fixture
def second(tiny_product, tmp_path):
    """The same model as another bundle, as if it had been trained again."""
    path = copy_bundle(tiny_product.bundle, tmp_path / "second", trained="again")
    certify_bundle(open_bundle(path, tiny_product.settings), Targets(escape=0.2, overkill=0.2))
    return path


@pytest.fixture
def deploy(store, settings):
    def call(path, product, **given):
        return deploy_bundle(path, store, settings, product=product, signed=ADA, **given)

    return call


@pytest.fixture
def judge(tiny_product, store):
    """Send a picture of a product as a new object, and return its decision once it is made."""
    pictures = iter(tiny_product.pictures("test"))

    def call(product):
        data = next(pictures).read_bytes()
        (sha256,) = blobs.put_many(store.blobs, [data])
        receive(
            store, pack="parts", product=product, key=sha256, sha256=sha256, source="a test",
            meta={"group": "part 7"},
        )  # fmt: skip
        made = []
        until(lambda: made.extend(d for d in decisions(store) if d.content_key == sha256) or made)
        return made[0]

    return call


def test_two_products_share_a_store_and_a_worker_that_follows_releases_and_taking_back(
    first, second, deploy, judge, store, settings
):
    left, right = deploy(first, "left"), deploy(second, "right")
    assert left.bundle_sha256 != right.bundle_sha256
    with working(store, settings):
        made = [judge("left"), judge("right")]
        assert [(one.product, one.bundle_sha256) for one in made] == [
            ("left", left.bundle_sha256),
            ("right", right.bundle_sha256),
        ]
        new = deploy(second, "left")
        sleep(REFRESH_S)
        assert judge("left").bundle == new.bundle == right.bundle
        other = certify_above(open_bundle(second, settings), Targets(escape=0.3, overkill=0.3))
        deploy(second, "left", policy_id=other.id)
        sleep(REFRESH_S)
        assert judge("left").policy_id == other.id != new.policy_id
        back = return_to(store, settings, "parts", "left", signed=ADA, number=left.number)
        sleep(REFRESH_S)
        last = judge("left")
        assert (last.bundle_sha256, last.policy_id) == (left.bundle_sha256, left.policy_id)
        assert judge("right").bundle_sha256 == right.bundle_sha256
    assert (back.evidence["restores"], back.number) == (left.number, 5)
    # A part of each product bears the same number: they are two cases.
    with reading(store) as connection:
        cases = connection.execute(select(CASES.c.product, CASES.c.key)).all()
    assert sorted(tuple(case) for case in cases) == [("left", "part 7"), ("right", "part 7")]
    assert check(settings).faults == ()


def test_what_was_read_of_deployments_and_a_batch_take_less_than_two_seconds_together(
    first, deploy, store, settings
):
    assert REFRESH_S + BATCH_S < 2.0
    deploy(first, "left")
    benches = Benches(Deployed(store, settings))
    assert benches.most_of("parts") == MOST_PICTURES
    benches.note_time("parts", 32, began=perf_counter() - 8.0)
    assert benches.most_of("parts") == 3


def test_a_deployment_without_its_bundle_lets_its_pictures_wait_and_delays_no_other_product(
    first, second, deploy, judge, store, settings
):
    left, _, _ = deploy(first, "left"), deploy(second, "left"), deploy(second, "right")
    gone = deploy(first, "left")
    shutil.rmtree(settings.home / "bundles" / gone.bundle_sha256)
    receive(store, pack="parts", product="left", key="k", sha256="0" * 64, source="a test")
    receive(store, pack="parts", product="neither", key="n", sha256="1" * 64, source="a test")
    with working(store, settings):
        judge("right")
    assert waiting(store) == {("assess", "waiting"): 2, ("assess", "done"): 1}
    with pytest.raises(BundleError, match="has no bundle"):
        return_to(store, settings, "parts", "left", signed=ADA, number=left.number)


def test_a_bundle_given_to_a_worker_judges_what_has_no_deployment(
    first, second, deploy, judge, store, settings
):
    given = open_bundle(first, settings)
    right = deploy(second, "right")
    with working(store, settings, given):
        assert judge("right").bundle == right.bundle
        assert judge("elsewhere").bundle == given.label
    deploy(second, "")
    with pytest.raises(ConfigError, match="it would judge nothing"):
        Deployed(store, settings, [given])


def test_an_altered_bundle_a_foreign_policy_and_automatic_are_not_deployed(first, deploy, store):
    with pytest.raises(BundleError, match="has no policy 'other'"):
        deploy(first, "left", policy_id="other")
    with pytest.raises(ConfigError, match="evidence of what people have read"):
        deploy(first, "left", stage=Stage.AUTOMATIC)
    (first / "weights.safetensors").write_bytes(b"altered")
    with pytest.raises(BundleError):
        deploy(first, "left")
    assert Deployed(store, None).products("parts") == set()


def test_the_policy_of_a_deployment_stays_when_the_folder_is_certified_anew(
    first, deploy, judge, store, settings
):
    old = deploy(first, "")
    bundle = open_bundle(first, settings)
    assert policy_of(bundle).id == old.policy_id
    new = certify_above(bundle, Targets(escape=0.3, overkill=0.3))
    with working(store, settings):
        assert judge("left").policy_id == old.policy_id != new.id


def test_a_drawn_negative_is_replayed_and_a_draw_that_was_made_up_is_told_from_it(
    tiny_product, first, deploy, store, settings
):
    deploy(first, "left", audit_share=1.0)
    for path in tiny_product.pictures("test", "good"):
        (sha256,) = blobs.put_many(store.blobs, [path.read_bytes()])
        receive(store, pack="parts", product="left", key=sha256, sha256=sha256, source="a test")
    work_once(store, settings)
    negatives = decisions(store, disposition=Disposition.NEGATIVE)
    assert negatives
    assert {tuple(f.reason for f in one.findings) for one in negatives} == {(Reason.AUDIT,)}
    assert {one.audit_probability for one in negatives} == {1.0}
    assert replay(negatives[0].id, store, settings) == []
    with writing(store) as connection:
        connection.execute(text("UPDATE decisions SET audit_probability = 0.0"))
    assert replay(negatives[0].id, store, settings) == ["audit draw: True then, False now"]
