"""From a case that was judged to what waits in the outbox, with a bundle that really judges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import cv2
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.config import disable_value_validation

from core.errors import PermanentFailure, StoreError
from core.records import blobs, quarantine
from core.records.case_list import list_cases
from core.records.deployment import Stage
from core.records.deployments import by_product
from core.records.intake import receive
from core.records.store import NewDecision, record
from core.records.values import now
from core.service.review.order import Rank
from core.service.review.reading_list import OPEN, reading_list
from core.types import Disposition, Finding, Reason
from domains.xray.worklist.rules import RULES
from tests.domains.xray.answers.ward import Ward, a_radiograph
from tests.domains.xray.radiographs import CANARY, a_chest, an_object, encodings, part10

pytestmark = pytest.mark.service

PACS = {"name": "PACS", "ae_title": "PACS", "host": "127.0.0.1", "port": 4242}
WEB = {"name": "WEB", "protocol": "stow", "url": "http://127.0.0.1:8042/dicom-web"}
SR, SC = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.7"
_numbers = count(1)


@pytest.fixture
def study(ward: Ward) -> str:
    """A study of its own for each test, at a hospital of its own, and one receiver."""
    ward.peers(PACS)
    return f"1.2.840.{next(_numbers)}"


def chest(study: str, instance: int = 1, name: str = "cal-1", **tags: object) -> bytes:
    tags = {
        "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.0",
        "SOPInstanceUID": f"{study}.0.{instance}",
        "InstitutionName": study,
        "StudyDate": f"{date.today():%Y%m%d}",
        **tags,
    }
    return a_radiograph(name, spot=name.endswith("1"), **tags)


def words(dataset: Dataset) -> set[str]:
    return {str(element.value) for element in dataset.iterall()}


def test_a_released_case_is_answered_with_a_report_and_a_capture_in_its_study(ward, study):
    (decision,) = ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    (message,) = ward.answer(study)
    report, capture = ward.objects(message)
    assert (report.SOPClassUID, capture.SOPClassUID) == (SR, SC)
    assert {report.StudyInstanceUID, capture.StudyInstanceUID} == {study}
    assert {str(one.PatientName) for one in (report, capture)} == {f"{CANARY}^NAME"}
    assert len({report.SeriesInstanceUID, capture.SeriesInstanceUID, f"{study}.0"}) == 3
    texts = words(report)
    assert {decision.wording, ward.bundle.label, ward.bundle.sha256, ward.policy.id} <= texts
    assert (message.receiver, message.body["report"]) == ("PACS", report.SOPInstanceUID)


def test_captures_show_the_same_picture_whatever_its_encoding_and_polarity(ward, study):
    pixels = a_chest(7)
    tags = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.0", "InstitutionName": study}
    files = encodings(pixels, **tags, SOPInstanceUID=f"{study}.0.1")
    inverted = an_object(
        4095 - pixels,
        **tags,
        SOPInstanceUID=f"{study}.0.2",
        PhotometricInterpretation="MONOCHROME1",
    )
    ward.judge(files["JPEG-LS"], files["RLE"], files["explicit big endian"], part10(inverted))
    ward.release(Stage.SUPERVISED, study)
    (message,) = ward.answer(study)
    shown = [one.pixel_array[:720, :720].astype(int) for one in ward.objects(message)[1:]]
    expected = cv2.resize(pixels / 4095 * 255, (720, 720), interpolation=cv2.INTER_LINEAR)
    assert len(shown) == 4
    for picture in shown:
        assert np.abs(picture - shown[0]).max() <= 1
        assert np.corrcoef(picture[:, :, 0].ravel(), expected.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("stage", [Stage.AUDIT, Stage.SHADOW])
def test_nothing_is_said_before_a_person_has_released_it(ward, study, stage):
    ward.judge(chest(study))
    ward.release(stage, study)
    assert ward.answer(study) == []


def test_a_release_at_another_hospital_releases_nothing_here(ward, study):
    ward.judge(chest(study))
    ward.release(Stage.AUTOMATIC, f"{study} elsewhere")
    assert ward.answer(study) == []


def test_a_case_drawn_to_measure_the_error_stays_unsaid(ward, study):
    (decision,) = ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    drawn = replace(
        decision,
        content_key="d" * 64,
        disposition=Disposition.NEGATIVE,
        findings=(Finding(Reason.AUDIT, ""),),
    )
    record(ward.store, [NewDecision(study, "drawn.dcm", "drawn.dcm", drawn)])
    assert ward.answer(study) == []


def test_a_study_whose_pictures_name_two_patients_is_not_answered(ward, study):
    ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    (first,) = ward.answer(study)
    ward.judge(chest(study, 2, "cal-2", PatientName="Other^Jane", PatientID="OTHER"))
    assert ward.answer(study) == []
    assert [message.id for message in ward.outbox(study)] == [first.id]
    spelt = f"{study}.7"
    ward.judge(chest(spelt, InstitutionName=study), chest(
        spelt, 2, "cal-2", InstitutionName=study, PatientName=f"{CANARY}^Name^^ ",
    ))  # fmt: skip
    assert len(ward.answer(spelt)) == 1


@pytest.mark.parametrize(
    ("days", "priority", "answers"), [(364, "", 1), (366, "", 0), (366, "STAT", 1)]
)
def test_a_study_that_was_old_when_it_came_is_not_answered(ward, study, days, priority, answers):
    taken = date.today() - timedelta(days=days)
    ward.judge(chest(study, StudyDate=f"{taken:%Y%m%d}", RequestedProcedurePriority=priority))
    ward.release(Stage.SUPERVISED, study)
    assert len(ward.answer(study)) == answers


def test_without_receivers_nothing_is_queued(ward, study):
    ward.peers()
    ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    assert ward.answer(study) == []


def test_answering_twice_queues_once_and_a_new_receiver_gets_the_same_files(ward, study):
    ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    (first,) = ward.answer(study)
    assert ward.answer(study) == []
    ward.peers(PACS, WEB)
    (second,) = ward.answer(study)
    assert second.receiver == "WEB"
    assert second.parts == first.parts


def test_another_image_of_the_study_makes_a_report_that_replaces_the_first(ward, study):
    ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    (first,) = ward.answer(study)
    ward.judge(chest(study, 2, "cal-2"))
    (second,) = ward.answer(study)
    before, after = ward.objects(first), ward.objects(second)
    (predecessor,) = after[0].PredecessorDocumentsSequence
    (named,) = predecessor.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert named.ReferencedSOPInstanceUID == before[0].SOPInstanceUID
    assert after[0].SeriesInstanceUID == before[0].SeriesInstanceUID
    assert (before[0].InstanceNumber, after[0].InstanceNumber) == (1, 2)
    assert len(after) == 3
    assert before[1] in after[1:]
    evidence = after[0].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert len(evidence.ReferencedSOPSequence) == 2


def test_a_corrected_patient_is_answered_anew_and_the_first_report_is_named(ward, study):
    wrong = chest(study, PatientName="Unknown^Male", PatientID="TRAUMA-17")
    right = chest(study, PatientName="Meier^Karl", PatientID="4711")
    for sha256 in blobs.put_many(ward.store.blobs, [wrong, right]):
        receive(ward.store, pack="xray", key=f"{study}.0.1", sha256=sha256, source="c-store:PACS")
    ward.judge(wrong)
    ward.release(Stage.SUPERVISED, study)
    (first,) = ward.answer(study)
    undecided = quarantine.conflicts(ward.store, "xray")
    (conflict,) = [one for one in undecided if one.other.key == f"{study}.0.1"]
    quarantine.accept(ward.store, conflict.other.id, by="Ada")
    assert ward.answer(study) == []
    ward.judge(right)
    (second,) = ward.answer(study)
    before, after = ward.objects(first), ward.objects(second)
    assert {str(one.PatientID) for one in before} == {"TRAUMA-17"}
    assert {(str(one.PatientID), str(one.PatientName)) for one in after} == {("4711", "Meier^Karl")}
    (predecessor,) = after[0].PredecessorDocumentsSequence
    (named,) = predecessor.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert named.ReferencedSOPInstanceUID == before[0].SOPInstanceUID
    assert len(after) == 2
    assert {one.SOPInstanceUID for one in before}.isdisjoint(one.SOPInstanceUID for one in after)


def test_our_own_answer_sent_back_to_us_is_no_image_and_no_news(ward, study):
    ward.judge(chest(study))
    ward.release(Stage.SUPERVISED, study)
    (message,) = ward.answer(study)
    assert len(ward.judge(*ward.files(message))) == 2
    assert ward.answer(study) == []


def test_a_file_that_names_no_study_is_not_answered_and_not_an_error(ward, study):
    (decision,) = ward.judge(b"this is no radiograph at all")
    ward.release(Stage.SUPERVISED, "")
    assert decision.disposition is Disposition.DEFER
    assert ward.answer(decision.content_key) == []


def test_a_dicom_file_whose_pixels_do_not_read_is_answered_with_read_and_no_picture(ward, study):
    torn = chest(study)[:-5000]
    (decision,) = ward.judge(torn)
    assert decision.wording == "READ"
    ward.release(Stage.SUPERVISED, study)
    (message,) = ward.answer(study)
    (report,) = ward.objects(message)
    assert report.StudyInstanceUID == study
    assert "READ" in words(report)
    assert any(word.startswith("UNREADABLE: ") for word in words(report))


def test_a_readable_and_an_unreadable_view_are_one_case_that_is_never_cleared(ward, study):
    stat = {"RequestedProcedurePriority": "STAT", "PatientName": "Meier^Karl"}
    readable = chest(study, 1, "cal-2")
    ward.release(Stage.AUTOMATIC, study)
    ward.judge(readable, chest(study, 2, "cal-4", **stat)[:-5000])

    cases = list_cases(ward.store, "xray", OPEN)
    (case,) = [one for one in cases if one.item.key == study]
    assert case.item.images == 2
    assert case.item.disposition is Disposition.DEFER
    assert [one["institution"] for one in case.headers] == [study, study]
    assert case.headers[1]["patient_name"] == "Meier^Karl"
    releases = by_product(ward.store, "xray")
    found = reading_list([case], releases, RULES, now=now(), is_certified=lambda _: True)
    assert [line.rank for line in found.to_read] == [Rank.URGENT]
    assert found.cleared == ()


@pytest.mark.parametrize("word", ["PatientID", "PatientName"])
@pytest.mark.parametrize("value", [["12", "34"], "P" * 65], ids=["two", "long"])
def test_an_answer_that_cannot_say_whose_it_is_is_held_back_with_the_reason(
    ward, study, word, value
):
    with disable_value_validation():
        ward.judge(chest(study, **{word: value}))
    ward.release(Stage.SUPERVISED, study)
    with pytest.raises(PermanentFailure, match=rf"held back: {word} .* cannot be taken over"):
        ward.answer(study)
    assert ward.outbox(study) == []


def test_an_unknown_case_is_an_error(ward, study):
    with pytest.raises(StoreError):
        ward.answer("no such study")


def test_no_word_of_the_patient_is_logged_or_queued(ward, study, caplog, capfd):
    caplog.set_level("DEBUG")
    ward.judge(chest(study))
    caplog.clear()
    ward.release(Stage.SUPERVISED, study)
    (message,) = ward.answer(study)
    logged = caplog.text + "".join(capfd.readouterr()) + str(message)
    assert CANARY not in logged
    assert study not in caplog.text
    names = [path.name for path in ward.settings.home.rglob("*")]
    assert not [name for name in names if CANARY in name or study in name]
