"""No untrusted text is ever logged by a long-lived command."""

import json
import logging
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.logs import FIELDS, WITHHELD, Event, Word, declare

CONFINED = """
import ctypes, logging, os, sys, threading, warnings
from core.logs import Event, Word, confined

log = logging.getLogger("core.pipeline")

def badly():
    raise RuntimeError("CANARY in a thread")

class Worse:
    def __del__(self):
        raise ValueError("CANARY at the end")

with confined():
    print("CANARY printed", file=sys.stderr)
    os.write(2, b"CANARY by the system\\n")
    ctypes.CDLL(None).perror(b"CANARY by a native library")
    os.system("echo CANARY by a child >&2")
    warnings.warn("CANARY in a warning")
    logging.getLogger("pydicom").error("CANARY of another library")
    logging.getLogger("core_of_somebody_else").error("CANARY of another library")
    logging.warning("CANARY to the root")
    try:
        int("CANARY")
    except ValueError:
        log.exception("failed on CANARY")
    log.debug("CANARY in detail")
    log.info("%s and %d", "CANARY")
    log.info(Event(Word.RECEIVED, {"bytes": 12, "pack": "CANARY^JANE"}))
    thread = threading.Thread(target=badly)
    thread.start()
    thread.join()
    worse = Worse()
    del worse
    raise OSError("CANARY is missing")
"""


def test_only_events_of_our_own_come_through_whatever_else_is_printed():
    ran = subprocess.run(
        [sys.executable, "-c", CONFINED], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 1
    assert "CANARY" not in ran.stderr
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert all(line.pop("at").endswith("+00:00") for line in lines)
    assert lines == [
        {"level": "ERROR", "event": "logged", "logger": "core.pipeline", "error": "ValueError"},
        {"level": "INFO", "event": "logged", "logger": "core.pipeline"},
        {"level": "INFO", "event": "received", "bytes": 12, "pack": WITHHELD},
        {"level": "ERROR", "event": "failed", "error": "RuntimeError"},
        {"level": "ERROR", "event": "failed", "error": "OSError"},
    ]


def test_a_log_that_nobody_reads_any_more_stops_nothing():
    script = CONFINED.replace("    raise OSError", "    print('still here')\n    raise OSError")
    reader = "exec 3>&1; (sleep 0.1; exec 3>&-) & exec 2> >(exec <&-); sleep 0.2; exec "
    ran = subprocess.run(
        ["bash", "-c", reader + '"$@"', "-", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "still here" in ran.stdout


def test_an_event_holds_its_name_and_what_matches_the_pattern_of_its_field():
    fields = {"job": "0123456789abcdef0123", "count": 3, "code": "0xA700", "error": "ValueError"}
    assert Event(Word.GIVEN_UP, fields).to_json() == {"event": "given up", **fields}
    assert json.loads(str(Event(Word.SENT, {"pack": "xray"}))) == {"event": "sent", "pack": "xray"}


def test_a_field_that_nobody_listed_is_refused():
    with pytest.raises(ValueError, match="patient_name"):
        Event(Word.RECEIVED, {"patient_name": "x"})


@pytest.mark.parametrize("field", sorted(FIELDS))
@pytest.mark.parametrize(
    "value",
    ["DOE^JANE", "Jane Doe", "1.2.840.113619.2.55", "../../etc/passwd", "19700101\n", "", "Ünal"],
)
def test_names_uids_paths_and_line_breaks_have_no_field(field, value):
    assert Event(Word.RECEIVED, {field: value}).to_json()[field] == WITHHELD


@given(field=st.sampled_from(sorted(FIELDS)), value=st.text() | st.floats() | st.integers())
def test_whatever_is_given_an_event_is_one_line_of_json_in_ascii(field, value):
    line = str(Event(Word.RECEIVED, {field: value}))
    assert line.isascii()
    assert line.count("\n") == 0
    assert json.loads(line)["event"] == "received"


def test_an_event_reads_the_same_under_any_other_handler(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("core.x").info(Event(Word.RECEIVED, {"pack": "DOE^JANE"}))
    assert json.loads(caplog.messages[0]) == {"event": "received", "pack": WITHHELD}


DECLARED = """
import logging
from core import logs

logs.declare_logger("welds_pack")
logs.declare({"seam received"}, {"seam": "W-[0-9]{1,6}"})
with logs.confined():
    log = logging.getLogger("welds_pack.line")
    log.info(logs.Event("seam received", {"seam": "W-7"}))
    log.info(logs.Event("seam received", {"seam": "CANARY^JANE"}))
    log.info("CANARY^JANE")
    logging.getLogger("another").info("CANARY^JANE")
"""


def test_a_pack_logs_with_words_and_fields_of_its_own_and_nothing_else():
    ran = subprocess.run([sys.executable, "-c", DECLARED], capture_output=True, text=True)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(one["event"], one.get("seam"), one.get("logger")) for one in lines] == [
        ("seam received", "W-7", None),
        ("seam received", WITHHELD, None),
        ("logged", None, "welds_pack.line"),
    ]


@pytest.mark.parametrize(
    ("words", "fields", "expected"),
    [
        ({"DOE^JANE"}, {}, "word: expected the form"),
        (set(), {"peer": ".*"}, "field peer: expected the known form"),
        (set(), {"seam": "("}, "no regular expression"),
        (set(), {"Seam": "number"}, "field: expected the form"),
        (set(), {"transport": ".*"}, "field transport: expected words parted by |"),
    ],
)
def test_a_declaration_that_would_let_anything_through_is_refused(words, fields, expected):
    with pytest.raises(ValueError, match=re.escape(expected)):
        declare(words, fields)


def test_a_word_that_nobody_declared_is_refused():
    with pytest.raises(ValueError, match="seam lost"):
        Event("seam lost")
