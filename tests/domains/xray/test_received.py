"""Conflicts as people meet them: what the two sides say, the command, the page."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from core.errors import ConfigError, StoreError
from core.records import quarantine
from core.records.audit import verify
from core.records.intake import ASIDE
from core.records.quarantine import Conflict, StoredReceipt
from core.records.values import now
from core.settings import Settings
from domains.xray.commands import app
from domains.xray.decoding.source import source_of
from domains.xray.worklist import received
from domains.xray.worklist.received import Difference, differences
from tests.domains.xray.wire import a_node, an_object, calling, file_of

STATED = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1",
    "SOPInstanceUID": "1.2.3.4",
    "SeriesInstanceUID": "1.2.3",
    "StudyInstanceUID": "1.2",
    "PatientName": "Unknown^Male",
    "PatientID": "TRAUMA-17",
}


def test_what_differs_is_named_side_by_side_and_nothing_else_is():
    other = source_of({**STATED, "PatientName": "Meier^Karl", "PatientID": "", "PatientSex": "M"})
    assert differences(source_of(STATED), other) == (
        Difference("Patient's name", "Unknown^Male", "Meier^Karl"),
        Difference("Patient's number", "TRAUMA-17", ""),
        Difference("Sex", "", "M"),
    )
    moved = source_of({**STATED, "StudyInstanceUID": "1.9"})
    assert differences(source_of(STATED), moved) == (Difference("Study", "1.2", "1.9"),)
    assert differences(source_of(STATED), source_of(STATED)) == ()
    assert differences(None, other) is None


def test_each_outcome_has_words_and_nothing_that_a_file_says_becomes_markup():
    assert received.difference_lines(()) == [received.SAME_WORDS]
    assert received.difference_lines(None) == [received.UNREADABLE_WORDS]
    evil = (Difference("Patient's name", "<img src=x>", ""),)
    assert received.difference_lines(evil) == ["Patient's name: <img src=x> -> nothing"]
    assert "<img" not in received.difference_html(evil)
    assert "&lt;img src=x&gt;" in received.difference_html(evil)
    assert received.SAME_WORDS in received.difference_html(())
    assert received.waiting_text(0) == ""
    assert received.waiting_text(2).startswith("2 objects differ")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A node's home: one object came twice with another patient, and a dose report with it."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    study = {"study": "1.2.826.40", "SeriesInstanceUID": "1.2.826.40.0"}
    sent = [
        an_object("1", PatientID="TRAUMA-17", **study),
        an_object("1", PatientID="4711", PatientName="Meier^*Karl*", **study),
        an_object("2", sop_class="1.2.840.10008.5.1.4.1.1.88.67", **study),
    ]
    with (
        a_node(tmp_path, port=0) as (_, listener),
        calling(listener.port, *{one.SOPClassUID for one in sent}) as association,
    ):
        assert [association.send_c_store(one).Status for one in sent] == [0, 0xC001, 0]
    return tmp_path


def call(*words, error=None):
    result = CliRunner().invoke(app, ["conflicts", *words])
    assert isinstance(result.exception, error or type(None)), result.output
    return str(result.exception) if error else result.output


def test_the_command_lists_both_sides_and_decides_under_a_name(home):
    printed = call()
    assert printed.startswith("1 in conflict, 1 set aside.")
    for line in (
        "Digital X-Ray Image Storage - For Presentation",
        "  1.2.826.40.1",
        "  Patient's number: TRAUMA-17 -> 4711",
        "  Patient's name: Doe^Jane -> Meier^*Karl*",
        "by C-STORE from LOCAL",
    ):
        assert line in printed
    plain = json.loads(call("--json"))
    (conflict,) = plain["conflicts"]
    assert plain["aside"] == 1
    assert conflict["sop_instance_uid"] == "1.2.826.40.1"
    assert "Meier" not in json.dumps(plain)

    assert "bears a name" in call("--accept", conflict["id"], error=ConfigError)
    both = ("--accept", conflict["id"], "--keep-first", conflict["id"], "--by", "Ada")
    assert "not both" in call(*both, error=ConfigError)
    assert "no receipt" in call("--accept", "nobody", "--by", "Ada", error=StoreError)
    assert "Decided.\n0 in conflict" in call("--accept", conflict["id"], "--by", "Ada")
    assert "Nothing changed" in call("--accept", conflict["id"], "--by", "Ada")

    with a_node(home, port=0) as (store, _):
        (one,) = quarantine.resolutions(store, "xray")
        assert (one.is_accepted, one.resolved_by) == (True, "Ada")
        assert received.resolution_text(one).endswith(
            f"Ada took the new object of 1.2.826.40.1 ({conflict['id']})"
        )
        (aside,) = quarantine.receipts(store, "xray", ASIDE, limit=9)
        assert received.class_text(aside) == "X-Ray Radiation Dose SR Storage"
        hostile = f"1.2 <img src=x> {'9' * 99}"  # no UID: shown as it came, and nothing warns
        assert received.class_text(replace(aside, meta={"sop_class": hostile})) == hostile
        assert verify(store).faults == ()


def test_a_side_that_is_gone_or_unreadable_is_said_so(home):
    with a_node(home, port=0) as (store, _):
        (conflict,) = quarantine.conflicts(store, "xray")
        gone = StoredReceipt("x", "1.2", "0" * 64, "folder", {}, now())
        pairs = [Conflict(gone, conflict.other), conflict]
        missing, whole = received.read_differences(pairs, store, Settings(home=home))
    assert missing is None
    assert len(whole) == 2
    assert received.arrival_text(gone).endswith("by the watched folder")


def test_a_file_of_another_class_in_the_folder_is_set_aside(tmp_path):
    with a_node(tmp_path, watch=tmp_path / "inbox") as (store, listener):
        report = an_object("3", sop_class="1.2.840.10008.5.1.4.1.1.88.67")
        (tmp_path / "inbox" / "a").write_bytes(file_of(report))
        listener.scan()
        listener.scan()
        assert [one.key for one in quarantine.receipts(store, "xray", ASIDE, limit=9)] == [
            "1.2.3.3"
        ]
        assert (tmp_path / "inbox" / "done" / "a").exists()
