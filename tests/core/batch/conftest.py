"""An archive as users have them, and the verdicts of `assess` on it."""

import os
import shutil
import zipfile
from pathlib import Path

import pyarrow.dataset
import pytest

from core.batch.rows import SCHEMA, row_of
from core.batch.spec import BatchSpec, Engine
from core.service.assessment.paths import assess_paths
from core.service.assessment.recording import Recorded

UNTIMED = [name for name in SCHEMA.names if not name.endswith("_ms") and name != "decision"]
COUNT = 47


@pytest.fixture(scope="session")
def archive(tiny_product, tmp_path_factory) -> Path:
    """A folder of 47 answers: 40 pictures, a zip of 4, and 3 files that are no pictures."""
    folder = tmp_path_factory.mktemp("archive") / "pictures"
    (folder / "lot").mkdir(parents=True)
    found = [*tiny_product.pictures("test"), *tiny_product.pictures("cal")][:44]
    for number, file in enumerate(found[:40]):
        shutil.copy(file, folder / ("lot" if number % 2 else "") / f"{number:02}.png")
    with zipfile.ZipFile(folder / "more.zip", "w") as zipped:
        for file in found[40:]:
            zipped.write(file, file.name)
        zipped.writestr("list.txt", "no picture")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "empty.jpg").write_bytes(b"")
    os.symlink("00.png", folder / "link.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "lot" / ".hidden.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def expected(archive, tiny_product) -> dict:
    """What `assess` makes of the archive, by file, without times."""
    bundle, policy = tiny_product.opened()
    answers = assess_paths(bundle, [archive], policy=policy, settings=tiny_product.settings)
    rows = [row_of(Recorded("", one, ""), pack="parts", policy=policy) for one in answers]
    assert len(rows) == COUNT
    return {row["file"]: untimed(row) for row in rows}


@pytest.fixture
def spec(archive, tiny_product, tmp_path) -> BatchSpec:
    return BatchSpec(
        tiny_product.bundle,
        str(archive),
        tmp_path / "verdicts",
        engine=Engine.THREADS,
        part_size=8,
    )


def untimed(row: dict) -> dict:
    """A row without times, which differ, and with maps as they come back from Parquet."""
    return {name: row[name] for name in UNTIMED}


def rows_in(folder: Path) -> list[dict]:
    """All rows of a folder of verdicts."""
    return [untimed(row) for row in pyarrow.dataset.dataset(folder).to_table().to_pylist()]


def assert_each_once(folder: Path, expected: dict) -> None:
    """No row is lost, none doubled, and each is bit for bit that of `assess`."""
    rows = rows_in(folder)
    assert sorted(row["file"] for row in rows) == sorted(expected)
    assert {row["file"]: row for row in rows} == expected
