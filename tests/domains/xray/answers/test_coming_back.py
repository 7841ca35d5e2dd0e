"""What we sent and a PACS sends back is known as ours; what only says so is judged."""

from __future__ import annotations

from io import BytesIO
from itertools import count

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import JPEGLSLossless

from core.records.deployment import Stage
from core.records.intake import Receipt
from domains.xray.node.object_comparison import Comparer
from domains.xray.node.object_intake import ObjectIntake
from domains.xray.node.part10 import parse_part10
from tests.domains.xray.answers.ward import Ward, a_radiograph
from tests.domains.xray.wire import ROOM, queued

pytestmark = pytest.mark.service

PACS = {"name": "PACS", "ae_title": "PACS", "host": "127.0.0.1", "port": 4242}
_numbers = count(1)


@pytest.fixture(scope="module")
def intake(opened_ward: Ward):
    comparer = Comparer(opened_ward.settings)
    yield ObjectIntake(opened_ward.store, "", ROOM, comparer)
    comparer.close()


@pytest.fixture
def study(ward: Ward) -> str:
    ward.peers(PACS)
    return f"1.2.841.{next(_numbers)}"


def chest(study: str, instance: int = 1, **tags: object) -> bytes:
    stated = {
        "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.0",
        "SOPInstanceUID": f"{study}.0.{instance}",
        "InstitutionName": study,
        **tags,
    }
    return a_radiograph(f"{study}.{instance}", spot=True, **stated)


@pytest.fixture
def outgoing(ward: Ward, study: str) -> list[bytes]:
    """The report and the capture of a study that was judged."""
    ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    (message,) = ward.answer(study)
    return ward.files(message)


def take(intake: ObjectIntake, file: bytes) -> Receipt:
    return intake.take(parse_part10(file), "folder")


def coerced(file: bytes, **tags: object) -> Dataset:
    """Change what a PACS changes: its own name for the patient, its character set, its marks."""
    dataset = dcmread(BytesIO(file))
    stated = {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": "王^小东",
        "PatientID": "PACS-1",
        "Manufacturer": "Archive",
        "RetrieveAETitle": "PACS",
        **tags,
    }
    for keyword, value in stated.items():
        setattr(dataset, keyword, value)
    return dataset


def written(dataset: Dataset) -> bytes:
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_what_we_sent_is_taken_with_success_and_makes_no_work(ward, intake, outgoing):
    before = queued(ward.store)
    assert [take(intake, file) for file in outgoing] == [Receipt.OWN, Receipt.OWN]
    assert queued(ward.store) == before


def test_it_is_ours_still_when_the_pacs_changed_its_words_and_its_encoding(ward, intake, outgoing):
    report, capture = (coerced(file) for file in outgoing)
    pixels = capture.pixel_array
    compressed = coerced(outgoing[1])
    compressed.compress(
        JPEGLSLossless, pixels, encoding_plugin="pyjpegls", generate_instance_uid=False
    )
    before = queued(ward.store)
    files = [written(one) for one in (report, capture, compressed)]
    assert [take(intake, file) for file in files] == [Receipt.OWN] * 3
    assert queued(ward.store) == before


def test_another_picture_under_a_name_of_ours_is_a_conflict_that_is_kept(intake, outgoing):
    altered = coerced(outgoing[1])
    altered.PixelData = bytes(len(altered.PixelData))
    assert take(intake, written(altered)) is Receipt.CONFLICT


def test_a_radiograph_under_the_name_of_a_report_of_ours_is_a_conflict(intake, outgoing, study):
    name = dcmread(BytesIO(outgoing[0])).SOPInstanceUID
    assert take(intake, chest(study, SOPInstanceUID=name)) is Receipt.CONFLICT


def test_a_picture_that_only_says_it_is_ours_is_judged_and_reported(ward, intake, study):
    ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    (first,) = ward.answer(study)
    foreign = chest(
        study, 2, Manufacturer="Assay", ManufacturerModelName="Assay X-ray prescreening"
    )
    before = queued(ward.store)
    assert take(intake, foreign) is Receipt.NEW
    assert queued(ward.store) == before + 1
    ward.judge(foreign)
    (second,) = ward.answer(study)
    report = ward.objects(second)[0]
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    named = {item.ReferencedSOPInstanceUID for item in evidence.ReferencedSOPSequence}
    assert named == {f"{study}.0.1", f"{study}.0.2"}
    assert (first.body["version"], second.body["version"]) == (1, 2)
