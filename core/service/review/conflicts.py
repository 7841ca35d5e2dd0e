"""Deciding which of two objects of one name stands."""

from __future__ import annotations

from core.people import Person, Role
from core.records import quarantine
from core.records.connection import Store


def take_new(store: Store, receipt_id: str, *, by: Person) -> bool:
    """Return whether a lead let an object stand in the place of the one of its name.

    Raises:
        PermissionDenied: The person may not.
        StoreError: There is no such receipt, or the database failed.
    """
    by.require(Role.LEAD, "decide which of two objects stands")
    return quarantine.accept(store, receipt_id, by=by.id)


def keep_first(store: Store, receipt_id: str, *, by: Person) -> bool:
    """Return whether a lead ended a conflict with the object that stands left standing.

    Raises:
        PermissionDenied: The person may not.
        StoreError: There is no such receipt, or the database failed.
    """
    by.require(Role.LEAD, "decide which of two objects stands")
    return quarantine.decline(store, receipt_id, by=by.id)
