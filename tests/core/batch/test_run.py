"""Batches on this machine: the verdicts of `assess`, a row a picture, whatever is killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow.dataset
import pytest

from core.batch import engines
from core.batch.judge import BatchWork, PartJudge
from core.batch.output import take_over, write_plan
from core.batch.plan import name_part
from core.batch.run import run_batch
from core.batch.spec import Engine
from core.errors import AssayError, ConfigError, DataError
from core.jobs.context import JobContext
from core.jobs.kinds import function_of, installed_kinds
from core.jobs.use_cases import submit
from core.records.job import JobProgress
from core.records.queue import claim
from core.records.store import decisions
from core.service.assessment.replay import replay
from core.service.store import open_store
from tests.core.batch.conftest import COUNT, assert_each_once, rows_in

pytestmark = pytest.mark.slow


def test_rows_are_those_of_assess_and_a_second_run_judges_nothing(
    spec, expected, tiny_product, monkeypatch
):
    found = run_batch(spec, tiny_product.settings)
    assert_each_once(spec.out, expected)
    assert (found.pictures, found.earlier, found.unread) == (COUNT, 0, 3)
    assert sum(found.wordings.values()) == COUNT
    assert (found.skipped["others"]["count"], found.skipped["system"]["count"]) == (2, 1)
    refused = {row["file"].rpartition("/")[2]: row for row in rows_in(spec.out) if not row["label"]}
    assert refused.keys() >= {"broken.png", "empty.jpg", "link.png"}
    assert refused["empty.jpg"]["reasons"] == ["UNREADABLE"]
    assert "symbolic link" in refused["link.png"]["message"]

    monkeypatch.setattr(engines, "PartJudge", None)  # nothing is left to be judged
    again = run_batch(spec, tiny_product.settings)
    assert (again.pictures, again.earlier, again.unread) == (COUNT, COUNT, 3)
    assert again.skipped == found.skipped


def test_what_a_run_left_is_judged_by_the_next_and_new_pictures_with_it(
    spec, expected, tiny_product, archive
):
    class Enough(Exception):
        pass

    def stop(step, done, total):
        if step == "Assessing":
            assert total == COUNT - 3  # of a zip's four pictures nobody knows yet
            raise Enough

    with pytest.raises(Enough):
        run_batch(spec, tiny_product.settings, stop)
    assert len(rows_in(spec.out)) == 8
    found = run_batch(replace(spec, part_size=5), tiny_product.settings)
    assert (found.pictures, found.earlier) == (COUNT, 8)
    assert_each_once(spec.out, expected)
    late = archive / "zz-late.png"
    late.write_bytes((archive / "00.png").read_bytes())
    try:
        found = run_batch(spec, tiny_product.settings)
    finally:
        late.unlink()
    assert (found.pictures, found.earlier) == (COUNT + 1, COUNT)


def test_a_driver_killed_between_parts_loses_and_doubles_nothing(spec, expected, tiny_product):
    command = [
        sys.executable, "-c", "from core.cli import main; main()", "batch", spec.bundle,
        spec.source, "-o", spec.out, "--engine", "threads", "--part-size", "4",
    ]  # fmt: skip
    environment = {**os.environ, "ASSAY_HOME": str(tiny_product.settings.home)}
    process = subprocess.Popen(command, env=environment)
    while len(list(spec.out.glob("part-*"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = len(rows_in(spec.out))
    assert 0 < there < COUNT
    found = run_batch(spec, tiny_product.settings)
    assert found.earlier == there
    assert_each_once(spec.out, expected)


def test_a_part_that_was_written_and_not_reported_is_not_judged_again(spec, tiny_product):
    output = take_over(spec.out, {})
    locations = [os.fsencode(file) for file in tiny_product.pictures("test")[:2]]
    write_plan(output, [locations])
    with closing(PartJudge(BatchWork(spec, output, tiny_product.settings, Path.cwd()))) as judge:
        first = judge.judge(0)
        file = output.folder / name_part(locations)
        written = file.stat().st_mtime_ns
        assert judge.judge(0) == first
    assert first["pictures"] == 2
    assert file.stat().st_mtime_ns == written


def test_the_store_gets_the_same_verdicts_once(spec, expected, tiny_product, tmp_path):
    settings = tiny_product.settings_at(tmp_path / "home")
    run_batch(replace(spec, is_recorded=True), settings)
    assert_each_once(spec.out, expected)
    store = open_store(settings)
    recorded = decisions(store)
    rows = pyarrow.dataset.dataset(spec.out).to_table(["decision", "disposition"]).to_pylist()
    by_id = {one.id: one.disposition.value for one in recorded}
    assert {row["decision"] for row in rows} == by_id.keys()
    assert all(by_id[row["decision"]] == row["disposition"] for row in rows)
    judged = next(one for one in recorded if one.probabilities)
    assert replay(judged.id, store, settings) == []
    run_batch(replace(spec, is_recorded=True, out=tmp_path / "again"), settings)
    assert len(decisions(store)) == len(recorded)
    store.close()


def test_as_a_job_it_reports_progress_and_ends_where_it_is_cancelled(
    spec, expected, tiny_product, tmp_path
):
    settings = tiny_product.settings_at(tmp_path / "home")
    store = open_store(settings)
    job_id = submit(store, spec, "parts")
    (job,) = claim(store, ["batch"], worker="w", lease_s=60)
    assert job.id == job_id
    reports: list[JobProgress] = []
    run = function_of(installed_kinds()["batch"])
    with pytest.raises(AssayError, match="cancelled"):
        run(
            JobContext(
                job,
                store,
                settings,
                reports.append,
                lambda: any(one.sentence == "Assessing" for one in reports),
            )
        )
    assert {one.sentence for one in reports} == {"Listing", "Assessing"}
    assert 0 < len(rows_in(spec.out)) < COUNT
    result = run(JobContext(job, store, settings))
    assert result == asdict(run_batch(spec, settings)) | {"earlier": result["earlier"]}
    assert_each_once(spec.out, expected)
    store.close()


def test_what_cannot_be_done_is_refused_before_anything_is_judged(
    spec, tiny_product, tmp_path, monkeypatch
):
    settings = tiny_product.settings
    with pytest.raises(DataError, match="nothing at"):
        run_batch(replace(spec, source=str(tmp_path / "missing")), settings)
    (tmp_path / "bare").mkdir()
    with pytest.raises(DataError, match="no picture in"):
        run_batch(replace(spec, source=str(tmp_path / "bare"), out=tmp_path / "other"), settings)
    assert not spec.out.exists(), "a mistyped source takes no folder from the right one"
    assert not (tmp_path / "other").exists()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'assay-inspection\[ray\]'"):
        run_batch(replace(spec, engine=Engine.RAY), settings)


def test_ray_is_not_imported_before_it_is_needed():
    modules = "core.batch.run, core.cli.batch, core.jobs.use_cases, sys"
    code = f"import {modules}; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
