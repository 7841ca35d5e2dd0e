"""The watched folder: taken when it stands still, moved, never lost and never taken twice."""

import os
from dataclasses import replace

from core.records import blobs
from core.records.queue import claim
from core.service.intake.watched_folder import WatchedFolder
from domains.xray.node.object_intake import ObjectIntake
from domains.xray.node.part10 import parse_part10
from tests.domains.xray.wire import ROOM, an_object, file_of, kept, queued


def a_folder(tmp_path, store, limits=ROOM):
    intake = ObjectIntake(store, "SITE", limits)
    return WatchedFolder(
        tmp_path / "in", intake.take_file, max_bytes=limits.object_bytes, wait_s=0.0
    )


def scans(watched, times=2):
    return [watched.scan() for _ in range(times)]


def names(folder):
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(map(str, found))


def test_a_file_is_taken_once_it_has_stood_still_and_is_moved_to_done(tmp_path, store):
    watched, content = a_folder(tmp_path, store), file_of(an_object("1"))
    path = watched.folder / "study" / "a.dcm"
    path.parent.mkdir()
    path.write_bytes(content[:300])
    assert watched.scan() == 0
    path.write_bytes(content)  # still being copied
    assert scans(watched) == [0, 1]
    assert names(watched.folder) == ["done/study/a.dcm"]
    assert (watched.folder / "done/study/a.dcm").read_bytes() == content
    assert kept(store) == [("1.2.3.1", "kept", "folder")]
    [job] = claim(store, ["assess"], worker="test", lease_s=60)
    assert (job.pack, job.payload["site"], job.payload["source"]) == ("xray", "SITE", "folder")
    assert blobs.get(store.blobs, job.payload["sha256"]) == parse_part10(content).file()
    assert scans(watched) == [0, 0]


def test_a_file_that_arrives_by_rename_is_taken_and_a_hidden_one_is_not(tmp_path, store):
    watched = a_folder(tmp_path, store)
    hidden = watched.folder / ".arriving"
    hidden.write_bytes(file_of(an_object("1")))
    assert scans(watched, 3) == [0, 0, 0]
    hidden.rename(watched.folder / "b")
    assert scans(watched) == [0, 1]
    assert names(watched.folder) == ["done/b"]


def test_the_same_object_twice_is_done_and_a_conflict_and_junk_are_failed(tmp_path, store):
    watched = a_folder(tmp_path, store)
    files = {
        "a": file_of(an_object("1")),
        "again": file_of(an_object("1")),
        "other": file_of(an_object("1", PatientName="Doe^John")),
        "junk": b"\xff" * 500,
        "empty": b"",
        "lying": file_of(an_object("2")).replace(b"1.2.3.2", b"1.2.3.9", 1),
        "huge": bytes(2 << 20),
    }
    for name, content in files.items():
        (watched.folder / name).write_bytes(content)
    watched.max_bytes = 1 << 20
    assert scans(watched) == [0, 7]
    done = ["done/a", "done/again"]
    assert names(watched.folder) == [
        *done,
        *(f"failed/{n}" for n in sorted(files.keys() - {"a", "again"})),
    ]
    for name, content in files.items():
        where = "done" if name in {"a", "again"} else "failed"
        assert (watched.folder / where / name).read_bytes() == content
    assert queued(store) == 1


def test_two_files_of_one_name_are_both_there_afterwards(tmp_path, store):
    watched = a_folder(tmp_path, store)
    for number in ("1", "2", "3"):
        (watched.folder / "same.dcm").write_bytes(file_of(an_object(number)))
        scans(watched)
    assert names(watched.folder) == ["done/same.dcm", "done/same.dcm.1", "done/same.dcm.2"]
    assert queued(store) == 3


def test_what_cannot_be_kept_now_stays_and_is_taken_when_there_is_room(tmp_path, store):
    watched = a_folder(tmp_path, store, replace(ROOM, free_bytes=1 << 60))
    (watched.folder / "a").write_bytes(file_of(an_object("1")))
    assert scans(watched, 3) == [0, 0, 0]
    assert names(watched.folder) == ["a"]
    watched.take = ObjectIntake(store, "SITE", ROOM).take_file
    assert watched.scan() == 1
    assert names(watched.folder) == ["done/a"]


def test_links_and_pipes_are_left_alone(tmp_path, store):
    watched = a_folder(tmp_path, store)
    secret = tmp_path / "secret.dcm"
    secret.write_bytes(file_of(an_object("1")))
    (watched.folder / "link").symlink_to(secret)
    (watched.folder / "away").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(watched.folder / "pipe")
    assert scans(watched, 3) == [0, 0, 0]
    assert kept(store) == []
    assert secret.exists()
