"""What a person keeps comes back to them, and to nobody else."""

from __future__ import annotations

from core.people import Person
from core.records import audit
from core.records.preferences import keep_preference, preference_of

ADA, BEN = Person.alone("Ada"), Person.alone("Ben")


def test_the_newest_value_of_a_person_comes_back(store):
    assert preference_of(store, "costs", ADA) == {}
    assert keep_preference(store, "costs", {"escape": 100.0}, by=ADA)
    assert keep_preference(store, "costs", {"escape": 250.5}, by=ADA)
    assert keep_preference(store, "costs", {"escape": 1.0}, by=BEN)
    assert keep_preference(store, "keys", {"pass": "q"}, by=ADA)
    assert preference_of(store, "costs", ADA) == {"escape": 250.5}
    assert preference_of(store, "costs", BEN) == {"escape": 1.0}


def test_what_is_kept_already_is_not_written_again(store):
    assert keep_preference(store, "costs", {"a": 1, "b": 2}, by=ADA)
    before = audit.head(store)
    assert not keep_preference(store, "costs", {"b": 2, "a": 1}, by=ADA)
    assert audit.head(store) == before


def test_nobody_keeps_nothing(store):
    assert not keep_preference(store, "costs", {"a": 1}, by=Person.alone(""))
    assert preference_of(store, "costs", Person.alone("")) == {}


def test_the_audit_log_covers_it(store, execute):
    keep_preference(store, "costs", {"a": 1}, by=ADA)
    assert audit.verify(store).faults == ()
    execute(store, "UPDATE preferences SET value = '{\"a\": 2}'")
    assert [fault.kind for fault in audit.verify(store).faults] == ["row edited"]
