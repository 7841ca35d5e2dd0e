import io
import os
import stat
import struct
import zipfile

import pytest

from core.imaging.files import open_file
from core.imaging.zip_archive import incoming, open_archive

NOISE = os.urandom(5000)


def a_zip(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for member, data in members:
            archive.writestr(member, data)
    return path


def a_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def test_pictures_in_an_archive_are_read_like_those_in_a_folder(tmp_path):
    members = [("b.jpg", NOISE), ("a/c.PNG", NOISE[:9]), ("readme.txt", b"x"), (".x.jpg", b"x")]
    path = a_zip(tmp_path / "lot.zip", [*members, ("__MACOSX/._b.jpg", b"x"), ("empty.jpg", b"")])

    found = list(open_archive(path, 5000))

    assert [item.id for item in found] == [f"{path}/{n}" for n in ("b.jpg", "a/c.PNG", "empty.jpg")]
    assert [item.data for item in found] == [NOISE, NOISE[:9], None]
    assert "is empty" in found[2].problem


@pytest.mark.parametrize(
    ("member", "data", "message"),
    [
        ("../evil.jpg", b"x", "leads out"),
        ("a/../../evil.jpg", b"x", "leads out"),
        ("/etc/evil.jpg", b"x", "leads out"),
        ("C:/evil.jpg", b"x", "leads out"),
        ("a\\..\\evil.jpg", b"x", "leads out"),
        (a_link("link.jpg"), "/etc/passwd", "is a link"),
        ("bomb.bmp", bytes(100_000), "inflates more than 100 times"),
        ("large.jpg", os.urandom(200_001), "at most 200000 bytes"),
    ],
)
def test_a_hostile_member_is_refused_and_its_neighbours_are_read(tmp_path, member, data, message):
    members = [("a.jpg", NOISE), (member, data), ("z.jpg", NOISE)]
    path = a_zip(tmp_path / "lot.zip", members)

    first, hostile, last = open_archive(path, 200_000)

    assert hostile.data is None
    assert message in hostile.problem
    assert first.data == last.data == NOISE


def test_the_total_is_counted_while_it_streams(tmp_path):
    path = a_zip(tmp_path / "lot.zip", [(f"{i}.jpg", NOISE) for i in range(6)])

    found = list(open_archive(path, 10_000, max_total=12_000))

    assert [item.data is not None for item in found] == [True, True, False, False, False, False]
    assert all(item.problem for item in found[2:])


def test_an_archive_of_too_many_entries_is_refused_as_a_whole(tmp_path):
    path = a_zip(tmp_path / "lot.zip", [(f"{i}.jpg", b"x") for i in range(10_001)], 0)

    (only,) = open_archive(path, 1000)

    assert "at most 10000 entries, got 10001" in only.problem


def test_a_member_whose_bytes_do_not_match_its_checksum_is_refused(tmp_path):
    path = a_zip(tmp_path / "lot.zip", [("a.jpg", NOISE), ("b.jpg", NOISE)], zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(NOISE) + 100] ^= 0xFF
    path.write_bytes(data)

    damaged, whole = open_archive(path, 10_000)

    assert "CRC" in damaged.problem
    assert whole.data == NOISE


def test_an_encrypted_member_and_an_unusual_method_are_refused(tmp_path):
    path = a_zip(tmp_path / "lot.zip", [("a.jpg", NOISE)], zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[central + 8] |= 1
    (tmp_path / "secret.zip").write_bytes(data)

    (secret,) = open_archive(tmp_path / "secret.zip", 10_000)
    (packed,) = open_archive(
        a_zip(tmp_path / "x.zip", [("a.jpg", NOISE)], zipfile.ZIP_LZMA), 10_000
    )

    assert "encrypted" in secret.problem
    assert "other than deflate" in packed.problem


def zip64_that_hides_its_size() -> bytes:
    stream = io.BytesIO()
    a_zip(stream, [("a.jpg", b"x")])
    data = stream.getvalue()
    at = data.rindex(b"PK\x05\x06")
    return data[:at] + struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1) + data[at:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "without a zip's end record"),
        (b"PK\x05\x06", "without a zip's end record"),
        (b"this is no archive" * 100, "without a zip's end record"),
        (zip64_that_hides_its_size(), "zip64"),
        (b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 9, 9, 2**31, 0, 0), "at most 10000 entries"),
        (b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, 50, 0, 0), "cannot be read"),
    ],
)
def test_a_file_that_is_no_archive_is_one_problem(tmp_path, data, message):
    path = tmp_path / "lot.zip"
    path.write_bytes(data)

    (only,) = open_archive(path, 1000)

    assert only.id == str(path)
    assert only.data is None
    assert message in only.problem


def test_a_truncated_archive_is_one_problem(tmp_path):
    path = a_zip(tmp_path / "lot.zip", [("a.jpg", NOISE)])
    path.write_bytes(path.read_bytes()[:3000])

    (only,) = open_archive(path, 10_000)

    assert only.problem


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_get_names_of_their_own(tmp_path):
    path = a_zip(tmp_path / "lot.zip", [("a.jpg", b"first"), ("a.jpg", b"second")])

    found = list(open_archive(path, 1000))

    assert [item.id for item in found] == [f"{path}/a.jpg", f"{path}/a.jpg#2"]
    assert [item.data for item in found] == [b"first", b"second"]


def test_a_linked_or_missing_archive_is_one_problem(tmp_path):
    a_zip(tmp_path / "lot.zip", [("a.jpg", NOISE)])
    (tmp_path / "link.zip").symlink_to(tmp_path / "lot.zip")

    for name in ("link.zip", "gone.zip"):
        (only,) = open_archive(tmp_path / name, 1000)
        assert only.data is None
        assert only.problem


def test_files_folders_and_archives_are_read_in_the_order_given(tmp_path):
    archive = a_zip(tmp_path / "lot.ZIP", [("a.jpg", NOISE)])
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.png").write_bytes(b"b")
    paths = [archive, tmp_path / "gone.jpg", tmp_path / "folder"]

    found = list(incoming(paths, 10_000))

    assert [item.id for item in found] == [
        f"{archive}/a.jpg",
        str(tmp_path / "gone.jpg"),
        str(tmp_path / "folder" / "b.png"),
    ]
    assert found[2] == open_file(tmp_path / "folder" / "b.png", 10_000)
