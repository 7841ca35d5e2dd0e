"""Who gets an alarm: a web hook, an MQTT broker and mailboxes, through the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from core.packs import MessageOutput
from core.records import outbox
from core.records.alarms import MonitorAlarm
from core.records.values import stamp
from core.settings import Settings

_URGENT = 1000

OUTPUTS: Mapping[str, MessageOutput] = {
    one.name: one
    for one in (
        MessageOutput("alarm.webhook", "core.service.delivery.alarm_senders:post", False),
        MessageOutput("alarm.mqtt", "core.service.delivery.alarm_senders:publish", False),
        MessageOutput("alarm.mail", "core.service.delivery.alarm_senders:mail", False),
    )
}
"""The ways out of an alarm, by name."""


def body_of(alarm: MonitorAlarm) -> dict[str, Any]:
    """Return what a receiver gets, as JSON; the same however often it is sent."""
    return {
        "id": alarm.id,
        "kind": alarm.kind,
        "pack": alarm.pack,
        "product": alarm.product,
        "bundle": alarm.bundle,
        "policy": alarm.policy_id,
        "is_voiding": alarm.is_voiding,
        "sentence": alarm.sentence,
        "raised_at": stamp(alarm.raised_at),
    }


def put_messages(connection: Connection, alarm: MonitorAlarm, settings: Settings) -> None:
    """Put an alarm into the outbox for everyone who is to know, in the caller's transaction."""
    receivers = {
        "alarm.webhook": [settings.alarm_webhook],
        "alarm.mqtt": [settings.alarm_mqtt],
        "alarm.mail": settings.alarm_mail.split(","),
    }
    for output, addresses in receivers.items():
        for address in filter(None, (one.strip() for one in addresses)):
            outbox.put(
                connection,
                output,
                alarm.id,
                pack=alarm.pack,
                subject=alarm.id,
                body=body_of(alarm),
                at=alarm.raised_at,
                receiver=address if output == "alarm.mail" else "",
                priority=_URGENT,
            )
