"""The names that answers bear, and what makes a case's verdict."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types import Disposition, Finding, Reason
from domains.xray.answers.answer import JudgedImage, uids_at
from tests.domains.xray.answers.answers import NAMES, a_decision, a_source, an_answer

UNREAD = Finding(Reason.UNREADABLE, "")
NEGATIVE, DEFER, POSITIVE = Disposition.NEGATIVE, Disposition.DEFER, Disposition.POSITIVE


@given(st.lists(st.text(max_size=20), max_size=4))
def test_a_name_is_a_version_8_uuid_under_2_25(parts: list[str]):
    name = NAMES.uid(*parts)
    assert re.fullmatch(r"2\.25\.[1-9][0-9]{0,38}", name)
    number = uuid.UUID(int=int(name.removeprefix("2.25.")))
    assert (number.version, number.variant) == (8, uuid.RFC_4122)


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_other_parts_give_another_name_however_they_join(one: list[str], other: list[str]):
    assert (NAMES.uid(*one) == NAMES.uid(*other)) == (one == other)


def test_a_home_keeps_its_key_for_itself(tmp_path):
    first = uids_at(tmp_path)
    assert len(first.key) == 32
    assert uids_at(tmp_path) == first
    assert (tmp_path / "results.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").mkdir()
    assert uids_at(tmp_path / "other") != first
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["results.key"]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    script = "import sys, pathlib; from domains.xray.answers.answer import uids_at\n"
    script += "print(uids_at(pathlib.Path(sys.argv[1])).key.hex())"
    command = [sys.executable, "-c", script, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    assert len({process.communicate()[0] for process in started}) == 1


@pytest.mark.parametrize(
    ("verdicts", "wording", "probability"),
    [
        ([(NEGATIVE, 0.1)], "NORMAL", 0.1),
        ([(NEGATIVE, 0.1), (DEFER, 0.4)], "READ", 0.4),
        ([(DEFER, None), (NEGATIVE, 0.1)], "READ", 0.1),
        ([(POSITIVE, 0.9), (DEFER, None)], "ABNORMAL", 0.9),
        ([(POSITIVE, 0.9), (POSITIVE, 0.95)], "ABNORMAL", 0.95),
        ([(DEFER, None)], "READ", None),
    ],
)
def test_the_worst_image_makes_the_verdict_on_a_case(verdicts, wording, probability):
    images = (
        JudgedImage(
            place,
            a_decision(chr(97 + place), p, disposition, *([UNREAD] if p is None else [])),
            a_source(place),
        )
        for place, (disposition, p) in enumerate(verdicts, start=1)
    )
    answer = an_answer(*images)
    assert answer.deciding.wording == wording
    assert answer.probability == probability


def test_an_image_of_another_study_counts_for_the_verdict_but_is_not_shown():
    other = a_source(2, StudyInstanceUID="9.9")
    answer = an_answer(
        JudgedImage(1, a_decision("a", 0.1, NEGATIVE), a_source()),
        JudgedImage(2, a_decision("c"), other),
    )
    assert answer.deciding.wording == "ABNORMAL"
    assert [one.number for one in answer.shown] == [1]
