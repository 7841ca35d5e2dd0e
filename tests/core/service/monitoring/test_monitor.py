"""A worker judges, people read, an alarm suspends the certificate, and another one restores it."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace

import pytest

from core.errors import ConfigError, DataError, PermissionDenied
from core.people import Person, Role
from core.records import alarms, audit, blobs, deployments, reviews
from core.records.case_list import list_cases
from core.records.connection import reading, writing
from core.records.intake import receive
from core.records.monitor_states import read_state
from core.records.store import decisions
from core.records.tables import MONITOR_STATES
from core.service.assessment.replay import replay
from core.service.bundles.archive import keep
from core.service.bundles.deployments import Deployed, Signed, deploy_bundle, return_to
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.monitoring.monitor import Monitor, raise_alarm, watched
from core.service.monitoring.scopes import read_policy, scopes_of
from core.service.monitoring.signals import Signal
from core.service.recertify.proposals import release
from core.service.recertify.recertify import propose_recertified, recertify
from core.types import Disposition, Reason, Targets
from tests.conftest import draw_plates
from tests.core.jobs.running import until, work_once, working
from tests.core.records.conftest import ENGINES, empty_store

LANES = ["assess", "review"]
FOLLOWED_S = 2.0
"""By then everything that judges follows a deployment."""

ADA, GRACE = (Person(f"id-{name}", name, Role.LEAD) for name in ("Ada", "Grace"))


@pytest.fixture(params=ENGINES)
def settings(request, tiny_product, tmp_path):
    url = empty_store(request.param)
    return tiny_product.settings_at(tmp_path / "home", store_url=url)


@pytest.fixture
def bundle(tiny_product, settings, tmp_path):
    """A bundle of its own: certifying it anew must not change that of others."""
    return open_bundle(shutil.copytree(tiny_product.bundle, tmp_path / "bundle"), settings)


@pytest.fixture
def deployed(bundle, store, settings):
    """All automatic negatives are audited."""
    return deploy_bundle(
        bundle.path, store, settings, product="left", signed=Signed(GRACE), audit_share=1.0
    )


@pytest.fixture
def send(tiny_product, store):
    """Send good plates, each under a name of its own: of one picture there are many copies."""
    goods = tiny_product.pictures("test", "good")

    def call(first, last, pictures=goods, good=goods):
        truth = {}
        for number in range(first, last):
            path = pictures[number % len(pictures)]
            data = path.read_bytes() + bytes([number])
            is_good = path in good
            truth[f"plate-{number}"] = Disposition.NEGATIVE if is_good else Disposition.POSITIVE
            (sha256,) = blobs.put_many(store.blobs, [data])
            receive(
                store, pack="parts", product="left", key=f"plate-{number}", sha256=sha256,
                source="camera:top", meta={"group": f"plate-{number}"},
            )  # fmt: skip
        return truth

    return call


@pytest.fixture
def other_plates(tmp_path):
    """Plates that nobody has seen, one picture of each, every second one scratched."""
    draw_plates(tmp_path / "others", seed=11, counts={"test": 90})
    return [tmp_path / f"others/images/test-{number:02}a.png" for number in range(90)]


def read_audited(store, answer):
    """Read everything that waits and was called negative; gives how many."""
    waiting = [
        one.item for one in list_cases(store, "parts")
        if one.item.disposition is Disposition.NEGATIVE
    ]  # fmt: skip
    for item in waiting:
        assert reviews.review(store, item, answer, reviewer="ada")
    return len(waiting)


def newest(store):
    return decisions(store, pack="parts", limit=1)[0]


def test_audited_escapes_stop_automatic_negatives_and_nothing_known_before_restores_them(
    deployed, store, settings, send, bundle
):
    send(0, 12)
    with working(store, settings, lanes=LANES):
        until(lambda: len(decisions(store)) == 12)
        assert read_audited(store, Disposition.POSITIVE) >= 10
        until(lambda: alarms.list_alarms(store))
        (alarm,) = alarms.list_alarms(store)
        until(lambda: Deployed(store, settings).judge_of("parts", "left").policy.suspended)
        time.sleep(FOLLOWED_S)
        send(12, 13)
        until(lambda: len(decisions(store)) == 13)
    found = newest(store)
    assert found.disposition is Disposition.DEFER
    assert [one.reason for one in found.findings] == [Reason.NOT_CERTIFIED]
    assert "Too many escapes" in found.message
    assert alarm.id[:8] in found.message
    assert replay(found.id, store, settings) == []

    assert (alarm.kind, alarm.product, alarm.policy_id) == ("escapes", "left", deployed.policy_id)
    # The monitor may have had enough before the last of them was read.
    assert 3 <= alarm.evidence["escapes"] == alarm.evidence["found"] <= 12
    assert alarm.evidence["value"] == 1.0
    assert audit.verify(store).faults == ()

    alarms.take_note(store, alarm.id, by=ADA)
    assert len(alarms.standing(alarms.list_alarms(store), deployments.all_in_force(store))) == 1
    with pytest.raises(ConfigError, match="alarm has voided"):
        deploy_bundle(bundle.path, store, settings, product="left", signed=Signed(GRACE))
    assert newest(store).disposition is Disposition.DEFER

    # Other targets on the same cases show nothing new.
    certify_bundle(bundle, Targets(escape=0.19, overkill=0.2))
    with pytest.raises(ConfigError, match="rests on the same cases"):
        deploy_bundle(bundle.path, store, settings, product="left", signed=Signed(GRACE))


def test_a_policy_certified_on_cases_read_since_the_alarm_restores_it(
    deployed, store, settings, send, bundle, other_plates
):
    (scope,) = scopes_of(store, settings)
    signal = Signal("ood", "", "The lamp was replaced.", {"pictures": []})
    alarm = raise_alarm(store, settings, scope, signal, voids=True)
    with pytest.raises(DataError, match="still to come"):
        recertify(store, settings, bundle, Targets(escape=0.3, overkill=0.3), "left")

    truth = send(0, 90, other_plates, good=other_plates[::2])
    work_once(store, settings, lanes=LANES)
    assert {one.disposition for one in decisions(store)} <= {
        Disposition.DEFER, Disposition.POSITIVE,
    }  # fmt: skip
    for one in list_cases(store, "parts"):
        assert reviews.review(store, one.item, truth[one.item.key], reviewer="id-Rob")

    found = recertify(store, settings, bundle, Targets(escape=0.3, overkill=0.3), "left")
    assert found.collected.since == alarm.raised_at
    assert found.policy.escape.certified, found.policy.escape
    before = read_policy(bundle.sha256, deployed.policy_id, settings)
    proposal = propose_recertified(store, settings, bundle, before, found, "left", by=ADA)
    with pytest.raises(PermissionDenied):
        release(store, settings, proposal, by=ADA)
    release(store, settings, proposal, by=GRACE)
    assert alarms.standing(alarms.list_alarms(store), deployments.all_in_force(store)) == []
    send(90, 98)
    work_once(store, settings, lanes=LANES)
    assert Disposition.NEGATIVE in {one.disposition for one in decisions(store, limit=8)}
    with pytest.raises(ConfigError, match="voided the certificate"):
        return_to(store, settings, "parts", "left", signed=Signed(GRACE), number=deployed.number)
    assert audit.verify(store).faults == ()


def test_copies_of_one_picture_that_passed_are_one_escape(
    deployed, store, settings, send, tiny_product
):
    (good,) = tiny_product.pictures("test", "good")[:1]
    send(0, 30, [good])
    work_once(store, settings, lanes=LANES)
    assert read_audited(store, Disposition.POSITIVE) == 30
    work_once(store, settings, lanes=LANES)
    (one,) = watched(store, settings, "parts")
    assert (one.escapes.estimate.escapes, one.escapes.estimate.found) == (1, 1)
    assert len(one.escapes.pictures) == 1
    assert alarms.list_alarms(store) == []


def test_negatives_that_people_agree_with_raise_nothing_and_are_counted(
    deployed, store, settings, send
):
    send(0, 8)
    work_once(store, settings, lanes=LANES)
    audited = read_audited(store, Disposition.NEGATIVE)
    work_once(store, settings, lanes=LANES)
    (one,) = watched(store, settings, "parts")
    assert alarms.list_alarms(store) == []
    assert one.audited == audited > 0
    assert (one.escapes.estimate.escapes, one.escapes.estimate.found) == (0, 0)
    assert one.state.ood.steps == 8
    assert one.state.streams.keys() == {"camera:top"}
    assert {"brightness", "saturation", "entropy", "size"} <= one.state.streams["camera:top"].keys()


def test_the_state_is_a_function_of_the_rows(deployed, store, settings, send):
    for first in (0, 3):
        send(first, first + 3)
        work_once(store, settings, lanes=LANES)
    (one,) = watched(store, settings, "parts")
    with writing(store) as connection:
        connection.execute(MONITOR_STATES.delete())
    while Monitor(store, settings).turn():
        pass
    (again,) = watched(store, settings, "parts")
    assert replace(again.state, points=()) == replace(one.state, points=())


def test_two_monitors_of_one_store_count_every_picture_once(deployed, store, settings, send):
    send(0, 6)
    work_once(store, settings, lanes=LANES)
    with writing(store) as connection:
        connection.execute(MONITOR_STATES.delete())
    both = [Monitor(store, settings) for _ in range(2)]
    while sum(one.turn() for one in both):
        pass
    (found,) = watched(store, settings, "parts")
    assert found.state.ood.steps == 6


def test_a_bundle_that_a_worker_was_given_is_watched_and_suspended_too(
    bundle, store, settings, send
):
    keep(bundle, certify_bundle(bundle, Targets(escape=0.2, overkill=0.2)), settings)
    send(0, 12)
    work_once(store, settings, bundle, lanes=LANES)
    found = watched(store, settings, "parts")
    assert [one.scope.deployment for one in found] == [None]
    with reading(store) as connection:
        assert json.loads(read_state(connection, found[0].scope.epoch_id))["seq"] == 12


def test_the_suspended_policy_in_the_archive_says_why(deployed, store, settings, send):
    send(0, 12)
    work_once(store, settings, lanes=LANES)
    read_audited(store, Disposition.POSITIVE)
    work_once(store, settings, lanes=LANES)
    (alarm,) = alarms.list_alarms(store)
    in_force = deployments.newest(store, "parts", "left")
    assert in_force.policy_id == alarm.evidence["suspended_policy"]
    assert (in_force.deployed_by, in_force.evidence) == ("assay", {"alarm": alarm.id})
    policy = Deployed(store, settings).judge_of("parts", "left").policy
    assert policy.suspended.startswith(alarm.sentence)
    assert policy.t_pos is not None
    assert watched(store, settings, "parts") == []
