"""A backup made while others write, and what comes back from it, on both engines."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.errors import ConfigError, PermissionDenied, StoreError
from core.people import Person, Role
from core.records import audit, blobs
from core.records.clearings import clear_pictures
from core.records.connection import open_store
from core.records.store import decisions, new_decision, record, recorded_blobs
from core.records.values import now
from core.service.anchors import note_anchor
from core.service.audit import check
from core.service.storage.backup import backup_store, restore_store
from core.service.store import open_store as open_own_store
from core.settings import Settings
from tests.commands import run_assay
from tests.core.records.conftest import ENGINES, POSTGRES, an_assessment, emptied

ADMIN = Person("a", "Ada", Role.ADMIN)


@pytest.fixture(params=ENGINES)
def settings(request, tmp_path):
    url = POSTGRES if request.param == "postgresql" else ""
    if url:
        emptied(url)
    return Settings(home=tmp_path / "home", store_url=url)


def add(store, first, last):
    contents = [b"picture %d" % n for n in range(first, last)]
    blobs.put_many(store.blobs, contents)
    record(store, [new_decision(an_assessment(c), pack="parts", name="a") for c in contents])


@pytest.fixture
def filled(store, settings):
    add(store, 0, 20)
    bundle = settings.home / "bundles" / "abc" / "bundle.json"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("{}")
    (settings.home / "results.key").write_bytes(b"secret")
    (settings.home / "results.key").chmod(0o600)
    (settings.home / "cache").mkdir()
    (settings.home / "cache" / "large").write_text("x")
    return store


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "backup"


def back_up(folder, settings):
    return backup_store(folder, settings, by=ADMIN)


def elsewhere(settings, tmp_path, **changed):
    """Give an empty home on the same engine."""
    if settings.store_url:
        emptied(settings.store_url)
    return settings.model_copy(update={"home": tmp_path / "again", **changed})


def test_what_comes_back_is_what_was_there(filled, settings, folder, tmp_path):
    before, head = decisions(filled), audit.head(filled)

    made = back_up(folder, settings)
    filled.close()
    again = elsewhere(settings, tmp_path)
    back, remarks = restore_store(folder, again, by=ADMIN)

    assert (made.head, made.pictures, made.faults) == (str(head), 20, ())
    assert (back, remarks) == (made, [])
    store = open_own_store(again)
    assert decisions(store) == before
    assert check(again).faults == ()
    store.close()
    assert (again.home / "bundles" / "abc" / "bundle.json").read_text() == "{}"
    assert (again.home / "results.key").stat().st_mode & 0o777 == 0o600
    assert not (again.home / "cache").exists()
    assert sorted(one.name for one in folder.iterdir()) == [
        "assay.sqlite", "blobs", "bundles", "results.key",
    ]  # fmt: skip


@pytest.fixture
def writer(settings):
    """Record pictures until the test ends; gives the process once it is under way."""
    script = Path(__file__).parents[2] / "records" / "ingest.py"
    where = settings.store_url or str(settings.home / "assay.sqlite")
    with subprocess.Popen(
        [sys.executable, str(script), where, str(settings.blobs), "100", "1000000"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(script.parent), os.getcwd()])},
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        # Its output is read, else it would stop once the pipe is full.
        reader = threading.Thread(target=process.stdout.read)
        reader.start()
        yield process
        process.kill()
        reader.join()


def test_a_backup_made_while_others_write_has_no_row_without_its_picture(
    filled, settings, folder, writer
):
    heads = []
    for _ in range(2):
        made = back_up(folder, settings)
        backup = open_store(folder / "assay.sqlite")
        assert set(recorded_blobs(backup)) <= set(blobs.list_names(backup.blobs))
        assert audit.verify(backup).faults == made.faults == ()
        heads.append(audit.head(backup).seq)
        backup.close()
    assert writer.poll() is None
    assert 1 < heads[0] < heads[1] < audit.head(filled).seq


def test_what_retention_cleared_leaves_the_backup_too(filled, settings, folder):
    back_up(folder, settings)
    (gone, *_) = recorded_blobs(filled)
    clear_pictures(filled, [gone], pack="parts", series="s", number=1, at=now(), reason="retention")

    made = back_up(folder, settings)

    assert gone not in blobs.list_names(folder / "blobs")
    assert (made.pictures, made.faults) == (19, ())


def test_a_database_of_a_pack_is_copied_as_of_one_moment(filled, settings, folder):
    path = settings.home / "stations" / "files.sqlite"
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE t (x)")
    database.execute("INSERT INTO t VALUES (7)")
    database.commit()  # the row lies in the -wal file alone

    back_up(folder, settings)
    database.close()

    with sqlite3.connect(folder / "stations" / "files.sqlite") as copy:
        assert copy.execute("SELECT x FROM t").fetchall() == [(7,)]
    copy.close()
    assert sorted(one.name for one in (folder / "stations").iterdir())[0] == "files.sqlite"


def test_an_altered_backup_or_a_home_in_use_is_refused(filled, settings, folder, tmp_path):
    back_up(folder, settings)
    with pytest.raises(ConfigError, match="is not empty; nothing was restored"):
        restore_store(folder, settings, by=ADMIN)
    filled.close()
    with sqlite3.connect(folder / "assay.sqlite") as database:
        database.execute("UPDATE decisions SET wording = 'PASS' WHERE seq = 3")
    database.close()
    again = elsewhere(settings, tmp_path)
    with pytest.raises(StoreError, match="The backup was altered: row edited, decisions"):
        restore_store(folder, again, by=ADMIN)
    assert not again.home.exists()


def test_an_older_backup_says_what_is_lost_and_a_made_up_one_is_refused(
    filled, settings, folder, tmp_path
):
    anchors = tmp_path / "anchors"
    back_up(folder, settings)
    note_anchor(filled, anchors)
    add(filled, 20, 23)
    note_anchor(filled, anchors)
    filled.close()
    again = elsewhere(settings, tmp_path, anchor_file=str(anchors))

    _, remarks = restore_store(folder, again, by=ADMIN)

    assert remarks[0].startswith("The anchors go on to event 2: 1 events that came after")
    anchors.write_text(f"1:{'0' * 64}\n")
    shutil.rmtree(again.home)
    third = elsewhere(settings, tmp_path, anchor_file=str(anchors))
    with pytest.raises(StoreError, match="head differs, audit_events 1"):
        restore_store(folder, third, by=ADMIN)


def test_a_restore_that_broke_off_is_started_again(filled, settings, folder, tmp_path, monkeypatch):
    back_up(folder, settings)
    filled.close()
    again = elsewhere(settings, tmp_path)

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("core.service.storage.backup.copy_store", broken)
    with pytest.raises(KeyboardInterrupt):
        restore_store(folder, again, by=ADMIN)
    monkeypatch.undo()

    back, _ = restore_store(folder, again, by=ADMIN)
    assert back.rows["decisions"] == 20


def test_places_that_hold_something_else_and_people_who_may_not_are_refused(
    filled, settings, folder
):
    folder.mkdir()
    (folder / "thesis.odt").write_text("x")
    with pytest.raises(ConfigError, match="holds something else than a backup"):
        back_up(folder, settings)
    with pytest.raises(ConfigError, match="would lie in the home folder"):
        back_up(settings.home / "backup", settings)
    with pytest.raises(PermissionDenied):
        backup_store(folder, settings, by=Person("l", "Lea", Role.LEAD))


def test_the_commands_print_counts_and_hash(filled, settings, folder, tmp_path):
    environment = {"ASSAY_STORE_URL": settings.store_url}
    made = run_assay("store", "backup", folder, home=settings.home, environment=environment)
    filled.close()
    assert "20 pictures." in made.stdout
    assert f"Audit head {audit.head(filled)}." in made.stdout
    filled.close()
    again = elsewhere(settings, tmp_path)
    back = run_assay("store", "restore", folder, home=again.home, environment=environment)
    assert back.stdout == made.stdout
