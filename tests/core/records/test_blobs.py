from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import files
from core.errors import StoreError
from core.records import blobs


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(items=st.lists(st.binary(max_size=50), max_size=6))
def test_what_is_put_comes_back_under_its_sha256(tmp_path, items):
    names = blobs.put_many(tmp_path / "blobs", items)

    assert names == [hashlib.sha256(item).hexdigest() for item in items]
    assert [blobs.get(tmp_path / "blobs", name) for name in names] == items


def test_a_blob_lies_in_a_folder_of_its_first_two_digits_and_nothing_else_is_left(tmp_path):
    [name] = blobs.put_many(tmp_path, [b"picture"])

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [tmp_path / name[:2] / name]


def test_a_blob_that_is_there_is_left_alone(tmp_path):
    [name] = blobs.put_many(tmp_path, [b"picture"])
    before = (tmp_path / name[:2] / name).stat()

    blobs.put_many(tmp_path, [b"picture", b"picture"])

    after = (tmp_path / name[:2] / name).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_blob_cut_short_is_made_whole_when_it_is_put_again(tmp_path):
    [name] = blobs.put_many(tmp_path, [b"picture"])
    (tmp_path / name[:2] / name).write_bytes(b"pic")

    blobs.put_many(tmp_path, [b"picture"])

    assert blobs.get(tmp_path, name) == b"picture"


def test_an_altered_blob_is_refused_and_listed(tmp_path):
    [name, other] = blobs.put_many(tmp_path, [b"picture", b"other"])
    (tmp_path / name[:2] / name).write_bytes(b"PICTURE")

    with pytest.raises(StoreError, match="altered"):
        blobs.get(tmp_path, name)
    assert blobs.verify(tmp_path, [name, other]) == blobs.BlobReport(2, (name,), ())


def test_a_missing_blob_is_refused_and_listed(tmp_path):
    [name, other] = blobs.put_many(tmp_path, [b"picture", b"other"])
    (tmp_path / name[:2] / name).unlink()

    with pytest.raises(StoreError, match="missing"):
        blobs.get(tmp_path, name)
    assert blobs.verify(tmp_path, [name, other]) == blobs.BlobReport(1, (), (name,))


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_sha256_never_reaches_the_disk(tmp_path, name):
    with pytest.raises(StoreError, match="64 hex digits"):
        blobs.get(tmp_path, name)


def test_what_a_killed_writer_left_half_written_is_no_blob(tmp_path):
    [name] = blobs.put_many(tmp_path, [b"picture"])
    (tmp_path / name[:2] / f".{name}.0123456789abcdef").write_bytes(b"pic")

    assert blobs.verify(tmp_path, [name]) == blobs.BlobReport(1, (), ())


def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path):
    (tmp_path / "blobs").write_text("in the way")

    with pytest.raises(StoreError, match="cannot be kept"):
        blobs.put_many(tmp_path / "blobs", [b"picture"])


def test_threads_that_put_the_same_pictures_at_once_do_not_disturb_each_other(tmp_path):
    items = [b"picture %d" % i for i in range(20)]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: blobs.put_many(tmp_path, items), range(8)))

    assert all(names == results[0] for names in results)
    assert blobs.verify(tmp_path, results[0]) == blobs.BlobReport(20, (), ())


def test_a_system_without_syncfs_keeps_the_same_files(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_syncfs", None)

    names = blobs.put_many(tmp_path / "blobs", [b"picture", b"other"])

    assert [blobs.get(tmp_path / "blobs", name) for name in names] == [b"picture", b"other"]


def test_a_damaged_file_of_the_same_size_is_healed_by_sending_it_again(tmp_path):
    [name] = blobs.put_many(tmp_path, [b"hello world"])
    (tmp_path / name[:2] / name).write_bytes(b"hellO world")
    assert blobs.verify(tmp_path, [name]).altered == (name,)

    blobs.put_many(tmp_path, [b"hello world"])

    assert blobs.get(tmp_path, name) == b"hello world"
    assert blobs.verify(tmp_path, [name]).altered == ()


def test_checking_says_how_far_it_is(tmp_path):
    blobs.put_many(tmp_path, [b"one", b"two"])
    calls = []

    blobs.verify(tmp_path, watch=lambda done, total: calls.append((done, total)))

    assert calls == [(1, 2), (2, 2)]
