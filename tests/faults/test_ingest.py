"""The product path under violence: two processes on one folder, and kill -9 in the middle."""

import json
import os
import signal
import subprocess

import pytest
from sqlalchemy import func, select

from core.records import blobs
from core.records.connection import reading
from core.records.store import decision
from core.records.tables import DECISIONS, IMAGES
from core.service.audit import check
from core.service.store import open_store
from tests.commands import ASSAY


@pytest.fixture
def settings(tiny_product, tmp_path):
    return tiny_product.settings_at(tmp_path / "store")


def start(settings, *words):
    environment = {**os.environ, "ASSAY_HOME": str(settings.home), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*ASSAY, "assess", *map(str, words), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def counts(settings):
    with reading(open_store(settings)) as connection:
        tables = (DECISIONS, IMAGES)
        return [connection.scalar(select(func.count()).select_from(t)) for t in tables]


def test_two_processes_on_the_same_folder_make_one_decision_a_picture(tiny_product, settings):
    folder = tiny_product.data / "images"
    total = len(list(folder.iterdir()))
    both = [start(settings, tiny_product.bundle, folder) for _ in range(2)]
    answers = []
    for process in both:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        answers.append([json.loads(line) for line in out.splitlines()])
    assert len(answers[0]) == len(answers[1]) == total
    for one, other in zip(*answers, strict=True):
        assert (one["decision"], one["disposition"]) == (other["decision"], other["disposition"])
        assert one["probabilities"] == other["probabilities"]
    assert counts(settings) == [total, total]
    assert check(settings).faults == ()


@pytest.mark.parametrize("lines", [1, 40, 100])
def test_kill_9_loses_nothing_acknowledged_and_a_second_run_completes(
    tiny_product, settings, lines
):
    folder = tiny_product.data / "images"
    total = len(list(folder.iterdir()))
    process = start(settings, tiny_product.bundle, folder)
    acknowledged = [json.loads(process.stdout.readline()) for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    store = open_store(settings)
    for line in acknowledged:
        kept = decision(store, line["decision"])
        assert kept.disposition == line["disposition"]
        assert len(blobs.get(store.blobs, line["sha256"])) > 0
    assert check(settings).faults == ()
    out, err = start(settings, tiny_product.bundle, folder).communicate(timeout=240)
    again = [json.loads(line)["decision"] for line in out.splitlines()]
    assert len(again) == total, err
    assert again[:lines] == [line["decision"] for line in acknowledged]
    assert counts(settings) == [total, total]
    assert check(settings).faults == ()
