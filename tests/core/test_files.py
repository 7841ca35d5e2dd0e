"""Whole files or none, whatever happens in the middle of writing."""

import hashlib
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import files
from core.files import create_private, replace_folder, replacing, sha256_of, write_atomic


def test_a_file_is_replaced_as_a_whole_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "policy.json"
    write_atomic(path, "first, \N{GREEK SMALL LETTER ALPHA}")
    assert path.read_bytes() == "first, \N{GREEK SMALL LETTER ALPHA}".encode()

    write_atomic(path, b"second")

    assert path.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["policy.json"]


def test_a_writer_that_fails_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "policy.json"
    path.write_bytes(b"old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["policy.json"]


def test_a_writer_killed_in_the_middle_leaves_the_old_file(tmp_path):
    path = tmp_path / "policy.json"
    path.write_bytes(b"old")
    program = (
        "import os, signal, sys; from pathlib import Path; from core.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, path])

    assert killed.returncode == -9
    assert path.read_bytes() == b"old"


def test_content_is_on_the_disk_before_it_has_its_name_and_the_name_after(tmp_path, monkeypatch):
    path, observed = tmp_path / "policy.json", []

    def note(descriptor):
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        observed.append((name == str(tmp_path), path.exists()))

    monkeypatch.setattr(os, "fsync", note)
    write_atomic(path, b"content")

    assert observed == [(False, False), (True, True)]


def test_many_writers_of_one_name_leave_one_of_their_contents(tmp_path):
    path = tmp_path / "policy.json"
    contents = [bytes([n]) * 50_000 for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_atomic(path, content), contents))

    assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["policy.json"]


def test_a_key_is_its_owners_alone_and_made_once(tmp_path):
    path = tmp_path / "key"

    assert create_private(path, b"first")
    assert not create_private(path, b"second")

    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize("content", [b"", b"a" * 3_000_000])
def test_the_sha256_of_a_file_is_that_of_its_bytes(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_few_paths_do_not_wait_for_what_others_have_written(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: flushed.append("path"))
    monkeypatch.setattr(files, "_sync_whole", lambda descriptor: flushed.append("all"))
    paths = [tmp_path / str(number) for number in range(files.MANY)]
    for path in paths:
        path.touch()
    files.flush_file_system(tmp_path, iter(paths[:-1]))
    assert flushed == ["path"] * (files.MANY - 1)
    files.flush_file_system(tmp_path, iter(paths))
    if files._syncfs is not None:
        assert flushed[files.MANY - 1 :] == ["all"]


@pytest.mark.parametrize("syncfs", [files._syncfs, None])
def test_a_file_system_that_cannot_be_flushed_is_an_error(tmp_path, monkeypatch, syncfs):
    monkeypatch.setattr(files, "_syncfs", syncfs)
    with pytest.raises(FileNotFoundError):
        files.flush_file_system(tmp_path / "gone", [tmp_path / "gone"] * files.MANY)


def test_the_old_bundle_stands_again_where_the_new_one_cannot_be_moved(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old/a").write_bytes(b"old")

    with pytest.raises(OSError, match="No such file"):
        replace_folder(tmp_path / "missing", tmp_path / "old")
    assert (tmp_path / "old/a").read_bytes() == b"old"

    (tmp_path / "new").mkdir()
    (tmp_path / "new/b").write_bytes(b"new")
    replace_folder(tmp_path / "new", tmp_path / "old")
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert [p.name for p in (tmp_path / "old").iterdir()] == ["b"]
