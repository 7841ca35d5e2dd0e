"""What judges a site now, whatever another site's newest verdict was made by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.records import deployments
from core.records.deployment import Stage
from core.records.store import new_decision, record
from core.service.review.in_use import InUse, in_use_at, products_in_use
from tests.core.records.conftest import an_assessment

OLD, NEW = InUse("old@1", "1" * 64, "p1"), InUse("new@2", "2" * 64, "p2")


@pytest.fixture
def judge(store):
    def call(product, used):
        one = an_assessment(f"{product} {used.bundle}".encode())
        made = replace(
            one.provenance, bundle=used.bundle, bundle_sha256=used.bundle_sha256,
            policy_id=used.policy_id,
        )  # fmt: skip
        new = new_decision(replace(one, provenance=made), pack="xray", name="a", product=product)
        record(store, [new])

    return call


def deploy(store, product, used):
    deployments.deploy(
        store, "xray", product, Stage.SHADOW, by="Ada", bundle=used.bundle,
        bundle_sha256=used.bundle_sha256, policy_id=used.policy_id,
    )  # fmt: skip


def test_without_deployments_each_product_has_its_own_newest_verdict(store, judge):
    assert in_use_at(store, "xray", "North") is None
    judge("North", OLD)
    judge("South", NEW)
    assert (in_use_at(store, "xray", "North"), in_use_at(store, "xray", "South")) == (OLD, NEW)
    judge("North", NEW)
    assert in_use_at(store, "xray", "North") == NEW
    assert products_in_use(store, "xray") == {"North": NEW, "South": NEW}
    assert products_in_use(store, "parts") == {}


def test_what_is_deployed_is_in_use_before_it_has_judged_anything(store, judge):
    judge("North", OLD)
    deploy(store, "North", NEW)
    deploy(store, "West", OLD)
    assert in_use_at(store, "xray", "North") == NEW
    assert products_in_use(store, "xray") == {"North": NEW, "West": OLD}


def test_a_site_that_files_alone_name_is_judged_as_what_has_no_product(store, judge):
    judge("", OLD)
    judge("South", NEW)
    assert in_use_at(store, "xray", "General Hospital") == OLD
    deploy(store, "General Hospital", OLD)  # a stage that a person released there
    judge("", NEW)
    assert in_use_at(store, "xray", "General Hospital") == NEW
    deploy(store, "", OLD)
    assert in_use_at(store, "xray", "General Hospital") == OLD
    assert in_use_at(store, "xray", "South") == OLD
