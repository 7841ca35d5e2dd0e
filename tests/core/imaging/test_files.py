import hashlib
import os
import socket
from pathlib import Path

import pytest

from core.imaging.files import list_pictures, open_file, refuse_file, wrap_bytes


def test_a_file_comes_with_its_bytes_its_digest_and_its_group(tmp_path):
    data = os.urandom(300_000)
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)

    incoming = open_file(path, 300_000, group="part 7")

    assert incoming.id == str(path)
    assert incoming.data == data
    assert incoming.sha256 == hashlib.sha256(data).hexdigest()
    assert incoming.group == "part 7"
    assert incoming.problem == ""


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


PROBLEMS = {
    "missing": (lambda path: None, "no such file"),
    "folder": (lambda path: path.mkdir(), "a folder; expected a regular file"),
    "fifo": (os.mkfifo, "FIFO, socket or device"),
    "socket": (a_socket, "refused to read it"),
    "link": (lambda path: path.symlink_to(__file__), "symbolic link"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "symbolic link"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "large": (lambda path: path.write_bytes(bytes(1001)), "at most 1000 bytes, got 1001"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_file_that_is_no_ordinary_file_is_a_problem_and_no_exception(name, tmp_path):
    make, message = PROBLEMS[name]
    path = tmp_path / "picture.jpg"
    make(path)

    incoming = open_file(path, 1000, group="g")

    assert incoming.data is None
    assert message in incoming.problem
    assert (incoming.id, incoming.sha256, incoming.group) == (str(path), "", "g")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/dev/zero", "FIFO, socket or device"),
        ("/proc/self/mem", "refused to read it"),
        (f"{__file__}/below", "refused to read it"),
        ("x" * 5000, "refused to read it"),
        ("null\0byte", "null"),
    ],
)
def test_paths_that_the_system_refuses_are_problems_too(path, message):
    incoming = open_file(Path(path), 1000)

    assert incoming.data is None
    assert message in incoming.problem


def test_a_file_of_exactly_the_largest_size_is_read(tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(bytes(1000))

    assert open_file(path, 1000).data == bytes(1000)


def test_a_name_that_is_no_text_becomes_text_that_can_be_encoded(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jpg"))
    path.write_bytes(b"x")

    incoming = open_file(path, 1000)

    assert incoming.id.encode().endswith(b"/\\xff\\xfe.jpg")
    assert incoming.data == b"x"


def test_folders_are_listed_recursively_by_name_and_links_are_listed_not_entered(tmp_path):
    names = [
        "b.PNG", "a.jpg", "c/z.tiff", "c/deep/er/x.webp", "c/a.bmp", "d.tif", "e.JpEg",
        ".hidden.jpg", ".folder/x.jpg", "readme.txt", "c/table.csv", "archive.zip",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "linked.jpg").symlink_to(tmp_path / "a.jpg")

    found = [path.relative_to(tmp_path).as_posix() for path in list_pictures([tmp_path])]

    assert found == [
        "a.jpg", "archive.zip", "b.PNG", "c/a.bmp", "c/deep/er/x.webp", "c/z.tiff", "d.tif",
        "e.JpEg", "linked.jpg", "loop",
    ]  # fmt: skip


def test_paths_given_by_name_are_always_listed_in_their_order(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.jpg").write_bytes(b"x")
    given = [tmp_path / "no such.txt", tmp_path / "folder", Path("also\0odd"), tmp_path / "a.zip"]

    assert list(list_pictures(given)) == [given[0], given[1] / "x.jpg", given[2], given[3]]


def test_bytes_in_memory_and_refusals_look_like_files():
    incoming = wrap_bytes("camera 1", b"abc", "g")

    assert incoming.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert refuse_file("camera 2", "It is dark.", "g").problem == "It is dark."
