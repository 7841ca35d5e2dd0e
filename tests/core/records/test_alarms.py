"""Alarms are on record, people take note of them, and a voided policy does not come back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import ConfigError, PermissionDenied, StoreError
from core.people import Person, Role
from core.records import alarms, audit, deployments
from core.records.alarms import MonitorAlarm
from core.records.connection import writing
from core.records.voided import refuse_same_cases, voided_since

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
ADA = Person("ada", "Ada", Role.REVIEWER)
SHA = "1" * 64


def deploy(store, policy, product="left"):
    return deployments.deploy(
        store, "parts", product, bundle="b@1", bundle_sha256=SHA, policy_id=policy, by="Grace"
    )


def raise_alarm(store, epoch, *, product="left", kind="escapes", suspended="", **given):
    with writing(store) as connection:
        new = MonitorAlarm(
            number=alarms.newest_number(connection) + 1, pack="parts", product=product,
            bundle="b@1", bundle_sha256=SHA, policy_id="p1", epoch_id=epoch, kind=kind, source="",
            sentence="Escapes above 5 %.", evidence={"suspended_policy": suspended},
            deployment_id=suspended and deploy_id(connection, product), raised_at=AT, **given,
        )  # fmt: skip
        alarms.write(connection, new)
    return new


def deploy_id(connection, product):
    from core.records.deployment_rows import history_of

    return history_of(connection, "parts", product)[0].id


def test_an_alarm_comes_back_as_it_was_written_and_with_its_notes(store):
    epoch = deploy(store, "p1")
    made = raise_alarm(store, epoch.id)
    assert alarms.list_alarms(store) == alarms.list_alarms(store, "parts") == [made]
    assert alarms.list_alarms(store, "xray") == []
    alarms.take_note(store, made.id, by=ADA, comment="Lamp replaced.", at=AT)
    ((note,),) = [one.notes for one in alarms.list_alarms(store)]
    assert (note.by, note.comment, note.at) == ("ada", "Lamp replaced.", AT)
    assert audit.verify(store).faults == ()


def test_who_may_not_review_takes_no_note_and_nobody_does_of_what_is_not_there(store):
    made = raise_alarm(store, deploy(store, "p1").id)
    with pytest.raises(PermissionDenied):
        alarms.take_note(store, made.id, by=Person("v", "V", Role.VIEWER))
    with pytest.raises(StoreError, match="no alarm"):
        alarms.take_note(store, "f" * 20, by=ADA)


def test_one_that_voids_stands_until_another_policy_is_in_force_whoever_takes_note(store):
    epoch = deploy(store, "p1")
    deploy(store, "s1")
    made = raise_alarm(store, epoch.id, suspended="s1")
    warning = raise_alarm(store, epoch.id, kind="drift")

    def standing():
        found = alarms.standing(alarms.list_alarms(store), deployments.all_in_force(store))
        return [one.id for one in found]

    assert standing() == [warning.id, made.id]
    for one in (made, warning):
        alarms.take_note(store, one.id, by=ADA)
    assert standing() == [made.id]
    deploy(store, "p2")
    assert standing() == []


def test_a_voided_policy_comes_back_neither_by_deploying_it_nor_by_taking_back(store):
    epoch = deploy(store, "p1")
    deploy(store, "s1")
    raise_alarm(store, epoch.id, suspended="s1")
    with pytest.raises(ConfigError, match="voided the certificate"):
        deploy(store, "p1")
    with pytest.raises(ConfigError, match="voided the certificate"):
        deployments.take_back(store, "parts", "left", by="Grace")
    assert deployments.newest(store, "parts", "left").policy_id == "s1"
    assert deploy(store, "p1", "right").policy_id == "p1"
    assert deploy(store, "p2").policy_id == "p2"


def test_what_voids_the_policy_of_every_product_voids_it_for_each(store):
    epoch = deploy(store, "p1", "")
    deploy(store, "s1", "")
    raise_alarm(store, epoch.id, product="", suspended="s1")
    with pytest.raises(ConfigError, match="voided the certificate"):
        deploy(store, "p1", "left")


def test_an_earlier_policy_of_the_bundle_does_not_come_back_but_another_bundle_does(store):
    for number, sha in ((1, SHA), (2, "2" * 64), (3, SHA)):
        deployments.deploy(
            store, "parts", "left", bundle="b@1", bundle_sha256=sha, policy_id=f"p{number}",
            by="Grace",
        )  # fmt: skip
    epoch = deployments.newest(store, "parts", "left")
    deploy(store, "s1")
    raise_alarm(store, epoch.id, suspended="s1")
    with pytest.raises(ConfigError, match="voided the certificate"):
        deployments.take_back(store, "parts", "left", by="Grace", number=1)
    back = deployments.take_back(store, "parts", "left", by="Grace", number=2)
    assert back.bundle_sha256 == "2" * 64


def test_policies_on_the_very_cases_of_a_voided_one_are_refused(store):
    epoch = deploy(store, "p1")
    deploy(store, "s1")
    assert voided_since(store, "parts", "left", SHA) is None
    raise_alarm(store, epoch.id, suspended="s1")
    assert voided_since(store, "parts", "left", SHA) == AT
    with pytest.raises(ConfigError, match="rests on the same cases as p1"):
        refuse_same_cases(store, "parts", "left", SHA, "p2", "")
    refuse_same_cases(store, "parts", "left", SHA, "p2", "reviewed since")
    refuse_same_cases(store, "parts", "right", SHA, "p2", "")


def test_what_voids_nothing_keeps_no_policy_away(store):
    epoch = deploy(store, "p1")
    raise_alarm(store, epoch.id, kind="drift")
    assert deploy(store, "p1").policy_id == "p1"
