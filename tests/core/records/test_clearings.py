"""A picture cleared on purpose differs from one that is lost, and the log goes on verifying."""

from __future__ import annotations

from contextlib import closing

import pytest

from core.errors import StoreError
from core.records import audit, blobs, pack_rows
from core.records.clearings import CLEARING, clear_pictures, finish_clearing, was_cleared
from core.records.intake import receive
from core.records.store import decisions, recorded_blobs
from core.records.values import now
from core.service.audit import check
from core.service.review.explanations import Explainer


def clear(store, *pictures, number=1):
    return clear_pictures(
        store, pictures, pack="parts", series="line", number=number, at=now(), reason="retention"
    )


@pytest.fixture
def pictures(store, assessment, keep):
    """Two pictures on record and on disk."""
    keep(store, assessment(b"one"), assessment(b"two"))
    return blobs.put_many(store.blobs, [b"one", b"two"])


def test_a_cleared_picture_is_no_fault_and_a_lost_one_is(store, settings, pictures):
    one, two = pictures
    assert clear(store, one) == [one]
    assert recorded_blobs(store) == [two]
    found = check(settings)
    assert (found.cleared, found.faults) == (1, ())
    with pytest.raises(StoreError, match="is missing"):
        blobs.get(store.blobs, one)
    blobs.remove_many(store.blobs, [two])  # behind the records' back
    assert check(settings).faults == (f"picture missing: {two}",)


def test_a_person_is_told_that_a_picture_was_cleared_and_not_to_look_for_a_backup(
    store, settings, pictures
):
    one, two = pictures
    clear(store, one)
    assert was_cleared(store, one)
    assert not was_cleared(store, two)
    by_picture = {decision.sha256: decision for decision in decisions(store)}
    with closing(Explainer(store, settings)) as explainer:
        with pytest.raises(StoreError, match="deleted by retention; its verdict stays"):
            explainer.received(by_picture[one])
        blobs.remove_many(store.blobs, [two])
        with pytest.raises(StoreError, match="missing from the store"):
            explainer.received(by_picture[two])


def test_the_clearing_itself_is_covered_by_the_log(store, settings, pictures, execute):
    clear(store, pictures[0])
    assert audit.verify(store).faults == ()
    execute(store, "UPDATE pack_rows SET body = '{\"pictures\": {}}' WHERE kind = 'clearing'")
    kinds = {fault.kind for fault in audit.verify(store).faults}
    assert kinds == {"row edited"}
    assert f"picture missing: {pictures[0]}" in check(settings).faults


def test_a_picture_that_something_else_points_at_stays(store, assessment, keep, pictures):
    one, two = pictures
    keep(store, assessment(b"one", group="another part"), name="again.png")
    assert clear(store, one, two) == [two]
    assert blobs.get(store.blobs, one) == b"one"
    assert set(recorded_blobs(store)) == {one}


def test_a_picture_that_was_received_and_receipted_stays(store, pictures):
    receive(store, pack="xray", key="1.2.3", sha256=pictures[0], source="peer")
    assert clear(store, *pictures) == [pictures[1]]
    assert recorded_blobs(store) == [pictures[0]]


def test_a_picture_that_comes_again_is_expected_again(store, settings, assessment, keep, pictures):
    one, _ = pictures
    clear(store, one)
    blobs.put_many(store.blobs, [b"one"])
    keep(store, assessment(b"one", group="another part"), name="again.png")
    assert one in recorded_blobs(store)
    finish_clearing(store, "parts", "line")  # it is not the clearing's any more
    assert check(settings).faults == ()
    blobs.remove_many(store.blobs, [one])
    assert check(settings).faults == (f"picture missing: {one}",)


def test_what_a_killed_process_left_undone_is_finished(store, pictures, monkeypatch):
    one, two = pictures

    def killed(root, names):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(blobs, "remove_many", killed)
        with pytest.raises(KeyboardInterrupt):
            clear(store, one)
    assert blobs.get(store.blobs, one) == b"one"  # on record, not deleted yet
    assert recorded_blobs(store) == [two]
    finish_clearing(store, "parts", "line")
    assert blobs.verify(store.blobs, recorded_blobs(store)) == blobs.BlobReport(1, (), ())


def test_nothing_is_recorded_where_nothing_goes(store):
    assert clear(store, "a" * 64) == []
    assert pack_rows.rows_of(store, "parts", CLEARING, "line") == []
    finish_clearing(store, "parts", "line")


def test_a_picture_that_cannot_be_deleted_is_an_error_with_a_way_out(store, pictures):
    one, _ = pictures
    path = store.blobs / one[:2] / one
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be deleted"):
        clear(store, one)
