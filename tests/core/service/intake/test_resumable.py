"""Files in pieces: what is acknowledged stays, what broke off goes on, nothing is mixed up."""

import contextlib
import hashlib
import itertools
import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError, StoreError
from core.service.intake.limits import MEBI
from core.service.intake.resumable import (
    Announced,
    Batch,
    BatchLimits,
    OffsetMismatch,
    UploadBusy,
)

DATA = bytes(range(256)) * 40
SHA = hashlib.sha256(DATA).hexdigest()
ROOM = BatchLimits(files=5, file_bytes=MEBI, total_bytes=2 * MEBI, free_bytes=0)


def a_batch(folder, limits=ROOM):
    return Batch(folder / "batch", limits)


def send(batch, upload_id, offset, data):
    with batch.appending(upload_id, offset) as appender:
        appender.write(data)


def test_a_file_in_pieces_is_the_file(tmp_path):
    batch = a_batch(tmp_path)
    upload = batch.announce(Announced("a.jpg", len(DATA), sha256=SHA))
    send(batch, upload.id, 0, DATA[:1000])
    assert (batch.find(upload.id).offset, batch.find(upload.id).is_complete) == (1000, False)
    send(batch, upload.id, 1000, DATA[1000:])
    done = batch.find(upload.id)
    assert done.is_complete
    assert done.path.read_bytes() == DATA


@given(cuts=st.lists(st.integers(0, len(DATA)), max_size=6), restart=st.booleans())
@settings(deadline=None, max_examples=40)
def test_pieces_of_any_size_over_any_number_of_starts_make_the_file(
    tmp_path_factory, cuts, restart
):
    folder = tmp_path_factory.mktemp("batch")
    batch = a_batch(folder)
    announced = Announced("a.jpg", len(DATA), sha256=SHA)
    bounds = sorted({0, *cuts, len(DATA)})
    for start, end in itertools.pairwise(bounds):
        if restart:
            batch = a_batch(folder)
        upload = batch.announce(announced)
        assert upload.offset == start
        send(batch, upload.id, start, DATA[start:end])
    assert batch.find(announced.id).path.read_bytes() == DATA


def test_a_piece_that_breaks_off_keeps_what_came_of_it(tmp_path):
    batch = a_batch(tmp_path)
    upload = batch.announce(Announced("a.jpg", len(DATA)))
    with contextlib.suppress(ConnectionError), batch.appending(upload.id, 0) as appender:
        appender.write(DATA[:500])
        raise ConnectionError
    assert a_batch(tmp_path).find(upload.id).offset == 500


@pytest.mark.parametrize("offset", [0, 999, 1001, len(DATA)])
def test_a_piece_that_starts_elsewhere_changes_nothing(tmp_path, offset):
    batch = a_batch(tmp_path)
    upload = batch.announce(Announced("a.jpg", len(DATA)))
    send(batch, upload.id, 0, DATA[:1000])
    with pytest.raises(OffsetMismatch):
        send(batch, upload.id, offset, b"x")
    assert upload.path.read_bytes() == DATA[:1000]


def test_more_than_was_announced_is_refused_and_the_rest_still_fits(tmp_path):
    batch = a_batch(tmp_path)
    upload = batch.announce(Announced("a.jpg", 10))
    with pytest.raises(InputError, match="more than were announced"):
        send(batch, upload.id, 0, b"x" * 11)
    send(batch, upload.id, 0, b"y" * 10)
    assert batch.find(upload.id).path.read_bytes() == b"y" * 10


def test_bytes_that_are_not_those_of_the_digest_are_not_kept(tmp_path):
    batch = a_batch(tmp_path)
    announced = Announced("a.jpg", len(DATA), sha256=SHA)
    upload = batch.announce(announced)
    with pytest.raises(InputError, match="altered"):
        send(batch, upload.id, 0, DATA[::-1])
    assert batch.find(upload.id) is None
    assert batch.announce(announced).offset == 0


def test_a_file_that_is_here_is_not_sent_again(tmp_path):
    batch = a_batch(tmp_path)
    announced = Announced("a.jpg", len(DATA), sha256=SHA)
    send(batch, batch.announce(announced).id, 0, DATA)
    again = a_batch(tmp_path).announce(announced)
    assert again.offset == again.announced.length
    with pytest.raises(OffsetMismatch):
        send(batch, again.id, len(DATA), b"x")


def test_two_requests_never_write_to_one_file(tmp_path):
    batch = a_batch(tmp_path)
    upload = batch.announce(Announced("a.jpg", len(DATA)))
    with batch.appending(upload.id, 0) as appender:
        with pytest.raises(UploadBusy):
            send(batch, upload.id, 0, DATA)
        appender.write(DATA)
    assert batch.find(upload.id).path.read_bytes() == DATA


def test_of_many_who_announce_the_last_place_one_gets_it(tmp_path):
    batch = a_batch(tmp_path, BatchLimits(files=1, free_bytes=0))
    results = []

    def announce(name):
        try:
            results.append(batch.announce(Announced(name, 10)).id)
        except InputError:
            results.append(None)

    threads = [threading.Thread(target=announce, args=(f"{n}.jpg",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in results) == 1


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (BatchLimits(file_bytes=9, free_bytes=0), InputError),
        (BatchLimits(total_bytes=19, free_bytes=0), InputError),
        (BatchLimits(files=1, free_bytes=0), InputError),
        (BatchLimits(free_bytes=1 << 60), StoreError),
    ],
)
def test_what_there_is_no_room_for_is_refused_before_it_is_sent(tmp_path, limits, error):
    batch = a_batch(tmp_path, limits)
    if limits.file_bytes > 10 and error is InputError:
        batch.announce(Announced("a", 10))
    with pytest.raises(error):
        batch.announce(Announced("b", 10))


def test_room_is_given_back(tmp_path):
    batch = a_batch(tmp_path, BatchLimits(files=1, free_bytes=0))
    upload = batch.announce(Announced("a", 10))
    batch.drop(upload.id)
    assert batch.announce(Announced("b", 10)).offset == 0
    assert [one.announced.name for one in batch.uploads()] == ["b"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a\x00b", "..", "CON", "é" * 500]
)
def test_a_name_is_text_and_never_a_path(tmp_path, name):
    batch = a_batch(tmp_path)
    upload = batch.announce(Announced(name, 3))
    send(batch, upload.id, 0, b"abc")
    assert batch.find(upload.id).announced.name == name
    assert sorted(os.listdir(tmp_path)) == ["batch"]
    assert sorted(path.suffix for path in (tmp_path / "batch").iterdir()) == [".file", ".json"]


@pytest.mark.parametrize("upload_id", ["", "..", "../x", "a" * 39, "A" * 40, "g" * 40])
def test_an_id_that_is_none_finds_nothing(tmp_path, upload_id):
    batch = a_batch(tmp_path)
    assert batch.find(upload_id) is None
    batch.drop(upload_id)
    with pytest.raises(InputError), batch.appending(upload_id, 0):
        pass


@pytest.mark.parametrize(
    ("name", "length", "sha256"), [("", 1, ""), ("a" * 1025, 1, ""), ("a", 0, ""), ("a", 1, "x")]
)
def test_what_no_file_can_be_is_refused(name, length, sha256):
    with pytest.raises(InputError):
        Announced(name, length, sha256=sha256)
