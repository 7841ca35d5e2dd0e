"""Anchors: the newest event noted in a file outside, and a log held against them."""

import hashlib
import json
import shutil
import sqlite3
from threading import Event as Flag

import pytest

from core.errors import ConfigError
from core.jobs.worker import work
from core.records import audit, pack_rows
from core.records.connection import writing
from core.records.pack_rows import PackRow
from core.records.values import now
from core.service import anchors
from core.service.anchors import check_anchors, note_anchor, note_now, read_anchors
from core.service.audit import check
from core.service.store import open_store
from core.settings import Settings
from tests.commands import run_assay


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", anchor_file=str(tmp_path / "away" / "anchors"))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "away" / "anchors"


@pytest.fixture
def write(store):
    numbers = iter(range(1, 100))

    def _write(count=1):
        for _ in range(count):
            row = PackRow("parts", "note", "s", next(numbers), now())
            with writing(store) as connection:
                pack_rows.add(connection, [row], actor="Ada")

    return _write


def rewrite(settings, seq):
    """Change an event and hash all that follow anew, as who keeps the database could."""
    database = sqlite3.connect(settings.home / "assay.sqlite")
    database.row_factory = sqlite3.Row
    previous = "0" * 64
    for event in database.execute("SELECT * FROM audit_events ORDER BY seq").fetchall():
        content = {n: event[n] for n in ("seq", "at", "actor", "action", "subject", "detail")}
        if event["seq"] >= seq:
            content["actor"] = "Eve"
            body = json.dumps(content, sort_keys=True, separators=(",", ":"))
            own = hashlib.sha256((previous + body).encode()).hexdigest()
            database.execute(
                "UPDATE audit_events SET actor='Eve', previous=?, hash=? WHERE seq=?",
                (previous, own, event["seq"]),
            )
            previous = own
        else:
            previous = event["hash"]
    database.commit()
    database.close()


def test_the_newest_event_is_noted_once_and_only_added(store, file, write):
    assert note_anchor(store, file) is None  # nothing has happened yet
    write()
    first = note_anchor(store, file)
    assert note_anchor(store, file) is None
    write(3)
    second = note_anchor(store, file)

    assert [one.head for one in read_anchors(file)] == [first, second]
    assert (first.seq, second.seq) == (1, 4)
    assert second == audit.head(store)
    assert file.read_text().splitlines()[1].startswith(f"4:{second.hash} 20")


def test_a_history_made_up_anew_lacks_the_anchor(store, settings, file, write):
    write(2)
    good = note_anchor(store, file)
    write(3)
    broken = note_anchor(store, file)
    assert check(settings).faults == ()

    rewrite(settings, 4)

    status = check_anchors(store, file)
    assert (status.broken.head, status.verified.head, status.count) == (broken, good, 2)
    assert check(settings).faults == (f"head differs: audit_events {broken.seq}",)
    assert check(settings.model_copy(update={"anchor_file": ""})).faults == ()


def test_a_cut_off_tail_lacks_the_anchor(store, settings, file, write, tmp_path):
    write(2)
    earlier = tmp_path / "earlier.sqlite"
    store.close()
    shutil.copy(settings.home / "assay.sqlite", earlier)
    write(1)
    note_anchor(store, file)
    store.close()
    for name in ("assay.sqlite-wal", "assay.sqlite-shm"):
        (settings.home / name).unlink(missing_ok=True)
    shutil.copy(earlier, settings.home / "assay.sqlite")

    again = open_store(settings)
    status = check_anchors(again, file)
    assert (status.newest.seq, status.broken.head.seq, status.verified) == (2, 3, None)
    again.close()


def test_a_worker_notes_the_newest_event(store, settings, file, write):
    write(2)
    work([], store, settings, stop=Flag(), once=True, lanes=["deliver"])
    assert [one.head for one in read_anchors(file)] == [audit.head(store)]


def test_a_worker_goes_on_where_the_file_cannot_be_written(store, settings, file, write, caplog):
    write()
    file.mkdir(parents=True)
    work([], store, settings, stop=Flag(), once=True, lanes=["deliver"])
    assert any(record.getMessage().startswith('{"event": "not kept"') for record in caplog.records)


def test_a_file_in_the_home_folder_or_none_is_refused(settings, tmp_path):
    inside = settings.model_copy(update={"anchor_file": str(tmp_path / "home" / "x")})
    with pytest.raises(ConfigError, match="lies inside the home folder"):
        anchors.anchor_file(inside)
    with pytest.raises(ConfigError, match="No anchor file is set"):
        note_now(settings.model_copy(update={"anchor_file": ""}))


def test_the_command_notes_and_verify_compares(store, settings, file, write):
    write(2)
    away = {"ASSAY_ANCHOR_FILE": str(file)}
    noted = run_assay("audit", "anchor", home=settings.home, environment=away)
    assert noted.stdout == f"Noted {audit.head(store)}.\n"
    run_assay("audit", "verify", home=settings.home, environment=away)
    rewrite(settings, 1)
    found = run_assay("audit", "verify", home=settings.home, environment=away, code=1)
    assert "head differs: audit_events 2" in found.stdout
    run_assay("audit", "verify", home=settings.home)
    listed = run_assay("audit", "verify", "--heads", file, home=settings.home, code=1)
    assert "head differs: audit_events 2" in listed.stdout


def test_heads_are_read_a_line_each_whatever_editor_wrote_them(tmp_path):
    lines = f"\ufeff1:{'a' * 64}\r\n2:{'b' * 64} by hand\r\n"
    (tmp_path / "heads").write_bytes(lines.encode())

    found = read_anchors(tmp_path / "heads")

    assert [(str(one.head), one.at) for one in found] == [
        (f"1:{'a' * 64}", ""),
        (f"2:{'b' * 64}", ""),
    ]


@pytest.mark.parametrize("data", [b"\x89PNG", b"1:aa"])
def test_a_file_of_heads_that_cannot_be_read_is_refused(tmp_path, data):
    (tmp_path / "heads").write_bytes(data)

    with pytest.raises(ConfigError, match=r"it is no text|NUMBER:HASH with 64 hex digits"):
        read_anchors(tmp_path / "heads")
