"""A station lets no part through once an alarm has suspended the policy that it judges by."""

from __future__ import annotations

import pytest

from core.records import alarms, deployments
from core.service.monitoring.monitor import raise_alarm
from core.service.monitoring.scopes import scopes_of
from core.service.monitoring.signals import Signal
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.faults.rig import PRODUCT
from domains.parts.station.judging.judges import Judges
from tests.core.jobs.running import until

SIGNAL = Signal("ood", "", "Pictures look less like those of the certificate.", {"pictures": []})


@pytest.fixture
def settings(rig_home):
    return Settings(home=rig_home)


def test_the_station_judges_by_the_suspended_policy_without_a_restart(settings):
    store = open_store(settings)
    judges = Judges(store, settings)
    judges.prepare(PRODUCT)
    judges.start()
    try:
        before = judges.get(PRODUCT)
        assert before.policy.has_negatives
        (scope,) = (one for one in scopes_of(store, settings) if one.rows.product == PRODUCT)
        alarm = raise_alarm(store, settings, scope, SIGNAL, voids=True)
        until(lambda: judges.get(PRODUCT).policy.suspended, 30)
        after = judges.get(PRODUCT)
        assert not after.policy.has_negatives
        assert after.policy.id == deployments.newest(store, "parts", PRODUCT).policy_id
        assert after.policy.has_positives == before.policy.has_positives
        # The same assessor goes on: nothing is opened anew in the middle of a shift.
        assert after.assessor is before.assessor
        assert [one.id for one in alarms.list_alarms(store)] == [alarm.id]
    finally:
        judges.close()
        store.close()
