"""The folder of a batch: whole files, one run that writes."""

import pyarrow.parquet as pq
import pytest

from core.batch.output import read_parts, read_plan, summary_of, take_over, write_plan
from core.batch.plan import digest_of, name_part
from core.batch.rows import SCHEMA
from core.errors import AssayError, ConfigError, StoreError

BATCH = {"source": "pictures", "bundle": "plates"}
SUMMARY = {"pictures": 1, "unread": 0}


def a_row(file):
    texts = {field.name: "" for field in SCHEMA if field.type == "string"}
    times = {"decode_ms": 0.0, "infer_ms": 0.0, "total_ms": 0.0}
    return {**texts, **times, "file": file, "is_provisional": False}


def test_a_part_comes_back_as_rows_digests_and_summary(tmp_path):
    output = take_over(tmp_path / "out", BATCH)
    output.write_part([b"a.png"], [a_row("a.png")], SUMMARY)
    known, summaries = read_parts(output.folder)
    assert summaries == [SUMMARY]
    assert summary_of(output.folder / name_part([b"a.png"])) == SUMMARY
    assert not known.add(digest_of(b"a.png"))
    assert known.add(digest_of(b"b.png"))
    table = pq.read_table(output.folder)
    assert table["file"].to_pylist() == ["a.png"]
    assert table.schema.remove_metadata() == SCHEMA


def test_what_a_run_left_behind_can_write_no_more_once_the_next_has_begun(tmp_path):
    before = take_over(tmp_path / "out", BATCH)
    before.write_part([b"a.png"], [a_row("a.png")], SUMMARY)
    (before.folder / ".part-0.parquet.00.part").write_bytes(b"half")
    now = take_over(tmp_path / "out", BATCH)
    with pytest.raises(AssayError, match="Another run writes"):
        before.write_part([b"b.png"], [a_row("b.png")], SUMMARY)
    assert pq.read_table(now.folder)["file"].to_pylist() == ["a.png"]
    assert [file.name for file in now.folder.iterdir() if file.name.startswith(".")] == []
    now.write_part([b"b.png"], [a_row("b.png")], SUMMARY)
    assert sorted(pq.read_table(now.folder)["file"].to_pylist()) == ["a.png", "b.png"]


def test_a_folder_of_other_verdicts_or_of_other_files_is_refused(tmp_path):
    take_over(tmp_path / "out", BATCH)
    with pytest.raises(ConfigError, match="source 'pictures', not 'others'"):
        take_over(tmp_path / "out", {**BATCH, "source": "others"})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("x")
    with pytest.raises(ConfigError, match="other files"):
        take_over(tmp_path / "full", BATCH)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be written"):
        take_over(tmp_path / "file", BATCH)


def test_a_damaged_part_is_named_and_not_passed_over(tmp_path):
    output = take_over(tmp_path / "out", BATCH)
    output.write_part([b"a.png"], [a_row("a.png")], SUMMARY)
    (part,) = output.folder.glob("part-*")
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(StoreError, match=part.name):
        read_parts(output.folder)


def test_a_plan_gives_each_part_back(tmp_path):
    output = take_over(tmp_path / "out", BATCH)
    parts = [[b"a", b"b\xff"], [b"c.zip"], [b"d"]]
    assert write_plan(output, iter(parts)) == (3, 4)
    assert [read_plan(output, number) for number in range(3)] == parts
