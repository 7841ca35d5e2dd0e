"""An object sent again in another encoding is known; one that says something else is a conflict."""

from __future__ import annotations

import subprocess
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ImplicitVRLittleEndian

from core.records.connection import open_store
from core.records.intake import Receipt
from core.settings import Settings
from domains.xray.node.object_comparison import Comparer
from domains.xray.node.object_intake import ObjectIntake
from domains.xray.node.part10 import parse_part10
from tests.domains.xray.radiographs import a_chest, part10
from tests.domains.xray.radiographs import an_object as a_radiograph
from tests.domains.xray.wire import ROOM, a_node, dcmtk, file_of, kept, queued

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def comparer():
    opened = Comparer(Settings())
    yield opened
    opened.close()


@pytest.fixture
def intake(tmp_path, comparer):
    store = open_store(tmp_path / "assay.sqlite")
    yield ObjectIntake(store, "", ROOM, comparer)
    store.close()


def a_file(syntax: str | None = None, **tags: object) -> bytes:
    dataset = a_radiograph(a_chest(side=64), **tags)
    return part10(dataset, syntax) if syntax else part10(dataset)


def take(intake: ObjectIntake, file: bytes) -> Receipt:
    return intake.take(parse_part10(file), "folder")


def by_dcmtk(program: str, file: bytes, folder) -> bytes:
    name, *options = program.split()
    (folder / "in.dcm").write_bytes(file)
    command = [dcmtk(name), *options, str(folder / "in.dcm"), str(folder / "out.dcm")]
    subprocess.run(command, check=True, timeout=60)
    return (folder / "out.dcm").read_bytes()


def test_the_same_object_in_other_encodings_is_known_and_judged_once(intake, tmp_path):
    file = a_file()
    again = [a_file(ImplicitVRLittleEndian), by_dcmtk("dcmcjpls", file, tmp_path)]
    answers = [take(intake, one) for one in (file, *again, again[0])]
    assert answers == [Receipt.NEW, Receipt.KNOWN, Receipt.KNOWN, Receipt.KNOWN]
    assert queued(intake.store) == 1
    assert sorted(state for _, state, _ in kept(intake.store)) == ["again", "again", "kept"]


@pytest.mark.parametrize(
    "tags",
    [{"PatientID": "4711"}, {"PatientName": "Meier^Karl"}, {"SpecificCharacterSet": "ISO_IR 144"}],
)
def test_an_object_that_says_something_else_under_its_name_is_a_conflict(intake, tags):
    named = {"PatientName": "Müller^Jürgen", "SpecificCharacterSet": "ISO_IR 100"}
    first = a_file(**named)
    second = a_radiograph(a_chest(side=64), **{**named, **tags})
    if tags.keys() == {"SpecificCharacterSet"}:  # the same bytes, which now say another name
        second.SpecificCharacterSet = "ISO_IR 100"
        altered = part10(second).replace(b"ISO_IR 100", b"ISO_IR 144")
    else:
        altered = part10(second)
    assert [take(intake, one) for one in (first, altered)] == [Receipt.NEW, Receipt.CONFLICT]
    assert queued(intake.store) == 1


def test_what_does_not_read_is_the_same_object_only_byte_for_byte(intake):
    torn = a_file()[:-50]
    more = torn[:-50]
    answers = [take(intake, one) for one in (torn, more, torn)]
    assert answers == [Receipt.NEW, Receipt.CONFLICT, Receipt.KNOWN]


def test_a_sender_of_the_same_object_in_another_encoding_hears_success(tmp_path):
    item = Dataset()
    item.RequestedProcedurePriority = "STAT"
    dataset = a_radiograph(a_chest(side=64), RequestAttributesSequence=[item])
    (tmp_path / "a.dcm").write_bytes(part10(dataset))
    corrected = dcmread(BytesIO(part10(dataset)))
    corrected.PatientID = "4711"
    (tmp_path / "b.dcm").write_bytes(file_of(corrected))
    with a_node(tmp_path / "node", port=0) as (store, listener):
        command_head = [dcmtk("storescu"), "-v", "-aec", "ASSAY"]
        to = ["127.0.0.1", str(listener.port)]
        for options, name, answer in (
            ([], "a.dcm", "Success"),
            (["-xi"], "a.dcm", "Success"),
            ([], "b.dcm", "Error"),
        ):
            command = [*command_head, *options, *to, str(tmp_path / name)]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert f"Received Store Response ({answer}" in ended.stdout + ended.stderr
        assert queued(store) == 1
        assert sorted(state for _, state, _ in kept(store)) == ["again", "conflict", "kept"]


def test_where_the_first_object_is_gone_the_second_waits_for_a_person(intake):
    assert take(intake, a_file()) is Receipt.NEW
    for path in intake.store.blobs.rglob("*"):
        if path.is_file():
            path.unlink()
    assert take(intake, a_file(ImplicitVRLittleEndian)) is Receipt.CONFLICT
