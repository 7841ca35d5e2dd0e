"""What the pages say of alarms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.records.alarms import AlarmNote, MonitorAlarm
from dashboard.present import alarms

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
ALARM = MonitorAlarm(
    1, "parts", "left", "b@1", "1" * 64, "p1", "e", "escapes", "", "Too many.", {}, "d", AT
)


def test_the_banner_names_the_worst_alarm_and_counts_the_others():
    drift = replace(ALARM, kind="drift", deployment_id="", product="right")
    assert alarms.describe_banner([]) == ""
    both = alarms.describe_banner([drift, ALARM])
    assert both.startswith("Alarm for parts left: escapes. Nothing passes without a person")
    assert both.endswith("1 more.")
    assert alarms.describe_banner([drift]).endswith("The certificate stands.")


def test_a_note_stands_under_the_alarm_that_it_is_of():
    noted = replace(ALARM, notes=(AlarmNote("Ada", "Lamp.", AT),))
    assert "Taking note does not bring it back." in alarms.describe_alarm(ALARM)
    assert alarms.describe_alarm(noted).endswith(": Lamp.")
