"""Events of the audit log in plain words."""

import pytest

from core.records.audit_search import AuditEvent
from core.records.audit_tables import COVERED
from core.service.audit_text import describe_counts


@pytest.mark.parametrize("table", [one.name for one in COVERED])
def test_every_table_that_is_audited_has_a_name_in_plain_words(table):
    event = AuditEvent(1, "2026-11-30T12:00:00", "Ada", "", "", "", "", {table: ("a", "b")}, ())
    assert f"rows of {table}" not in describe_counts(event)
