"""A stage is released on what the store says, whoever calls."""

from dataclasses import replace

import pytest

from core.decision.certificate import upper_bound
from core.errors import ConfigError
from core.people import Person
from core.records import deployments
from core.records.deployment import Stage
from core.service.review import autonomy
from core.types import Certificate, Policy, Targets
from domains.xray import pack
from domains.xray.worklist.rules import RULES

NONE = (0.0, 0.0, 1.0, 0)


def a_side(kind: str, k: int, n: int) -> Certificate:
    return Certificate(kind, 0.05, 0.95, n, k, upper_bound(k, n, 0.95), True, 0.2, 12, 0.05)


POLICY = Policy(
    "b@1", Targets(), 0.2, 0.8, a_side("escape", 0, 60), a_side("overkill", 0, 60), NONE, NONE, 0.0
)


@pytest.fixture
def release(store):
    def call(stage: Stage, policy: Policy | None = POLICY):
        return autonomy.release(
            store,
            pack,
            RULES,
            "North",
            stage,
            by=Person.alone("Ada"),
            bundle="b@1",
            bundle_sha256="1" * 64,
            policy_id=POLICY.id,
            policy=policy,
        )

    return call


def test_automatic_is_refused_without_reads_whatever_the_certificate_says(store, release):
    release(Stage.SHADOW)
    one = release(Stage.SUPERVISED)
    assert (one.evidence["reads"], one.evidence["escape_certified"]) == (0, True)
    with pytest.raises(ConfigError, match="0 of at least 100 cases were read since supervised"):
        release(Stage.AUTOMATIC)
    assert deployments.stage_of(store, "xray", "North") is Stage.SUPERVISED
    assert release(Stage.AUDIT).stage is Stage.AUDIT


@pytest.mark.parametrize("policy", [None, replace(POLICY, t_neg=0.3)], ids=["none", "another"])
def test_automatic_is_refused_where_the_policy_is_not_the_one_that_is_named(
    store, release, monkeypatch, policy
):
    monkeypatch.setattr(autonomy, "missing_evidence", lambda pack, stage, evidence: "")
    release(Stage.SHADOW)
    release(Stage.SUPERVISED)
    with pytest.raises(ConfigError, match="Its policy is not at hand"):
        release(Stage.AUTOMATIC, policy)
    assert release(Stage.AUTOMATIC).stage is Stage.AUTOMATIC
