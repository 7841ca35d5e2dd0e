"""What a batch may be made of: manifests, and a real object store on loopback."""

import csv
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.batch.listing import list_source
from core.batch.manifest import read_manifest
from core.batch.reading import open_locations
from core.batch.run import run_batch
from core.errors import AssayError, DataError
from core.imaging.junk import Skipped
from core.imaging.zip_archive import incoming
from tests.core.batch.conftest import COUNT, rows_in

MOST = 64 * 2**20
NONE: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """An empty bucket of an S3 server on loopback, which the environment names."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        system = fsspec.filesystem("s3", skip_instance_cache=True)
        system.mkdir("archive")
        yield system
    server.stop()


@pytest.fixture(scope="module")
def remote(bucket, archive):
    """The archive as objects, but for the link, of which there is no such thing in S3."""
    for folder, _, files in os.walk(archive):
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                bucket.put_file(str(file), f"archive/pictures/{file.relative_to(archive)}")
    return "s3://archive/pictures"


def local_of(url, archive):
    return url.replace("s3://archive/pictures", str(archive))


def test_an_object_store_is_listed_and_read_as_a_folder_is(remote, archive):
    there, here = Skipped(), Skipped()
    urls = list(list_source(remote, "", NONE, there))
    answers = list(open_locations(urls, MOST, NONE, there))
    local = [one for one in incoming([archive], MOST, NONE, here) if "link.png" not in one.id]
    assert [local_of(one.id, archive) for one in answers] == [one.id for one in local]
    assert [(one.sha256, one.problem) for one in answers] == [
        (one.sha256, one.problem) for one in local
    ]
    assert len(answers) == COUNT - 1
    assert [local_of(name, archive) for name in there.system] == here.system
    assert sorted(local_of(name, archive) for name in there.others) == sorted(here.others)


def test_an_object_that_is_missing_or_too_large_is_answered_for(remote, bucket, archive):
    bucket.pipe_file("archive/large.png", bytes(3000))
    names = [b"s3://archive/none.png", b"s3://archive/large.png", os.fsencode(archive / "00.png")]
    none, large, picture = open_locations(names, 2000, NONE, Skipped())
    assert none.problem == "There is no such file."
    assert large.problem == "The file is too large: expected at most 2000 bytes, got 3000."
    assert large.head == bytes(2000)
    assert picture.id == str(archive / "00.png")
    assert "too large" in picture.problem
    (zipped,) = open_locations([b"s3://archive/none.zip"], MOST, NONE, Skipped())
    assert zipped.problem == "The archive cannot be read: There is no such file."


def test_a_server_that_is_gone_ends_the_run_and_defers_no_picture(
    spec, remote, tiny_product, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(AssayError, match="cannot be reached"):
        list(list_source(remote, "", NONE, Skipped()))
    with pytest.raises(AssayError, match="cannot be reached"):
        list(open_locations([b"s3://archive/pictures/00.png"], MOST, NONE, Skipped()))
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_verdicts_on_objects_are_those_on_files(spec, remote, archive, expected, tiny_product):
    found = run_batch(replace(spec, source=remote, part_size=20), tiny_product.settings)
    assert (found.pictures, found.unread) == (COUNT - 1, 2)
    for row in rows_in(spec.out):
        file = local_of(row["file"], archive)
        case = local_of(row["case"], archive)
        assert {**row, "file": file, "case": case} == expected[file]


def test_manifests_name_the_same_pictures_in_csv_and_parquet(spec, expected, archive, tiny_product):
    cells = ["00.png", "lot/01.png", "00.png", str(archive / "02.png"), "more.zip", "none.png"]
    table = archive.parent / "list.csv"
    with table.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Line", "Bild"])
        writer.writerows(
            [n, cell if cell[0] == "/" else f"pictures/{cell}"] for n, cell in enumerate(cells)
        )
    names = list(read_manifest(str(table), "bild"))
    assert names == [str(archive / cell) for cell in cells]
    columns = {"n": range(len(cells)), "path": [*names]}
    pq.write_table(pa.table(columns), archive.parent / "list.parquet")
    assert list(read_manifest(str(archive.parent / "list.parquet"))) == names
    asked = replace(spec, source=str(table), column="Bild")
    found = run_batch(asked, tiny_product.settings)
    assert (found.pictures, found.unread) == (8, 1)  # one twice in the list is one picture
    rows = {row["file"]: row for row in rows_in(spec.out)}
    missing = rows.pop(str(archive / "none.png"))
    assert missing["message"].endswith("There is no such file.")
    assert missing["disposition"] == "defer"
    assert rows == {name: expected[name] for name in rows}


def test_a_manifest_may_lie_in_the_store_and_name_objects_beside_it(bucket, remote):
    bucket.pipe_file("archive/list.csv", b"url\npictures/00.png\ns3://archive/pictures/02.png\n")
    names = [os.fsdecode(one) for one in list_source("s3://archive/list.csv", "", NONE, Skipped())]
    assert names == ["s3://archive/pictures/00.png", "s3://archive/pictures/02.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\na.png,good\n", "no column of files; its columns are name, label"),
        ("file,label\na.png,good\n,good\n", "row 2 names no file"),
        ("label,file\ngood\n", "row 1 names no file"),
        ("", "no column of files"),
        ("file\n\xff\n", "does not read"),
    ],
)
def test_a_manifest_that_does_not_say_which_files_is_refused(tmp_path, text, message):
    table = tmp_path / "list.csv"
    table.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=message):
        list(read_manifest(str(table)))


def test_a_parquet_that_is_none_is_refused(tmp_path):
    (tmp_path / "list.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match="does not read"):
        list(read_manifest(str(tmp_path / "list.parquet")))


def test_a_zip_alone_is_a_source(tmp_path, archive):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.write(archive / "00.png", "00.png")
    assert list(list_source(f"file://{tmp_path}/a.zip", "", NONE, Skipped())) == [
        os.fsencode(tmp_path / "a.zip")
    ]
