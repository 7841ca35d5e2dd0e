"""Stages: one step up at a time, any step down at once, nothing forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from core.records import audit
from core.records.connection import writing
from core.records.deployment import Stage
from core.records.deployments import by_product, deploy, history, newest, stage_for, stage_of
from core.records.tables import DEPLOYMENTS

FIRST = {"by": "Grace", "evidence": {"reads": 12}, "bundle": "b@1", "policy_id": "p1"}
FIRST["bundle_sha256"] = "1" * 64


def test_a_site_stands_at_audit_until_somebody_releases_more(store):
    assert stage_of(store, "xray") is Stage.AUDIT
    deploy(store, "xray", "", Stage.SHADOW, **FIRST)
    assert stage_of(store, "xray") is Stage.SHADOW
    assert stage_of(store, "xray", "elsewhere") is Stage.AUDIT
    assert stage_of(store, "parts") is Stage.AUDIT


def test_a_release_comes_back_with_its_evidence_and_its_name(store):
    at = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    evidence = {"reads": 40, "agreement_low": 0.81, "escape_certified": True, "note": None}
    given_ = deploy(
        store, "xray", "North", Stage.SHADOW, by=" Grace ", evidence=evidence, bundle="b@1",
        bundle_sha256="1" * 64, policy_id="p1", at=at,
    )  # fmt: skip
    assert newest(store, "xray", "North") == given_
    assert (given_.deployed_by, given_.deployed_at, given_.evidence) == ("Grace", at, evidence)
    assert by_product(store, "xray") == {"North": given_}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=st.lists(st.sampled_from(Stage), max_size=6))
def test_no_way_up_leaves_out_a_step_and_every_way_down_is_open(sqlite_store, wanted):
    site = "|".join(wanted)
    stands = Stage.AUDIT
    start = len(history(sqlite_store, "xray", site))
    if start:
        return
    for stage in wanted:
        if stage.step > stands.step + 1:
            with pytest.raises(ConfigError, match="cannot be released"):
                deploy(sqlite_store, "xray", site, stage, **FIRST)
        else:
            deploy(sqlite_store, "xray", site, stage, **FIRST)
            stands = stage
        assert stage_of(sqlite_store, "xray", site) is stands


def test_another_bundle_starts_from_audit_and_another_policy_does_not(store):
    for stage in (Stage.SHADOW, Stage.SUPERVISED):
        deploy(store, "xray", "", stage, **FIRST)
    last = newest(store, "xray")
    assert stage_for(last, "b@1") is Stage.SUPERVISED
    assert stage_for(last, "b@2") is Stage.AUDIT
    with pytest.raises(ConfigError, match="stands at audit"):
        deploy(store, "xray", "", Stage.SUPERVISED, **{**FIRST, "bundle": "b@2"})
    renewed = deploy(store, "xray", "", Stage.SUPERVISED, **{**FIRST, "policy_id": "p2"})
    assert renewed.covers("b@1", "p2")
    assert not renewed.covers("b@1", "p1")


def test_nobody_releases_without_a_name(store):
    with pytest.raises(ConfigError, match="needs a name"):
        deploy(store, "xray", "", Stage.SHADOW, **{**FIRST, "by": "  "})
    assert history(store, "xray") == []


def test_the_newest_is_the_last_written_even_where_the_clock_was_set_back(store):
    late = datetime(2026, 11, 21, tzinfo=UTC)
    deploy(store, "xray", "", Stage.SHADOW, **FIRST, at=late)
    deploy(store, "xray", "", Stage.AUDIT, **FIRST, at=late - timedelta(days=1))
    assert stage_of(store, "xray") is Stage.AUDIT
    assert [one.stage for one in history(store, "xray")] == [Stage.AUDIT, Stage.SHADOW]


def test_an_edited_or_slipped_in_release_is_found(store):
    deploy(store, "xray", "", Stage.SHADOW, **FIRST)
    assert audit.verify(store).faults == ()
    with writing(store) as connection:
        connection.execute(DEPLOYMENTS.update().values(stage=Stage.AUTOMATIC.value))
    assert [fault.kind for fault in audit.verify(store).faults] == ["row edited"]


def test_every_stage_knows_the_one_above():
    assert [stage.above for stage in Stage] == [*list(Stage)[1:], None]
    assert Stage("audit") is Stage.AUDIT
